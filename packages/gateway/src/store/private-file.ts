/** Files that only their owner may read, replaced whole: whoever reads one finds what was there before or what is now. */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'

/** Returns when the text is on stable storage. Throws the error of the system. */
export function replacePrivateFile(file: string, text: string): void {
  const fresh = `${file}.new`
  const fd = openSync(fresh, 'w', 0o600)
  try {
    writeFileSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(fresh, file)
}

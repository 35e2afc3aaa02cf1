/**
 * The entries of the audit log after a place in it, also where the file was moved within its folder meanwhile. Whoever
 * counts by the log must know when a part of it is missing, so a place is known by what stands before it, not by its
 * number alone.
 */
import { hash } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { auditFilePath, type LogPosition, TAIL_BYTES } from './audit-file.ts'
import { type LogLine, readLines } from './audit-reader.ts'
import { isMissing } from './file-port.ts'

interface LogFile {
  readonly path: string
  readonly identity: string
  readonly sizeBytes: number
  readonly changedAtMs: number
}

/** The whole lines after `position`, oldest first; undefined where that place is not in any file of the folder. */
export async function linesSince(
  dataDir: string,
  position: LogPosition,
): Promise<AsyncIterable<LogLine> | undefined> {
  const current = auditFilePath(dataDir)
  const files = await logFiles(current)
  for (const [at, file] of files.entries()) {
    if (!(await holds(file, position))) continue
    return following(file.path, position.bytes, files.slice(at + 1))
  }
  return undefined
}

async function* following(
  first: string,
  bytes: number,
  later: readonly LogFile[],
): AsyncGenerator<LogLine, void, undefined> {
  yield* readLines(first, bytes)
  for (const file of later) yield* readLines(file.path, 0)
}

/** In the order in which they were written: the one at the path comes last. */
async function logFiles(current: string): Promise<readonly LogFile[]> {
  const folder = path.dirname(current)
  const found: LogFile[] = []
  for (const name of await fs.readdir(folder)) {
    const file = path.join(folder, name)
    if (name.endsWith('.lock')) continue
    const stats = await fs.stat(file, { bigint: true }).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (stats?.isFile() !== true) continue
    const { dev, ino, size, mtimeMs } = stats
    found.push({
      path: file,
      identity: `${dev}:${ino}`,
      sizeBytes: Number(size),
      changedAtMs: Number(mtimeMs),
    })
  }
  const isCurrent = (file: LogFile) => (file.path === current ? 1 : 0)
  return found.toSorted((a, b) => isCurrent(a) - isCurrent(b) || a.changedAtMs - b.changedAtMs)
}

async function holds(file: LogFile, { file: identity, bytes, tail }: LogPosition): Promise<boolean> {
  if (bytes === 0) return file.identity === identity
  if (file.sizeBytes < bytes) return false
  const handle = await fs.open(file.path, 'r')
  try {
    const length = Math.min(bytes, TAIL_BYTES)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, bytes - length)
    return bytesRead === length && hash('sha256', buffer, 'base64url') === tail
  } finally {
    await handle.close()
  }
}

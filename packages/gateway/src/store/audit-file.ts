/**
 * The audit log as one file, `<data>/audit/audit.jsonl`, mode 0600 in a 0700 directory, written by one gateway
 * at a time. An append is acknowledged when it is on stable storage; the first one after that also made the
 * file's name durable.
 *
 * What a crash means, by step: while opening, nothing. While writing or syncing, lines nobody was told of, the
 * last perhaps torn: the next open cuts a torn tail off, and whole lines stay. An error instead of a crash
 * takes the lines back at once; when that fails too, nothing more is appended until it has been done.
 *
 * The file may be moved, deleted, replaced or cut by others at any time: each append looks first, and begins a
 * new file, or a new end, as if it had just been started. What others removed is not brought back.
 */
import { hash } from 'node:crypto'
import path from 'node:path'
import type { EntryStore } from '../audit/trail.ts'
import { type FilePort, realFiles } from './file-port.ts'
import { type Lock, takeLock } from './lock.ts'

/** Something an operator should know; nothing that stops the log. */
export type AuditFileNotice =
  /** The last line was incomplete, as a crash leaves it; it was never acknowledged. */
  | { readonly kind: 'torn-tail'; readonly cutBytes: number }
  /** The file at the path is not the one written so far; a new one is written now. */
  | { readonly kind: 'replaced' }
  /** The size changed although nobody else may write: lines were removed or added by hand. */
  | { readonly kind: 'changed'; readonly expectedBytes: number; readonly foundBytes: number }

export interface AuditFileOptions {
  readonly dataDir: string
  onNotice?(notice: AuditFileNotice): void
  readonly files?: FilePort
  readonly lock?: (file: string) => Lock
}

/** A place in the log, between two lines. Everything before it is on stable storage. */
export interface LogPosition {
  /** Which file, while it exists. */
  readonly file: string
  readonly bytes: number
  /** SHA-256 of what stands before, at most TAIL_BYTES of it. */
  readonly tail: string
}

export const TAIL_BYTES = 512

interface OpenFile {
  readonly fd: number
  readonly identity: string
  /** What stands before `durableBytes`, at most TAIL_BYTES of it. */
  tail: Buffer
  /** Everything up to here is on stable storage and ends with a newline. */
  durableBytes: number
  /** There may be bytes beyond `durableBytes`, left by an append that failed. */
  isDirty: boolean
}

/** Where the audit log of a data directory is. */
export function auditFilePath(dataDir: string): string {
  return path.join(dataDir, 'audit', 'audit.jsonl')
}

/** An EntryStore over one file. */
export class AuditFile implements EntryStore {
  readonly #options: AuditFileOptions
  readonly #files: FilePort
  readonly #path: string
  readonly #directory: string
  #open: OpenFile | undefined
  #lock: Lock | undefined
  #isBusy = false

  constructor(options: AuditFileOptions) {
    this.#options = options
    this.#files = options.files ?? realFiles
    this.#path = auditFilePath(options.dataDir)
    this.#directory = path.dirname(this.#path)
  }

  /** Takes the lock, and opens and repairs the file. Not needed, but tells early what would be wrong. Rejects with a sentence. */
  async open(): Promise<void> {
    await this.#exclusively(() => this.#current())
  }

  /** See EntryStore. The error names the step that failed and the path. */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines, 'utf8')
    await this.#exclusively(async () => {
      const file = await this.#current()
      if (bytes.length === 0) return
      file.isDirty = true
      try {
        await this.#writeAll(file.fd, bytes)
      } catch (error) {
        // A failure to take back shows at the next append, which begins with it.
        await this.#takeBack(file).catch(() => undefined)
        throw error
      }
      file.durableBytes += bytes.length
      file.tail = endOf(Buffer.concat([file.tail, endOf(bytes)]))
      file.isDirty = false
    })
  }

  /** Where the next line will stand; undefined while no file is open. */
  position(): LogPosition | undefined {
    if (this.#open === undefined) return undefined
    const { identity, durableBytes, tail } = this.#open
    return { file: identity, bytes: durableBytes, tail: hash('sha256', tail, 'base64url') }
  }

  /** Closes the file and gives up the lock. */
  async close(): Promise<void> {
    await this.#exclusively(async () => {
      await this.#forget()
      this.#lock?.release()
      this.#lock = undefined
    })
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBusy) throw new Error('AuditFile takes one call at a time')
    this.#isBusy = true
    try {
      return await work()
    } catch (error) {
      throw new Error(`${this.#path}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    } finally {
      this.#isBusy = false
    }
  }

  /** The file at the path, open, ending with the last acknowledged line. */
  async #current(): Promise<OpenFile> {
    if (this.#open !== undefined) await this.#lookAgain(this.#open)
    this.#open ??= await this.#openFile()
    return this.#open
  }

  /** Forgets the open file unless it is still the one at the path and as it was left. */
  async #lookAgain(file: OpenFile): Promise<void> {
    const found = await this.#files.factsAt(this.#path)
    if (found?.identity !== file.identity) {
      // Half a batch must not stay in a file that was moved away; in one that was deleted it does not matter.
      if (file.isDirty) await this.#takeBack(file).catch(() => undefined)
      await this.#forget()
      this.#notify({ kind: 'replaced' })
      return
    }
    // Whoever makes the folder or its disk read-only wants nothing more written there.
    await this.#files.checkWritable(this.#path)
    if (file.isDirty) {
      await this.#takeBack(file)
    } else if (found.sizeBytes !== file.durableBytes) {
      await this.#forget()
      this.#notify({ kind: 'changed', expectedBytes: file.durableBytes, foundBytes: found.sizeBytes })
    }
  }

  async #openFile(): Promise<OpenFile> {
    await this.#files.makeDirectory(this.#directory)
    if (this.#lock?.isHeld() !== true) {
      this.#lock?.release()
      this.#lock = undefined
      this.#lock = (this.#options.lock ?? takeLock)(path.join(this.#directory, 'audit.lock'))
    }
    const fd = await this.#files.open(this.#path)
    try {
      const { isFile, identity, sizeBytes } = await this.#files.factsOf(fd)
      if (!isFile) throw new Error('this is not a file')
      const durableBytes = await this.#endOfLastLine(fd, sizeBytes)
      if (durableBytes < sizeBytes) {
        await this.#files.truncate(fd, durableBytes)
        this.#notify({ kind: 'torn-tail', cutBytes: sizeBytes - durableBytes })
      }
      // Whole lines that a crash left unsynced become part of the log: make them durable, and the name too.
      await this.#files.fdatasync(fd)
      await this.#files.syncDirectory(this.#directory)
      const tail = Buffer.alloc(Math.min(durableBytes, TAIL_BYTES))
      if ((await this.#files.read(fd, tail, durableBytes - tail.length)) !== tail.length)
        throw new Error('it changed while it was read')
      return { fd, identity, tail, durableBytes, isDirty: false }
    } catch (error) {
      await this.#files.close(fd).catch(() => undefined)
      throw error
    }
  }

  async #writeAll(fd: number, bytes: Buffer): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      const written = await this.#files.write(fd, rest)
      if (written === 0) throw new Error('the disk takes no more bytes')
      rest = rest.subarray(written)
    }
  }

  async #takeBack(file: OpenFile): Promise<void> {
    await this.#files.truncate(file.fd, file.durableBytes)
    await this.#files.fdatasync(file.fd)
    file.isDirty = false
  }

  async #forget(): Promise<void> {
    const file = this.#open
    this.#open = undefined
    if (file !== undefined) await this.#files.close(file.fd).catch(() => undefined)
  }

  /** Offset after the last newline, looking back from the end. */
  async #endOfLastLine(fd: number, sizeBytes: number): Promise<number> {
    const chunk = Buffer.alloc(64 * 1024)
    for (let end = sizeBytes; end > 0; ) {
      const start = Math.max(0, end - chunk.length)
      const part = chunk.subarray(0, end - start)
      if ((await this.#files.read(fd, part, start)) !== part.length)
        throw new Error('it changed while it was read')
      const newline = part.lastIndexOf(0x0a)
      if (newline >= 0) return start + newline + 1
      end = start
    }
    return 0
  }

  #notify(notice: AuditFileNotice): void {
    this.#options.onNotice?.(notice)
  }
}

/** A copy, so that a few bytes do not keep a large buffer alive. */
function endOf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(Math.max(0, bytes.length - TAIL_BYTES)))
}

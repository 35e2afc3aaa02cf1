/**
 * What the audit file asks of the file system, so that tests can let each step fail. Every function rejects
 * with the system's error. A step that rejected may have been carried out all the same, in part or wholly:
 * nobody may conclude anything from a rejection but that the result is not known.
 */
import fs from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

/** Enough to tell one file from another and to see what happened to it. */
export interface FileFacts {
  readonly isFile: boolean
  /** Differs for two files that exist at the same time. */
  readonly identity: string
  readonly sizeBytes: number
}

export interface FilePort {
  /** Opens for reading and appending; creates with mode 0600. Never waits for the other end of a pipe. */
  open(path: string): Promise<number>
  factsOf(fd: number): Promise<FileFacts>
  /** Undefined when nothing is there. */
  factsAt(path: string): Promise<FileFacts | undefined>
  /** Rejects when the file at the path could not be opened for writing now, although an open one still may be. */
  checkWritable(path: string): Promise<void>
  /** Appends some of `bytes`; resolves with how many, when those are on stable storage. */
  write(fd: number, bytes: Buffer): Promise<number>
  read(fd: number, into: Buffer, position: number): Promise<number>
  fdatasync(fd: number): Promise<void>
  truncate(fd: number, sizeBytes: number): Promise<void>
  close(fd: number): Promise<void>
  /** Creates a directory and those above it, mode 0700. */
  makeDirectory(path: string): Promise<void>
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>
}

const open = promisify(fs.open)
const fstat = promisify(fs.fstat)
const fsync = promisify(fs.fsync)
const fdatasync = promisify(fs.fdatasync)
const close = promisify(fs.close)
const mkdir = promisify(fs.mkdir)

const { O_RDWR, O_APPEND, O_CREAT } = fs.constants
// Not on Windows, whatever its type says.
const O_NONBLOCK = (fs.constants.O_NONBLOCK as number | undefined) ?? 0

/**
 * On Linux a write to such a file is a write and an fdatasync in one trip through the thread pool, which is half of
 * what a commit costs. Elsewhere the flag is missing, or promises less than fdatasync does.
 */
const O_DSYNC = process.platform === 'linux' ? fs.constants.O_DSYNC : 0

/** The file system of this machine. */
export const realFiles: FilePort = {
  open: (path) => open(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_DSYNC, 0o600),
  factsOf: async (fd) => toFacts(await fstat(fd, { bigint: true })),
  // The looks before each append are synchronous: they cost a microsecond, and a trip through the thread pool twenty.
  async factsAt(path) {
    const stats = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
    return stats === undefined ? undefined : toFacts(stats)
  },
  async checkWritable(path) {
    fs.accessSync(path, fs.constants.W_OK)
    fs.accessSync(dirname(path), fs.constants.W_OK)
  },
  // Written out, not promisified: these are the hot ones, and fs.write and fs.read would make objects of their results.
  async write(fd, bytes) {
    const written = await new Promise<number>((resolve, reject) => {
      fs.write(fd, bytes, 0, bytes.length, null, (error, count) => (error ? reject(error) : resolve(count)))
    })
    if (O_DSYNC === 0) await fdatasync(fd)
    return written
  },
  read: (fd, into, position) =>
    new Promise((resolve, reject) => {
      fs.read(fd, into, 0, into.length, position, (error, count) => (error ? reject(error) : resolve(count)))
    }),
  fdatasync,
  truncate: promisify(fs.ftruncate),
  close,
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  async syncDirectory(path) {
    if (process.platform === 'win32') return // directories cannot be opened there, and names are journalled
    const fd = await open(path, fs.constants.O_RDONLY)
    try {
      await fsync(fd)
    } finally {
      await close(fd)
    }
  },
}

function toFacts(stats: fs.BigIntStats): FileFacts {
  return { isFile: stats.isFile(), identity: `${stats.dev}:${stats.ino}`, sizeBytes: Number(stats.size) }
}

/** Whether an error says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/**
 * Reads the audit log while a gateway may be writing it. Only whole lines are shown. A line that is shown is
 * not always one that stays: an append that fails is taken back a moment later. Memory is bounded by
 * `maxReadLines` lines, and a line longer than any the gateway writes is skipped, not held.
 */
import fs from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { type LogEntry, maxLineBytes } from '../audit/encode.ts'
import { parseJson } from '../model/parse-json.ts'
import { isMissing } from './file-port.ts'

/** One line of the log. */
export interface LogLine {
  /** Without the newline; safe to print only if the gateway wrote it, so render `entry` instead. */
  readonly text: string
  /** Undefined when the line is not an entry: damaged, or written by something else. */
  readonly entry: LogEntry | undefined
}

/** The most lines that `readEntries` gives. */
const maxReadLines = 10_000

const newline = 0x0a
const chunkBytes = 64 * 1024

/** The last lines of the log, oldest first; none when there is no log. Rejects when it cannot be read. */
export async function readEntries(
  path: string,
  { last }: { readonly last: number },
): Promise<readonly LogLine[]> {
  const wanted = Math.min(last, maxReadLines)
  const file = await openIfThere(path)
  if (file === undefined) return []
  try {
    return await readBackwards(file, (await file.stat()).size, wanted)
  } finally {
    await file.close()
  }
}

async function readBackwards(
  file: fs.FileHandle,
  sizeBytes: number,
  wanted: number,
): Promise<readonly LogLine[]> {
  const found: LogLine[] = []
  // What follows the first newline of the part read last: the end of a line whose beginning comes next.
  // Undefined until a newline was seen: what stands after the last one is not a whole line.
  let tail: Buffer | undefined
  for (let end = sizeBytes; end > 0 && found.length < wanted; ) {
    const start = Math.max(0, end - chunkBytes)
    const part = await readPart(file, start, end - start)
    let lineEnd = part.length
    for (let at = part.lastIndexOf(newline); at >= 0 && found.length < wanted; ) {
      if (tail !== undefined) found.push(toLine(Buffer.concat([part.subarray(at + 1, lineEnd), tail])))
      tail = Buffer.alloc(0)
      lineEnd = at
      at = at === 0 ? -1 : part.lastIndexOf(newline, at - 1)
    }
    if (tail !== undefined) tail = bounded(Buffer.concat([part.subarray(0, lineEnd), tail]))
    end = start
    if (end === 0 && tail !== undefined && found.length < wanted) found.push(toLine(tail))
  }
  return found.reverse()
}

/** The whole lines of a file from an offset on, at which a line begins. */
export async function* readLines(path: string, offset: number): AsyncGenerator<LogLine, void, undefined> {
  const file = await fs.open(path, 'r')
  try {
    yield* linesFrom(file, offset)
  } finally {
    await file.close()
  }
}

async function* linesFrom(file: fs.FileHandle, offset: number): AsyncGenerator<LogLine, void, undefined> {
  let position = offset
  let partial: Buffer = Buffer.alloc(0)
  for (;;) {
    const part = await readPart(file, position, chunkBytes)
    if (part.length === 0) return
    position += part.length
    let lineStart = 0
    for (let at = part.indexOf(newline); at >= 0; at = part.indexOf(newline, lineStart)) {
      yield toLine(Buffer.concat([partial, part.subarray(lineStart, at)]))
      partial = Buffer.alloc(0)
      lineStart = at + 1
    }
    partial = bounded(Buffer.concat([partial, part.subarray(lineStart)]))
  }
}

export interface FollowOptions {
  /** How many of the lines that are there already to begin with. */
  readonly last?: number
  /** How often to look for more. */
  readonly pollMs?: number
}

/**
 * Lines as they are appended from now on, until `signal` aborts, after the `last` ones of those already there. A log that is missing is waited for; one that
 * is moved away is read to its end, then the new one from its beginning; so is one that was cut and rewritten.
 */
export async function* followEntries(
  path: string,
  signal: AbortSignal,
  { last = 0, pollMs = 200 }: FollowOptions = {},
): AsyncGenerator<LogLine, void, undefined> {
  let following = await Following.start(path, 'end')
  let wasThere = true
  try {
    if (following !== undefined) yield* await following.before(last)
    while (!signal.aborted) {
      const isThere = following !== undefined && (await following.isAt(path))
      if (following !== undefined) for await (const line of following.more()) yield line
      // A file that was moved may get the rest of an append that was under way: it is read once more, later.
      if (!isThere && (!wasThere || following === undefined)) {
        const next = await Following.start(path, 'beginning')
        if (next !== undefined) {
          await following?.close()
          following = next
          wasThere = true
          continue
        }
      }
      wasThere = isThere
      await delay(pollMs, undefined, { signal }).catch(() => undefined)
    }
  } finally {
    await following?.close()
  }
}

/** One file that is being followed. */
class Following {
  readonly #file: fs.FileHandle
  readonly #identity: string
  #position: number
  /** The beginning of a line whose end has not been read. */
  #partial: Buffer = Buffer.alloc(0)
  /** The first bytes of the file: while they stay, a shorter file had an append taken back and was not rewritten. */
  #head: Buffer

  private constructor(file: fs.FileHandle, identity: string, position: number, head: Buffer) {
    this.#file = file
    this.#identity = identity
    this.#position = position
    this.#head = head
  }

  static async start(path: string, from: 'beginning' | 'end'): Promise<Following | undefined> {
    const file = await openIfThere(path)
    if (file === undefined) return undefined
    const { dev, ino, size } = await file.stat({ bigint: true })
    const position = from === 'end' ? await endOfLastLine(file, Number(size)) : 0
    return new Following(file, `${dev}:${ino}`, position, await readHead(file))
  }

  /** The last lines before those that `more` will give. */
  before(last: number): Promise<readonly LogLine[]> {
    return readBackwards(this.#file, this.#position, Math.min(last, maxReadLines))
  }

  /** Whether this is the file at the path. */
  async isAt(path: string): Promise<boolean> {
    try {
      const { dev, ino } = await fs.stat(path, { bigint: true })
      return `${dev}:${ino}` === this.#identity
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  /** The whole lines that have been added. */
  async *more(): AsyncGenerator<LogLine, void, undefined> {
    const { size } = await this.#file.stat()
    if (size < this.#position) await this.#wasCut(size)
    for (;;) {
      const part = await readPart(this.#file, this.#position, chunkBytes)
      if (part.length === 0) break
      this.#position += part.length
      let lineStart = 0
      for (let at = part.indexOf(newline); at >= 0; at = part.indexOf(newline, lineStart)) {
        yield toLine(Buffer.concat([this.#partial, part.subarray(lineStart, at)]))
        this.#partial = Buffer.alloc(0)
        lineStart = at + 1
      }
      this.#partial = bounded(Buffer.concat([this.#partial, part.subarray(lineStart)]))
    }
    if (this.#head.length < headBytes) this.#head = await readHead(this.#file)
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #wasCut(sizeBytes: number): Promise<void> {
    const head = await readHead(this.#file)
    const isSame =
      sizeBytes > 0 && head.subarray(0, this.#head.length).equals(this.#head.subarray(0, head.length))
    this.#position = isSame ? sizeBytes : 0
    this.#partial = Buffer.alloc(0)
    this.#head = head
  }
}

const headBytes = 256

function readHead(file: fs.FileHandle): Promise<Buffer> {
  return readPart(file, 0, headBytes)
}

async function endOfLastLine(file: fs.FileHandle, sizeBytes: number): Promise<number> {
  for (let end = sizeBytes; end > 0; ) {
    const start = Math.max(0, end - chunkBytes)
    const at = (await readPart(file, start, end - start)).lastIndexOf(newline)
    if (at >= 0) return start + at + 1
    end = start
  }
  return 0
}

async function openIfThere(path: string): Promise<fs.FileHandle | undefined> {
  try {
    return await fs.open(path, 'r')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Up to `length` bytes from `start`; fewer at the end of the file. */
async function readPart(file: fs.FileHandle, start: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start)
  return buffer.subarray(0, bytesRead)
}

/** No line that the gateway wrote is longer, so of a longer one only the length class is worth keeping. */
function bounded(part: Buffer): Buffer {
  return part.length > 2 * maxLineBytes ? part.subarray(0, 2 * maxLineBytes) : part
}

function toLine(bytes: Buffer): LogLine {
  const text = bounded(bytes).toString('utf8')
  return { text, entry: bytes.length > maxLineBytes ? undefined : parseEntry(text) }
}

function parseEntry(text: string): LogEntry | undefined {
  try {
    const value = parseJson(text)
    return isEntry(value) ? value : undefined
  } catch {
    return undefined
  }
}

const KINDS: readonly unknown[] = ['decision', 'outcome', 'event', 'gap'] satisfies LogEntry['kind'][]

function isEntry(value: unknown): value is LogEntry {
  return typeof value === 'object' && value !== null && 'kind' in value && KINDS.includes(value.kind)
}

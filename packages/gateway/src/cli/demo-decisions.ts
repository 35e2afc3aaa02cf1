/** The demo's view of the audit log: the decisions on lists and calls, in the order they were recorded. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { DecisionEntry, Entry } from '../model/entry.ts'

const SHOWN = new Set(['tools/list', 'tools/call'])

export interface Decisions {
  /** The next decision. It is in the log already: it was recorded before the agent got its answer. */
  next(): Promise<DecisionEntry | undefined>
}

/** Reads what is appended to the log from now on. */
export async function decisionsOf(path: string): Promise<Decisions> {
  let offset = sizeOf(path)
  const found: DecisionEntry[] = []
  return {
    async next() {
      const text = readFrom(path, offset)
      const whole = text.slice(0, text.lastIndexOf('\n') + 1)
      offset += Buffer.byteLength(whole)
      for (const line of whole.split('\n')) {
        const entry = line === '' ? undefined : (JSON.parse(line) as Entry)
        if (entry?.kind === 'decision' && SHOWN.has(entry.method ?? '')) found.push(entry)
      }
      return found.shift()
    },
  }
}

function sizeOf(path: string): number {
  try {
    const file = openSync(path, 'r')
    const { size } = fstatSync(file)
    closeSync(file)
    return size
  } catch {
    return 0
  }
}

function readFrom(path: string, offset: number): string {
  const file = openSync(path, 'r')
  const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - offset))
  readSync(file, bytes, 0, bytes.length, offset)
  closeSync(file)
  return bytes.toString('utf8')
}

/** The demo's view of the audit log: the decisions on its agent's lists and calls, in the order they were recorded. */
import type { DecisionEntry } from '../model/entry.ts'
import { readEntries } from '../store/audit-reader.ts'

const SHOWN = new Set(['tools/list', 'tools/call'])
/** More lines than the agent's whole scenario writes. */
const LAST_LINES = 500

/** The decisions on what was called with `credential`; each was on record before the agent got its answer. */
export async function decisionsOf(path: string, credential: string): Promise<readonly DecisionEntry[]> {
  const lines = await readEntries(path, { last: LAST_LINES })
  return lines.flatMap(({ entry }) => {
    const shown =
      entry?.kind === 'decision' && entry.credential === credential && SHOWN.has(entry.method ?? '')
    return shown ? [entry] : []
  })
}

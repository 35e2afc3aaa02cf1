/**
 * Names that decide what a message means must be spelled exactly. Some readers of JSON do not mind case: what they
 * would take for `method` or `resultType` must not pass here as something nobody knows.
 */
import type { JsonObject } from '../model/message.ts'
import { foldCase } from './strict-json.ts'

export interface Spelling {
  /** Names that need no folding, because they are known. */
  readonly exact: ReadonlySet<string>
  /** By folded name, as it must be spelled. */
  readonly byFolded: ReadonlyMap<string, string>
}

/** Names that must be spelled like this. */
export function spelling(...names: string[]): Spelling {
  return { exact: new Set(names), byFolded: new Map(names.map((name) => [foldCase(name), name])) }
}

/** The first member that is like one of the names, but not spelled exactly so. */
export function misspelling(
  object: JsonObject,
  { exact, byFolded }: Spelling,
): { readonly name: string; readonly meant: string } | undefined {
  for (const name of Object.keys(object)) {
    if (exact.has(name)) continue
    const meant = byFolded.get(foldCase(name))
    if (meant !== undefined) return { name, meant }
  }
  return undefined
}

/** The members of a JSON-RPC message. */
export const MESSAGE = spelling('jsonrpc', 'id', 'method', 'params', 'result', 'error')

// Taking a JSON tree apart. What is not as expected is a `ParseFailure` at its place; nothing is passed over.

import { ParseFailure } from '../text/cursor.ts'
import type { JsonNode } from './json.ts'

export function failAt(node: JsonNode, message: string): never {
  throw new ParseFailure(message, node.at)
}

export function textOf(node: JsonNode, what: string): string {
  return node.kind === 'string' ? node.value : failAt(node, `${what} must be a string`)
}

export function itemsOf(node: JsonNode, what: string): readonly JsonNode[] {
  return node.kind === 'array' ? node.items : failAt(node, `${what} must be an array`)
}

export function membersOf(node: JsonNode, what: string): ReadonlyMap<string, JsonNode> {
  return node.kind === 'object' ? node.members : failAt(node, `${what} must be an object`)
}

/** The members of an object that has all of `required`, maybe some of `optional`, and no others. */
export function fieldsOf<R extends string, O extends string = never>(
  node: JsonNode,
  what: string,
  required: readonly R[],
  optional: readonly O[] = [],
): { readonly [name in R]: JsonNode } & { readonly [name in O]?: JsonNode } {
  const members = membersOf(node, what)
  const known: ReadonlySet<string> = new Set([...required, ...optional])
  for (const [name, member] of members) {
    if (!known.has(name)) failAt(member, `${what} has no member ${JSON.stringify(name)}`)
  }
  for (const name of required) if (!members.has(name)) failAt(node, `${what} needs ${JSON.stringify(name)}`)
  return Object.fromEntries(members) as ReturnType<typeof fieldsOf<R, O>>
}

/** What stands at the end of a way of names and places in arrays; where that ends early, what was reached. */
export function nodeAt(node: JsonNode, path: readonly (string | number)[]): JsonNode {
  let reached = node
  for (const step of path) {
    const next =
      reached.kind === 'object' && typeof step === 'string'
        ? reached.members.get(step)
        : reached.kind === 'array' && typeof step === 'number'
          ? reached.items[step]
          : undefined
    if (next === undefined) break
    reached = next
  }
  return reached
}

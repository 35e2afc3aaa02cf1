/** What a query would use, as the grants of tasks see it. */
import type { Query, Target } from '../model/decision.ts'
import { isObject, type JsonObject } from '../model/message.ts'
import type { ToolFacts } from '../model/tool-facts.ts'

export type Use =
  /** Connecting, listing, and how much the server is to log. */
  | { readonly kind: 'server'; readonly server: string }
  /** What is no method of MCP, and may do anything. */
  | { readonly kind: 'method'; readonly server: string; readonly name: string }
  /** A resource or a prompt. */
  | { readonly kind: 'reading'; readonly server: string; readonly name: string }
  /** Without `input`: with some arguments or other. */
  | {
      readonly kind: 'tool'
      readonly server: string
      /** Full name. */
      readonly name: string
      readonly facts: ToolFacts
      readonly input?: JsonObject | undefined
    }

/** Methods that concern a server as a whole and do nothing that a tool could do. */
const HARMLESS: ReadonlySet<string> = new Set(['logging/setLevel'])

/** All that a query would use; several where a request names several resources. */
export function usesOf(query: Query, factsOf: (tool: string) => ToolFacts): readonly Use[] {
  const { server, method, manner, target, alsoTargets, input } = query
  const isMethod = target.resource.type === 'Server' && manner === 'rule' && !HARMLESS.has(method)
  const given = manner === 'rule' && isObject(input) ? input : undefined
  const main: Use = isMethod
    ? { kind: 'method', server, name: method }
    : useOf(server, target, factsOf, given)
  return alsoTargets.length === 0
    ? [main]
    : [main, ...alsoTargets.map((each) => useOf(server, each, factsOf, undefined))]
}

/** The use of a thing; of a tool, with these arguments. */
function useOf(
  server: string,
  { resource }: Target,
  factsOf: (tool: string) => ToolFacts,
  input: JsonObject | undefined,
): Use {
  if (resource.type === 'Server') return { kind: 'server', server }
  if (resource.type !== 'Tool') return { kind: 'reading', server, name: resource.id }
  return { kind: 'tool', server, name: resource.id, facts: factsOf(resource.id), input }
}

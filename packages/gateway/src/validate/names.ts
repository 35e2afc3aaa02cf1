/**
 * Servers and tools that policies name and that there are not. Types say nothing of ids, so the engine takes any: a
 * policy on a misspelt server is valid, and about nothing.
 */
import {
  childrenOf,
  type Entity,
  type Expression,
  type Policy,
  type ScopeEntity,
  suggest,
} from '@tollgate/cedar'
import type { Finding } from './finding.ts'
import { offsetOf, placeOf } from './places.ts'

/** Names of the tools of each configured server, the server's own; undefined where they are not known. */
export type KnownTools = ReadonlyMap<string, ReadonlySet<string> | undefined>

/** Findings about literal names in scopes and conditions, each place once. */
export function checkNames(policies: readonly Policy[], known: KnownTools): readonly Finding[] {
  const tools = new Set(
    [...known].flatMap(([server, names]) => [...(names ?? [])].map((name) => `${server}__${name}`)),
  )
  return policies.flatMap((policy) =>
    literalsIn(policy).flatMap(({ entity, at: place }): readonly Finding[] => {
      const fault = faultOf(entity, known, tools)
      if (fault === undefined) return []
      const at = place ?? placeInScope(policy, entity)
      const where =
        at === undefined ? policy.position : placeOf(policy, { start: at, end: endOfName(policy, at) })
      return [{ ...where, rule: 'name', severity: 'error', policy: policy.id, ...fault }]
    }),
  )
}

function faultOf({ type, id }: Entity, known: KnownTools, tools: ReadonlySet<string>) {
  if (type === 'Server') return known.has(id) ? undefined : missing('server', id, 'Server', known.keys())
  if (type !== 'Tool' || tools.has(id)) return undefined
  const server = id.slice(0, Math.max(0, id.indexOf('__')))
  // Whether a server has a tool is known of those that were asked only.
  if (known.has(server) && known.get(server) === undefined) return undefined
  return missing('tool', id, 'Tool', tools)
}

function missing(what: string, id: string, type: string, names: Iterable<string>) {
  const all = [...names]
  const close = all.find((name) => name.endsWith(`__${id}`)) ?? suggest(id, all)
  const message = `there is no ${what} ${JSON.stringify(id)}`
  return close === undefined
    ? { message }
    : { message, suggestion: `did you mean \`${type}::${JSON.stringify(close)}\`?` }
}

/** Where a literal such as `Server::"files"` ends. */
function endOfName({ source }: Policy, at: number): number {
  const [text = ''] = /^[\w:\s]+"(?:[^"\\]|\\.)*"/.exec(source.text.slice(at, at + 1000)) ?? []
  return at + text.length
}

interface Literal {
  readonly entity: Entity
  /** Undefined in a scope, of which the tree does not tell the places. */
  readonly at: number | undefined
}

function literalsIn(policy: Policy): readonly Literal[] {
  const { principal, resource } = policy.scope
  const named = [principal, resource].flatMap((constraint): readonly ScopeEntity[] => {
    if (constraint.op === 'any') return []
    if (constraint.op === 'in') return constraint.entities
    return constraint.op === '==' ? [constraint.entity] : constraint.in === undefined ? [] : [constraint.in]
  })
  const inScope = named.flatMap((entity) => ('slot' in entity ? [] : [{ entity, at: undefined }]))
  return [...inScope, ...policy.conditions.flatMap(({ expression }) => literalsOf(expression))]
}

function literalsOf(expression: Expression): readonly Literal[] {
  const below = childrenOf(expression).flatMap(literalsOf)
  return expression.kind === 'entity' ? [{ entity: expression.entity, at: expression.at }, ...below] : below
}

/** Where a name stands in a scope, or undefined when it is written in an unusual way. */
function placeInScope(policy: Policy, { type, id }: Entity): number | undefined {
  const at = policy.text.indexOf(`${type}::${JSON.stringify(id)}`)
  return at < 0 ? undefined : offsetOf(policy) + at
}

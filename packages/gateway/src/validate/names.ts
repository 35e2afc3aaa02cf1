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
import { placeOf, type Span } from './places.ts'
import { scopePartsOf } from './scope-parts.ts'
import { list } from './words.ts'

/** Names of the tools of each configured server, the server's own; undefined where they are not known. */
export type KnownTools = ReadonlyMap<string, ReadonlySet<string> | undefined>

/** Findings about literal names in scopes and conditions, each place once. */
export function checkNames(policies: readonly Policy[], known: KnownTools): readonly Finding[] {
  const tools = new Set(
    [...known].flatMap(([server, names]) => [...(names ?? [])].map((name) => `${server}__${name}`)),
  )
  return policies.flatMap((policy) => [
    ...literalsIn(policy).flatMap(({ entity, at: place }): readonly Finding[] => {
      const fault = faultOf(entity, known, tools)
      if (fault === undefined) return []
      const span = place === undefined ? placeInScope(policy, entity) : nameAt(policy, place)
      const where = span === undefined ? policy.position : placeOf(policy, span)
      return [{ ...where, rule: 'name', severity: 'error', policy: policy.id, ...fault }]
    }),
    ...otherTool(policy),
  ])
}

/** A call of one tool has that tool for its resource; a scope with two different ones lets nothing in. */
function otherTool(policy: Policy): readonly Finding[] {
  const { action, resource } = policy.scope
  const tool = resource.op === '==' ? resource.entity : undefined
  if (tool === undefined || !('uid' in tool) || tool.type !== 'Tool') return []
  const named = action.op === '==' ? [action.entity] : action.op === 'in' ? action.entities : []
  const calls = named.flatMap((each) => ('uid' in each ? each.id : []))
  if (calls.length === 0 || calls.some((id) => !/^[^/]+__/.test(id) || id === tool.id)) return []
  const span = scopePartsOf(policy)?.resource
  const where = span === undefined ? policy.position : placeOf(policy, span)
  const message = `${tool.uid} is not the resource of ${list(calls.map((id) => `Action::${JSON.stringify(id)}`))}`
  const suggestion = `write \`resource == Tool::${JSON.stringify(calls[0])}\``
  return [{ ...where, rule: 'name', severity: 'error', policy: policy.id, message, suggestion }]
}

function faultOf({ type, id }: Entity, known: KnownTools, tools: ReadonlySet<string>) {
  if (type === 'Server') return known.has(id) ? undefined : missing('server', id, 'Server', known.keys())
  if (type !== 'Tool' || tools.has(id)) return undefined
  const server = id.slice(0, Math.max(0, id.indexOf('__')))
  // Whether a server has a tool is known of those that were asked only.
  if (known.has(server) && known.get(server) === undefined) return undefined
  return missing('tool', id, 'Tool', tools)
}

function missing(what: 'server' | 'tool', id: string, type: string, names: Iterable<string>) {
  const all = [...names]
  const close = all.find((name) => name.endsWith(`__${id}`)) ?? suggest(id, all)
  const message = `there is no ${what} ${JSON.stringify(id)}`
  if (close !== undefined)
    return { message, suggestion: `did you mean \`${type}::${JSON.stringify(close)}\`?` }
  if (what === 'tool') return { message, suggestion: 'tollgate policy schema lists those there are' }
  if (all.length === 0) return { message }
  return { message, suggestion: `there ${all.length === 1 ? 'is' : 'are'} ${list(all, 9)}` }
}

/** A literal such as `Server::"files"`, from where it stands to its end. */
function nameAt({ source }: Policy, start: number): Span {
  const [text = ''] = /^[\w:\s]+"(?:[^"\\]|\\.)*"/.exec(source.text.slice(start, start + 1000)) ?? []
  return { start, end: start + text.length }
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

/** Where a name stands in a scope; the whole of what is said of the resource, when it is written in an unusual way. */
function placeInScope(policy: Policy, { type, id }: Entity): Span | undefined {
  const { principal, resource } = scopePartsOf(policy) ?? {}
  for (const part of [principal, resource]) {
    const at = policy.source.text.indexOf(`${type}::${JSON.stringify(id)}`, part?.start)
    if (part !== undefined && at >= 0 && at < part.end) return nameAt(policy, at)
  }
  return resource
}

/**
 * Why a scope lets nothing in: it asks for a principal or a resource of a type that its actions do not have, names a group
 * where an action has to stand, or a tool on another server than its own. To the engine that is a policy that never
 * applies; but whoever wrote it meant something, and a forbid of that kind forbids nothing.
 */
import type { ActionType, Constraint, Policy, Schema, ScopeEntity } from '@tollgate/cedar'
import type { Finding } from './finding.ts'
import { placeOf } from './places.ts'
import { actionsOf } from './scope.ts'
import { type ScopePart, scopePartsOf } from './scope-parts.ts'
import { list } from './words.ts'

interface Fault {
  readonly part: ScopePart
  readonly message: string
  readonly suggestion: string
}

/** Undefined when it is not what the scope names that is wrong. */
export function explainScope(policy: Policy, schema: Schema): Finding | undefined {
  const actions = actionsOf(policy, schema)
  const fault = actions.length === 0 ? idleFault(policy, schema) : partyFault(policy, actions, schema)
  if (fault === undefined) return undefined
  const { part, ...said } = fault
  const span = scopePartsOf(policy)?.[part]
  const place = span === undefined ? policy.position : placeOf(policy, span)
  return { ...place, rule: 'scope', severity: 'error', policy: policy.id, ...said }
}

/** For actions that are there, and that no request is for. */
function idleFault({ scope: { action } }: Policy, { actions }: Schema): Fault | undefined {
  if (action.op !== '==' && action.op !== 'in') return undefined
  const [first] = action.op === '==' ? [action.entity] : action.entities
  if (first === undefined || !('uid' in first) || !actions.has(first.uid)) return undefined
  const isGroup = [...actions.values()].some(({ entity }) => entity.ancestors.has(first.uid))
  if (isGroup) {
    // A group may be empty because nothing is known yet of what will be in it.
    if (action.op === 'in') return undefined
    const message = `${first.uid} is a group of actions, and no request is for a group`
    return { part: 'action', message, suggestion: `write \`action in ${first.uid}\`` }
  }
  const [, server] = /^(.+?)__/.exec(first.id) ?? []
  if (server === undefined) return undefined
  const own = `Server::${JSON.stringify(server)}`
  const message = `${first.uid} is of ${own}, and this is another server`
  return { part: 'resource', message, suggestion: `write \`resource in ${own}\`` }
}

/** For a principal or resource that none of the actions has. */
function partyFault(policy: Policy, actions: readonly ActionType[], schema: Schema): Fault | undefined {
  for (const part of ['principal', 'resource'] as const) {
    const constraint = policy.scope[part]
    // A type that is not there is an error of its own.
    if (!typesIn(constraint).every((type) => schema.entityTypes.has(type))) return undefined
    const types = new Set(actions.flatMap((action) => [...action[`${part}s`]]))
    if ([...types].some((type) => allows(constraint, type, schema))) continue
    const requests = list(actions.map(({ entity }) => entity.uid))
    const message = `no request for ${requests} has such a ${part}`
    const container = constraint.op === '==' ? constraint.entity : undefined
    const holds = container && [...types].some((type) => isWithin(type, container, schema))
    const suggestion =
      holds && 'uid' in container
        ? `write \`${part} in ${container.uid}\``
        : `a ${part} is a ${list([...types], 9).replace(' and ', ' or ')} there`
    return { part, message, suggestion }
  }
  return undefined
}

function typesIn(constraint: Constraint): readonly string[] {
  if (constraint.op === 'any') return []
  if (constraint.op === 'is')
    return [constraint.type, ...(constraint.in === undefined ? [] : typesOf([constraint.in]))]
  return typesOf(constraint.op === '==' ? [constraint.entity] : constraint.entities)
}

function typesOf(named: readonly ScopeEntity[]): readonly string[] {
  return named.flatMap((each) => ('slot' in each ? [] : each.type))
}

/** Whether something of a type can meet a constraint. */
function allows(constraint: Constraint, type: string, schema: Schema): boolean {
  switch (constraint.op) {
    case 'any':
      return true
    case '==':
      return 'slot' in constraint.entity || constraint.entity.type === type
    case 'in':
      return constraint.entities.some((container) => isWithin(type, container, schema))
    case 'is':
      return (
        constraint.type === type && (constraint.in === undefined || isWithin(type, constraint.in, schema))
      )
  }
}

/** Whether something of a type can be `in` an entity. */
function isWithin(type: string, container: ScopeEntity, { entityTypes }: Schema): boolean {
  if ('slot' in container || container.type === type) return true
  return entityTypes.get(type)?.ancestorTypes.has(container.type) === true
}

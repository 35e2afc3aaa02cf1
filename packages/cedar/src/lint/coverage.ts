// Whether one scope lets in everything that another lets in, and by which keys such scopes are found without comparing
// each with each.

import type { Constraint, Scope, ScopeEntity } from '../policy/syntax.ts'
import { targetsOf } from '../text/parse-scope.ts'

/** The uids of all that an entity is in, as far as the schema tells; only of actions it does. */
export type AncestorsOf = (uid: string) => Iterable<string>

/** Whether the wider scope matches whatever the narrower matches. */
export function covers(wide: Scope, narrow: Scope, ancestorsOf: AncestorsOf): boolean {
  return (['principal', 'action', 'resource'] as const).every((part) =>
    coversConstraint(wide[part], narrow[part], ancestorsOf),
  )
}

function coversConstraint(wide: Constraint, narrow: Constraint, ancestorsOf: AncestorsOf): boolean {
  switch (wide.op) {
    case 'any':
      return true
    case '==':
      return narrow.op === '==' && isWithin(narrow, [wide.entity], () => [])
    case 'in':
      return isWithin(narrow, wide.entities, ancestorsOf)
    case 'is':
      return (
        typeOf(narrow) === wide.type && (wide.in === undefined || isWithin(narrow, [wide.in], ancestorsOf))
      )
  }
}

/** Whether whatever matches is in one of the containers; `in` is reflexive. */
function isWithin(
  constraint: Constraint,
  containers: readonly ScopeEntity[],
  ancestorsOf: AncestorsOf,
): boolean {
  const uids = new Set(containers.map(uidOf))
  const targets = targetsOf(constraint).map(uidOf)
  const isKnown = (uid: string | undefined): boolean =>
    uid !== undefined && (uids.has(uid) || [...ancestorsOf(uid)].some((ancestor) => uids.has(ancestor)))
  return targets.length > 0 && targets.every(isKnown)
}

/** Undefined for a slot, which may be filled with anything. */
function uidOf(target: ScopeEntity): string | undefined {
  return 'slot' in target ? undefined : target.uid
}

function typeOf(constraint: Constraint): string | undefined {
  if (constraint.op === 'is') return constraint.type
  return constraint.op === '==' && !('slot' in constraint.entity) ? constraint.entity.type : undefined
}

/** Finds what belongs to scopes that may cover another, by group; whether they do has to be asked. */
export class ScopeIndex<T> {
  readonly #byKey = new Map<string, T[]>()
  /** The keys of parts that some scope kept has: most of those that are looked for are none. */
  readonly #seen = { principal: new Set<string>(), action: new Set<string>(), resource: new Set<string>() }

  /** Keeps what belongs to a scope; of those with the same key, only so many. */
  keep(scope: Scope, group: number, item: T, most: number): void {
    // Only actions are named several at a time.
    const [principal = ANYTHING] = keysOf(scope.principal)
    const [resource = ANYTHING] = keysOf(scope.resource)
    this.#seen.principal.add(principal)
    this.#seen.resource.add(resource)
    for (const action of keysOf(scope.action)) {
      this.#seen.action.add(action)
      const key = keyOfParts(group, principal, action, resource)
      const items = this.#byKey.get(key)
      if (items === undefined) this.#byKey.set(key, [item])
      else if (items.length < most) items.push(item)
    }
  }

  /** All in these groups whose scope may cover this one. */
  above(scope: Scope, groups: readonly number[], ancestorsOf: AncestorsOf): T[] {
    const keys = (part: keyof Scope): string[] =>
      keysAbove(scope[part], ancestorsOf).filter((key) => this.#seen[part].has(key))
    const [principals, actions, resources] = [keys('principal'), keys('action'), keys('resource')]
    const found: T[] = []
    for (const group of groups) {
      for (const principal of principals) {
        for (const action of actions) {
          for (const resource of resources)
            found.push(...(this.#byKey.get(keyOfParts(group, principal, action, resource)) ?? []))
        }
      }
    }
    return found
  }
}

const ANYTHING = '*'

/** Keys of different scopes may be the same when ids hold line breaks. */
function keyOfParts(group: number, principal: string, action: string, resource: string): string {
  return `${group}\n${principal}\n${action}\n${resource}`
}

/** The keys of a constraint, one for each entity that it names. */
function keysOf(constraint: Constraint): string[] {
  switch (constraint.op) {
    case 'any':
      return [ANYTHING]
    case '==':
      return [`==${uidOf(constraint.entity)}`]
    case 'in':
      return constraint.entities.map((entity) => `in${uidOf(entity)}`)
    case 'is':
      return [`is${constraint.type}${constraint.in === undefined ? '' : ` in${uidOf(constraint.in)}`}`]
  }
}

/** The keys of all constraints that may cover one: what covers several entities covers the first. */
function keysAbove(constraint: Constraint, ancestorsOf: AncestorsOf): string[] {
  const keys = [ANYTHING]
  const [first] = targetsOf(constraint)
  const type = typeOf(constraint)
  const containers: string[] = []
  if (first !== undefined && !('slot' in first)) containers.push(first.uid, ...ancestorsOf(first.uid))
  if (constraint.op === '==') keys.push(...keysOf(constraint))
  for (const uid of containers) keys.push(`in${uid}`)
  if (type !== undefined) keys.push(`is${type}`, ...containers.map((uid) => `is${type} in${uid}`))
  return keys
}

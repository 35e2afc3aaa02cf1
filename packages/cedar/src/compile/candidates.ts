// From a request's principal, action and resource to the policies whose scope they match, in source order. An index on
// the three scopes narrows the search, and what was found is remembered by the signatures of the three.

import type { Entity } from '../values/entity.ts'
import { matchesConstraint, uidOfTarget } from './scope.ts'
import { Signatures } from './signatures.ts'
import type { Constraint, Scope } from '../policy/syntax.ts'

/** What the index keeps for each policy; `order` is its place in the source. */
export interface Indexed {
  readonly order: number
  readonly scope: Scope
}

/** Combinations of signatures remembered; then all are forgotten and learned again. */
const MAX_REMEMBERED = 100_000

type ByResource<T> = Map<string, T[]>
type ByPrincipal<T> = Map<string, ByResource<T>>
type ByAction<T> = Map<string, ByPrincipal<T>>

type Remembered<T> = Map<string, Map<string, Map<string, readonly T[]>>>

export class Candidates<T extends Indexed> {
  readonly #index: ByAction<T> = new Map()
  readonly #byPrincipal = new Map<string, T[]>()
  readonly #signatures: { readonly [part in keyof Scope]: Signatures }
  readonly #remembered: Remembered<T> = new Map()
  #count = 0

  constructor(policies: readonly T[]) {
    const named = { principal: new Set<string>(), action: new Set<string>(), resource: new Set<string>() }
    for (const policy of policies) {
      const principal = keyOf(policy.scope.principal)
      const resource = keyOf(policy.scope.resource)
      named.principal.add(principal)
      named.resource.add(resource)
      append(this.#byPrincipal, principal, policy)
      for (const action of keysOfConstraint(policy.scope.action)) {
        named.action.add(action)
        const byPrincipal = child(this.#index, action, (): ByPrincipal<T> => new Map())
        append(
          child(byPrincipal, principal, (): ByResource<T> => new Map()),
          resource,
          policy,
        )
      }
    }
    this.#signatures = {
      principal: new Signatures(named.principal),
      action: new Signatures(named.action),
      resource: new Signatures(named.resource),
    }
  }

  /** The policies whose scope matches as far as the principal goes, in source order. */
  forPrincipal(principal: Entity): readonly T[] {
    const found = keysOfEntity(principal).flatMap((key) => this.#byPrincipal.get(key) ?? [])
    const matching = found.filter(({ scope }) => matchesConstraint(scope.principal, principal))
    return matching.sort((a, b) => a.order - b.order)
  }

  /** The policies whose scope matches, in source order. */
  find(principal: Entity, action: Entity, resource: Entity): readonly T[] {
    const signatures = this.#signatures
    const ofPrincipal = signatures.principal.of(principal)
    const ofAction = signatures.action.of(action)
    const ofResource = signatures.resource.of(resource)
    const known = this.#remembered.get(ofPrincipal)?.get(ofAction)?.get(ofResource)
    if (known !== undefined) return known
    const found = this.where({ principal, action, resource })
    if (++this.#count > MAX_REMEMBERED) {
      this.#remembered.clear()
      this.#count = 1
    }
    const byAction = child(this.#remembered, ofPrincipal, () => new Map<string, Map<string, readonly T[]>>())
    const byResource = child(byAction, ofAction, () => new Map<string, readonly T[]>())
    byResource.set(ofResource, found)
    return found
  }

  /** The policies whose scope matches as far as the request is known, in source order. Nothing is remembered. */
  where(known: KnownParts): readonly T[] {
    const found = new Set<T>()
    const [actionKeys, principalKeys, resourceKeys] = [known.action, known.principal, known.resource].map(
      (entity) => (entity === undefined ? undefined : keysOfEntity(entity)),
    )
    for (const byPrincipal of under(this.#index, actionKeys)) {
      for (const byResource of under(byPrincipal, principalKeys)) {
        for (const policies of under(byResource, resourceKeys)) {
          for (const policy of policies) found.add(policy)
        }
      }
    }
    const matching = [...found].filter(({ scope }) => matchesKnown(scope, known))
    return matching.sort((a, b) => a.order - b.order)
  }
}

/** What is known of what scopes are compared with; a part that is left out may be anything. */
export type KnownParts = { readonly [part in keyof Scope]?: Entity | undefined }

function matchesKnown(scope: Scope, { principal, action, resource }: KnownParts): boolean {
  return (
    (principal === undefined || matchesConstraint(scope.principal, principal)) &&
    (action === undefined || matchesConstraint(scope.action, action)) &&
    (resource === undefined || matchesConstraint(scope.resource, resource))
  )
}

/** What lies under the keys, or all there is. */
function under<V>(map: ReadonlyMap<string, V>, keys: readonly string[] | undefined): Iterable<V> {
  return keys === undefined
    ? map.values()
    : keys.map((key) => map.get(key)).filter((found) => found !== undefined)
}

/** Uids are never empty. */
const ANY = ''

function keysOfEntity(entity: Entity): string[] {
  return [ANY, entity.uid, ...entity.ancestors]
}

function keysOfConstraint(constraint: Constraint): readonly string[] {
  if (constraint.op !== 'in') return [keyOf(constraint)]
  return [...new Set(constraint.entities.map((target) => uidOfTarget(target) ?? ANY))]
}

function keyOf(constraint: Constraint): string {
  switch (constraint.op) {
    case 'any':
      return ANY
    case '==':
      return uidOfTarget(constraint.entity) ?? ANY
    case 'in':
      return constraint.entities[0] === undefined ? ANY : (uidOfTarget(constraint.entities[0]) ?? ANY)
    case 'is':
      return constraint.in === undefined ? ANY : (uidOfTarget(constraint.in) ?? ANY)
  }
}

function append<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}

function child<K, V>(parent: Map<K, V>, key: K, make: () => V): V {
  let found = parent.get(key)
  if (found === undefined) {
    found = make()
    parent.set(key, found)
  }
  return found
}

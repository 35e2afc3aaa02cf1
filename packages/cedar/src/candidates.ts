// From a request's principal, action and resource to the policies whose scope they match, in source order. An index on
// the three scopes narrows the search; what was found is kept for as long as the principal's entity object lives.

import type { Entity } from './entity.ts'
import { matchesConstraint, matchesScope, uidOfTarget } from './scope.ts'
import type { Constraint, Scope } from './syntax.ts'

/** What the index keeps for each policy; `order` is its place in the source. */
export interface Indexed {
  readonly order: number
  readonly scope: Scope
}

/** Combinations remembered for one principal before they are forgotten and learned again. */
const MAX_REMEMBERED = 8192

type ByResource<T> = Map<string, T[]>
type ByPrincipal<T> = Map<string, ByResource<T>>
type ByAction<T> = Map<string, ByPrincipal<T>>

interface Remembered<T> {
  count: number
  readonly byAction: Map<Entity, Map<Entity, readonly T[]>>
}

export class Candidates<T extends Indexed> {
  readonly #index: ByAction<T> = new Map()
  readonly #byPrincipal = new Map<string, T[]>()
  readonly #remembered = new WeakMap<Entity, Remembered<T>>()

  constructor(policies: readonly T[]) {
    for (const policy of policies) {
      const { principal, action, resource } = policy.scope
      child(this.#byPrincipal, keyOf(principal), (): T[] => []).push(policy)
      for (const actionKey of keysOfConstraint(action)) {
        const byPrincipal = child(this.#index, actionKey, () => new Map() as ByPrincipal<T>)
        const byResource = child(byPrincipal, keyOf(principal), () => new Map() as ByResource<T>)
        child(byResource, keyOf(resource), (): T[] => []).push(policy)
      }
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
    let remembered = this.#remembered.get(principal)
    if (remembered === undefined) {
      remembered = { count: 0, byAction: new Map() }
      this.#remembered.set(principal, remembered)
    }
    let byResource = remembered.byAction.get(action)
    const known = byResource?.get(resource)
    if (known !== undefined) return known
    if (++remembered.count > MAX_REMEMBERED) {
      remembered.count = 1
      remembered.byAction.clear()
      byResource = undefined
    }
    if (byResource === undefined) {
      byResource = new Map()
      remembered.byAction.set(action, byResource)
    }
    const found = this.#search(principal, action, resource)
    byResource.set(resource, found)
    return found
  }

  #search(principal: Entity, action: Entity, resource: Entity): readonly T[] {
    const found = new Set<T>()
    const principalKeys = keysOfEntity(principal)
    const resourceKeys = keysOfEntity(resource)
    for (const actionKey of keysOfEntity(action)) {
      const byPrincipal = this.#index.get(actionKey)
      if (byPrincipal === undefined) continue
      for (const principalKey of principalKeys) {
        const byResource = byPrincipal.get(principalKey)
        if (byResource === undefined) continue
        for (const resourceKey of resourceKeys) {
          for (const policy of byResource.get(resourceKey) ?? []) found.add(policy)
        }
      }
    }
    const matching = [...found].filter(({ scope }) => matchesScope(scope, principal, action, resource))
    return matching.sort((a, b) => a.order - b.order)
  }
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

function child<T>(parent: Map<string, T>, key: string, make: () => T): T {
  let found = parent.get(key)
  if (found === undefined) {
    found = make()
    parent.set(key, found)
  }
  return found
}

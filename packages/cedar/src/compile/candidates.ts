// From a request's principal, action and resource to the policies whose scope they match, in source order. An index on
// the three scopes narrows the search, and what was found is remembered by the signatures of the three.

import type { Entity } from '../values/entity.ts'
import { Remembered, child } from './remembered.ts'
import { matchesConstraint, uidOfTarget } from './scope.ts'
import { Signatures } from './signatures.ts'
import type { Constraint, Scope } from '../policy/syntax.ts'

/** What the index keeps for each policy; `order` is its place in the source. */
export interface Indexed {
  readonly order: number
  readonly scope: Scope
  readonly permits: boolean
}

/** Combinations of signatures for which what was found is remembered, and for which near misses are. */
const MOST_FOUND_REMEMBERED = 100_000
const MOST_NEAR_REMEMBERED = 10_000

type ByResource<T> = Map<string, T[]>
type ByPrincipal<T> = Map<string, ByResource<T>>
type ByAction<T> = Map<string, ByPrincipal<T>>

export class Candidates<T extends Indexed> {
  readonly #index: ByAction<T> = new Map()
  readonly #byPrincipal = new Map<string, T[]>()
  readonly #signatures: { readonly [part in keyof Scope]: Signatures }
  readonly #found = new Remembered<readonly T[]>(MOST_FOUND_REMEMBERED)
  readonly #near = {
    principal: new Remembered<readonly T[]>(MOST_NEAR_REMEMBERED),
    action: new Remembered<readonly T[]>(MOST_NEAR_REMEMBERED),
    resource: new Remembered<readonly T[]>(MOST_NEAR_REMEMBERED),
  }

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
    const known = this.#found.get(ofPrincipal, ofAction, ofResource)
    if (known !== undefined) return known
    const found = this.where({ principal, action, resource })
    this.#found.set([ofPrincipal, ofAction, ofResource], found)
    return found
  }

  /** The policies whose scope matches as far as the request is known, in source order. Nothing is remembered. */
  where(known: KnownParts): readonly T[] {
    const found = new Set<T>()
    this.#visit(known, keysOfEntity, (policies) => {
      for (const policy of policies) found.add(policy)
      return true
    })
    const matching = [...found].filter(({ scope }) => matchesKnown(scope, known))
    return matching.sort((a, b) => a.order - b.order)
  }

  /**
   * Permits whose scope matches but for one part, up to 32. The search begins where the other parts are named most
   * closely, and looks at a bounded number of places: it may overlook some where there are very many.
   */
  permitsMissing(part: keyof Scope, request: WholeParts): readonly T[] {
    const signatures = this.#signatures
    const signed = [
      signatures.principal.of(request.principal),
      signatures.action.of(request.action),
      signatures.resource.of(request.resource),
    ] as const
    const known = this.#near[part].get(...signed)
    if (known !== undefined) return known
    const found = this.#searchMissing(part, request)
    this.#near[part].set(signed, found)
    return found
  }

  #searchMissing(part: keyof Scope, request: WholeParts): readonly T[] {
    const others: KnownParts = { ...request, [part]: undefined }
    const found = new Set<T>()
    let left = MOST_LOOKED_AT
    const take = (policies: readonly T[] | undefined): boolean => {
      if (policies === undefined) return true
      left--
      for (const policy of policies) {
        if (--left < 0 || found.size >= MOST_NEAR) return false
        const { permits, scope } = policy
        if (permits && matchesKnown(scope, others) && !matchesConstraint(scope[part], request[part]))
          found.add(policy)
      }
      return left > 0
    }
    // Of actions there may be too many to try each, as the first level of the index.
    if (part === 'action') closestFirst(request.principal).every((key) => take(this.#byPrincipal.get(key)))
    else this.#visit(others, closestFirst, take)
    return [...found]
  }

  /** Visits the places of the index where policies may be whose scope matches, and goes on while `visit` says so. */
  #visit(
    { principal, action, resource }: KnownParts,
    keysOf: (entity: Entity) => readonly string[],
    visit: (policies: readonly T[]) => boolean,
  ): void {
    const principalKeys = principal && keysOf(principal)
    const resourceKeys = resource && keysOf(resource)
    for (const actionKey of action === undefined ? this.#index.keys() : keysOf(action)) {
      const byPrincipal = this.#index.get(actionKey)
      if (byPrincipal === undefined) continue
      for (const principalKey of principalKeys ?? byPrincipal.keys()) {
        const byResource = byPrincipal.get(principalKey)
        if (byResource === undefined) continue
        // That there may be nothing here has been looked at all the same.
        if (!visit([])) return
        for (const resourceKey of resourceKeys ?? byResource.keys()) {
          const policies = byResource.get(resourceKey)
          if (policies !== undefined && !visit(policies)) return
        }
      }
    }
  }
}

/** Places of the index, and policies there, that a search for near misses looks at. */
const MOST_LOOKED_AT = 200
const MOST_NEAR = 32

/** What scopes are compared with. */
export type WholeParts = { readonly [part in keyof Scope]: Entity }

/** What is known of what scopes are compared with; a part that is left out may be anything. */
export type KnownParts = { readonly [part in keyof Scope]?: Entity | undefined }

function matchesKnown(scope: Scope, { principal, action, resource }: KnownParts): boolean {
  return (
    (principal === undefined || matchesConstraint(scope.principal, principal)) &&
    (action === undefined || matchesConstraint(scope.action, action)) &&
    (resource === undefined || matchesConstraint(scope.resource, resource))
  )
}

/** Uids are never empty. */
const ANY = ''

function keysOfEntity(entity: Entity): string[] {
  return [ANY, entity.uid, ...entity.ancestors]
}

/** The same for each entity of this name and these ancestors, in whatever order they were given. */
function closestFirst({ uid, ancestors }: Entity): readonly string[] {
  return [uid, ...[...ancestors].sort(), ANY]
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

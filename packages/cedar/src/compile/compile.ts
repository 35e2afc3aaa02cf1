// A set of policies made ready: ids unique, no open templates, each policy a function, scopes indexed.

import { Candidates } from './candidates.ts'
import type { KnownParts, WholeParts } from './candidates.ts'
import { generate } from './generate.ts'
import type { GeneratedCode } from './generate.ts'
import type { Entity } from '../values/entity.ts'
import type { PolicyError, Result } from '../policy/result.ts'
import type { Policy, Scope } from '../policy/syntax.ts'

/** A policy with its place in the source and its conditions as a function, which throws a Fault when they fail. */
export interface CompiledPolicy extends GeneratedCode {
  readonly policy: Policy
  readonly order: number
  readonly scope: Scope
  readonly permits: boolean
}

/** An immutable set of policies, ready to decide. */
export class PolicySet {
  /** All policies, in the order given. */
  readonly policies: readonly Policy[]
  readonly #byId: ReadonlyMap<string, Policy>
  readonly #candidates: Candidates<CompiledPolicy>

  constructor(policies: readonly Policy[]) {
    this.policies = Object.freeze([...policies])
    this.#byId = new Map(policies.map((policy) => [policy.id, policy]))
    this.#candidates = new Candidates(
      policies.map((policy, order) => ({
        policy,
        order,
        scope: policy.scope,
        permits: policy.effect === 'permit',
        ...generate(policy.conditions),
      })),
    )
  }

  /** The policy with this id. */
  get(id: string): Policy | undefined {
    return this.#byId.get(id)
  }

  /** The policies whose scope matches as far as the principal goes, in source order. */
  candidatesFor(principal: Entity): readonly CompiledPolicy[] {
    return this.#candidates.forPrincipal(principal)
  }

  /** The policies whose scope matches, in source order. */
  candidates(principal: Entity, action: Entity, resource: Entity): readonly CompiledPolicy[] {
    return this.#candidates.find(principal, action, resource)
  }

  /** Some permits whose scope matches but for one part; the work is bounded, however many there are. */
  permitsMissing(part: keyof Scope, request: WholeParts): readonly CompiledPolicy[] {
    return this.#candidates.permitsMissing(part, request)
  }

  /** The policies whose scope matches as far as the request is known, in source order. */
  candidatesWhere({ principal, action, resource }: KnownParts): readonly CompiledPolicy[] {
    return principal !== undefined && action !== undefined && resource !== undefined
      ? this.#candidates.find(principal, action, resource)
      : this.#candidates.where({ principal, action, resource })
  }
}

/** Makes a set of policies. Errors: two policies of one id, and templates that are not linked. */
export function compile(policies: readonly Policy[]): Result<PolicySet> {
  const errors: PolicyError[] = []
  const seen = new Map<string, Policy>()
  for (const policy of policies) {
    const { id, position, slots } = policy
    const other = seen.get(id)?.position
    if (other !== undefined) {
      const place = `${other.file}:${other.line}:${other.column}`
      errors.push({ message: `the policy at ${place} has the id ${JSON.stringify(id)} too`, ...position })
    }
    if (slots.length > 0)
      errors.push({
        message: `${JSON.stringify(id)} is a template: link it first, or name an entity instead of ?${slots[0]}`,
        ...position,
      })
    seen.set(id, policy)
  }
  return errors.length === 0 ? { ok: true, value: new PolicySet(policies) } : { ok: false, errors }
}

// What the conditions of a policy are surrounded by: the types of one environment of a schema, or nothing but what the
// policy tells itself.

import { childrenOf } from '../compile/walk.ts'
import type { Expression, Policy, ScopeEntity, Variable } from '../policy/syntax.ts'
import { isActionType } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'
import type { Environment, Environments } from './environments.ts'
import type { Surroundings } from './flow.ts'
import { attributeKey, keyOf, tagKey } from './guards.ts'
import type { Member, Type } from './type.ts'
import { RECORD } from './type.ts'

type Types = readonly [left: Type | undefined, right: Type | undefined]

export class KnownSurroundings implements Surroundings {
  readonly #environments: Environments
  readonly #environment: Environment

  constructor(environments: Environments, environment: Environment) {
    this.#environments = environments
    this.#environment = environment
  }

  typeOf(variable: Variable): Type {
    const { principal, action, resource } = this.#environment
    switch (variable) {
      case 'principal':
        return { kind: 'entity', type: principal }
      case 'resource':
        return { kind: 'entity', type: resource }
      case 'action':
        return { kind: 'entity', type: action.entity.type }
      case 'context':
        return action.context
    }
  }

  attributesOf(entityType: string): ReadonlyMap<string, Member> | undefined {
    if (isActionType(entityType)) return new Map()
    return this.#environments.entityType(entityType)?.attributes.members
  }

  tagsOf(entityType: string): Type | null | undefined {
    const type = this.#environments.entityType(entityType)
    return type === undefined ? undefined : (type.tags ?? null)
  }

  isIn(left: Expression, right: Expression, [a, b]: Types): boolean | undefined {
    if (isEmptySet(right)) return false
    const subject = this.#entity(left)
    if (subject !== undefined && isActionType(subject.type)) {
      const containers = right.kind === 'set' ? right.elements : [right]
      return this.#isActionIn(subject, containers)
    }
    const container = b?.kind === 'set' ? b.element : b
    if (a?.kind !== 'entity' || container?.kind !== 'entity') return undefined
    if (a.type === undefined || container.type === undefined || isActionType(a.type)) return undefined
    return this.#environments.typeCouldBeIn(a.type, container.type) ? undefined : false
  }

  /** Actions are as the schema says, with all that they are in. */
  #isActionIn(subject: Entity, containers: readonly Expression[]): boolean | undefined {
    const action = this.#environments.schema.actions.get(subject.uid)?.entity
    const uids = containers.map((container) => this.#entity(container)?.uid)
    if (action === undefined || uids.includes(undefined)) return undefined
    return uids.some((uid) => uid !== undefined && (uid === action.uid || action.ancestors.has(uid)))
  }

  isEqual(left: Expression, right: Expression): boolean | undefined {
    const [a, b] = [this.#entity(left), this.#entity(right)]
    return a === undefined || b === undefined ? undefined : a.uid === b.uid
  }

  isDoubtful(): boolean {
    return false
  }

  #entity(expression: Expression): Entity | undefined {
    if (expression.kind === 'entity') return expression.entity
    const isAction = expression.kind === 'variable' && expression.name === 'action'
    return isAction ? this.#environment.action.entity : undefined
  }
}

/** Without a schema, what a policy tests somewhere is what may be absent elsewhere in it. */
export class UnknownSurroundings implements Surroundings {
  readonly #policy: Policy
  #tested: ReadonlySet<string> | undefined

  constructor(policy: Policy) {
    this.#policy = policy
  }

  typeOf(variable: Variable): Type {
    return variable === 'context' ? RECORD : { kind: 'entity', type: this.#typeInScope(variable) }
  }

  #typeInScope(part: 'principal' | 'action' | 'resource'): string | undefined {
    const constraint = this.#policy.scope[part]
    switch (constraint.op) {
      case 'is':
        return constraint.type
      case '==':
        return typeOfTarget(constraint.entity)
      default:
        return undefined
    }
  }

  attributesOf(): undefined {
    return undefined
  }

  tagsOf(): undefined {
    return undefined
  }

  isIn(_left: Expression, right: Expression): boolean | undefined {
    return isEmptySet(right) ? false : undefined
  }

  isEqual(): undefined {
    return undefined
  }

  isDoubtful(key: string): boolean {
    this.#tested ??= testedIn(this.#policy)
    return this.#tested.has(key)
  }
}

function typeOfTarget(target: ScopeEntity): string | undefined {
  return 'slot' in target ? undefined : target.type
}

function isEmptySet(expression: Expression): boolean {
  return expression.kind === 'set' && expression.elements.length === 0
}

/** The attributes and tags whose presence a policy asks about. */
function testedIn({ conditions }: Policy): ReadonlySet<string> {
  const tested = new Set<string>()
  const visit = (expression: Expression): void => {
    if (expression.kind === 'has') {
      let key = keyOf(expression.object)
      for (const name of expression.path) {
        key = attributeKey(key, name)
        tested.add(key)
      }
    } else if (expression.kind === 'binary' && expression.operator === 'hasTag')
      tested.add(tagKey(keyOf(expression.left), keyOf(expression.right)))
    for (const child of childrenOf(expression)) visit(child)
  }
  for (const { expression } of conditions) visit(expression)
  return tested
}

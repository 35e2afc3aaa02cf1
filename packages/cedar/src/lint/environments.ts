// The requests a schema knows, as far as their types go, and which of them the scope of a policy lets in.

import type { Constraint, Scope, ScopeEntity } from '../policy/syntax.ts'
import type { ActionType, EntityType, Schema } from '../schema/schema.ts'
import { signatureOf } from './uses.ts'
import type { Uses } from './uses.ts'

/** A type of principal and a type of resource, with actions that apply to them and are all the same to a policy. */
export interface Environment {
  readonly principal: string
  readonly resource: string
  /** One of the actions. */
  readonly action: ActionType
  readonly actions: readonly ActionType[]
}

export class Environments {
  readonly schema: Schema
  /** By uid: the actions in an action, itself among them. */
  readonly #within = new Map<string, ActionType[]>()
  /** Actions that are the same to a policy, by its constraint and by what it uses. */
  readonly #alike = new Map<string, readonly (readonly ActionType[])[]>()

  constructor(schema: Schema) {
    this.schema = schema
    for (const action of schema.actions.values()) {
      for (const uid of [action.entity.uid, ...action.entity.ancestors]) {
        const actions = this.#within.get(uid)
        if (actions === undefined) this.#within.set(uid, [action])
        else actions.push(action)
      }
    }
  }

  /** Those for which a scope may match, told apart as far as conditions can; a slot may be filled with anything. */
  *of({ principal, action: constraint, resource }: Scope, uses: Uses): Generator<Environment> {
    for (const actions of this.#alikeIn(constraint, uses)) {
      const [action] = actions
      if (action === undefined) continue
      for (const own of action.principals) {
        if (!this.#admits(principal, own)) continue
        for (const of of action.resources)
          if (this.#admits(resource, of)) yield { principal: own, resource: of, action, actions }
      }
    }
  }

  #alikeIn(constraint: Constraint, uses: Uses): readonly (readonly ActionType[])[] {
    const actions = [...this.actionsOf(constraint)]
    if (actions.length < 2 || uses.action) return actions.map((action) => [action])
    const named = constraint.op === 'in' ? constraint.entities.map(uidOf) : constraint
    const key = JSON.stringify([named, uses.context])
    const known = this.#alike.get(key)
    if (known !== undefined) return known
    const classes = new Map<string, ActionType[]>()
    for (const action of actions) {
      const text = signatureOf(action, uses)
      const others = classes.get(text)
      if (others === undefined) classes.set(text, [action])
      else others.push(action)
    }
    const alike = [...classes.values()]
    this.#alike.set(key, alike)
    return alike
  }

  /** The actions that a constraint lets in. */
  actionsOf(constraint: Constraint): Iterable<ActionType> {
    switch (constraint.op) {
      case 'any':
        return this.schema.actions.values()
      case '==': {
        const action = this.schema.actions.get(uidOf(constraint.entity))
        return action === undefined ? [] : [action]
      }
      case 'in':
        return new Set(constraint.entities.flatMap((entity) => this.#within.get(uidOf(entity)) ?? []))
      case 'is':
        // The grammar knows no `action is`, but trees made otherwise may hold it.
        return [...this.schema.actions.values()].filter(({ entity }) => entity.type === constraint.type)
    }
  }

  #admits(constraint: Constraint, type: string): boolean {
    switch (constraint.op) {
      case 'any':
        return true
      case '==':
        return 'slot' in constraint.entity || this.couldBe(type, constraint.entity.type, constraint.entity.id)
      case 'in':
        return constraint.entities.some((target) => this.#couldBeIn(type, target))
      case 'is':
        return (
          constraint.type === type && (constraint.in === undefined || this.#couldBeIn(type, constraint.in))
        )
    }
  }

  /** Whether an entity of a type could be the one named. */
  couldBe(type: string, named: string, id: string): boolean {
    return type === named && (this.entityType(type)?.ids?.has(id) ?? true)
  }

  #couldBeIn(type: string, target: ScopeEntity): boolean {
    return 'slot' in target || this.typeCouldBeIn(type, target.type)
  }

  /** Whether an entity of one type could be in one of another. */
  typeCouldBeIn(type: string, container: string): boolean {
    return type === container || this.entityType(type)?.ancestorTypes.has(container) === true
  }

  entityType(name: string): EntityType | undefined {
    return this.schema.entityTypes.get(name)
  }
}

function uidOf(entity: ScopeEntity): string {
  return 'slot' in entity ? '' : entity.uid
}

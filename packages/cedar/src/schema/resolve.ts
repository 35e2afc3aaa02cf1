// Schemas made ready for use: every name resolved, hierarchies closed.

import type { Result } from '../policy/result.ts'
import { entity, isActionType, reference } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'
import type { Declared, DeclaredAction } from './definitions.ts'
import { Complaints, Definitions, readings } from './definitions.ts'
import { dependencyOrder } from './order.ts'
import { TypeResolver } from './resolve-types.ts'
import type { ActionType, EntityType, Schema } from './schema.ts'
import type { ActionReference, EntityDeclaration, NameReference, SchemaFragment } from './syntax.ts'
import { suggest } from '../policy/suggest.ts'

/**
 * Makes one schema of what all fragments declare; they may name what others declare, and share namespaces. Errors, in
 * the order of the texts: names declared twice, unknown or hidden, types and actions that are part of themselves,
 * contexts and attributes that are no records.
 */
export function resolveSchema(fragments: readonly SchemaFragment[]): Result<Schema> {
  const complaints = new Complaints()
  const schema = new SchemaResolver(new Definitions(fragments, complaints), complaints).resolve()
  const errors = complaints.inOrderOf(fragments.map(({ source }) => source))
  return errors.length === 0 ? { ok: true, value: schema } : { ok: false, errors }
}

class SchemaResolver {
  readonly #definitions: Definitions
  readonly #complaints: Complaints
  readonly #types: TypeResolver

  constructor(definitions: Definitions, complaints: Complaints) {
    this.#definitions = definitions
    this.#complaints = complaints
    this.#types = new TypeResolver(definitions, complaints)
  }

  resolve(): Schema {
    return Object.freeze({ entityTypes: this.#entityTypes(), actions: this.#actions() })
  }

  #entityTypes(): ReadonlyMap<string, EntityType> {
    const parents = new Map<string, readonly string[]>()
    for (const [name, { declaration, scope }] of this.#definitions.entities)
      parents.set(name, this.#entityTypeNames(declaration.parents, scope))
    const entityTypes = new Map<string, EntityType>()
    for (const [name, declared] of this.#definitions.entities)
      entityTypes.set(name, this.#entityType(declared, ancestorsOf(name, parents)))
    return entityTypes
  }

  #entityType(
    { name, declaration, scope }: Declared<EntityDeclaration>,
    ancestorTypes: ReadonlySet<string>,
  ): EntityType {
    const { ids, attributes, tags } = declaration
    return {
      name,
      ids: ids === undefined ? undefined : new Set(ids),
      ancestorTypes,
      attributes: this.#types.recordOf(attributes, scope, `the attributes of ${name}`),
      tags: tags === undefined ? undefined : this.#types.typeOf(tags, scope),
    }
  }

  #entityTypeNames(references: readonly NameReference[], scope: Declared<unknown>['scope']): string[] {
    return references.flatMap((each) => this.#types.entityType(each, scope) ?? [])
  }

  #actions(): ReadonlyMap<string, ActionType> {
    const parents = new Map<DeclaredAction, readonly DeclaredAction[]>()
    for (const action of this.#definitions.actions.values()) {
      const found = action.declaration.parents.map((each) => this.#action(each, action))
      parents.set(
        action,
        found.filter((each) => each !== undefined),
      )
    }
    const { order, cyclic } = dependencyOrder(parents.keys(), (action) => parents.get(action) ?? [])
    for (const { name, declaration, scope } of cyclic)
      this.#complaints.add(`the action ${name} is in itself`, scope.source, declaration.at)
    // An entity takes the ancestors of its parents over, so it is made after them.
    const made = new Map<DeclaredAction, Entity>()
    for (const action of order) {
      const above = (parents.get(action) ?? []).flatMap((parent) => made.get(parent) ?? [])
      made.set(action, entity(action.type, action.id, { parents: above }))
    }
    const actions = new Map<string, ActionType>()
    for (const action of parents.keys()) {
      const own = made.get(action)
      if (own !== undefined) actions.set(own.uid, this.#actionType(action, own))
    }
    return actions
  }

  #actionType({ name, declaration, scope }: DeclaredAction, own: Entity): ActionType {
    const { principals = [], resources = [], context } = declaration.appliesTo ?? {}
    return {
      entity: own,
      principals: new Set(this.#entityTypeNames(principals, scope)),
      resources: new Set(this.#entityTypeNames(resources, scope)),
      context: this.#types.recordOf(context, scope, `the context of ${name}`),
    }
  }

  #action(
    { type = 'Action', id, at }: ActionReference,
    { scope }: DeclaredAction,
  ): DeclaredAction | undefined {
    const { actions } = this.#definitions
    const uids = readings(type, scope.namespace).map((reading) => reference(reading, id).uid)
    const found = uids.map((uid) => actions.get(uid)).find((each) => each !== undefined)
    if (found === undefined) this.#complaints.add(this.#explainUnknown(type, id, uids), scope.source, at)
    return found
  }

  #explainUnknown(type: string, id: string, [uid = '']: readonly string[]): string {
    if (!isActionType(type))
      return `${type} is no type of actions; those of ${type} are ${type}::Action::"${id}"`
    const meant = this.#complaints.areFew ? suggest(uid, this.#definitions.actions.keys()) : undefined
    return `there is no action ${uid}${meant === undefined ? '' : `; did you mean ${meant}?`}`
  }
}

/** Everything reached through parents, which may form cycles. */
function ancestorsOf(name: string, parents: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  // A set is walked in the order of insertion, what was added meanwhile included.
  const ancestors = new Set(parents.get(name))
  for (const ancestor of ancestors) for (const parent of parents.get(ancestor) ?? []) ancestors.add(parent)
  return ancestors
}

// What one evaluation knows: the request and how to find other entities. Made for each decision, thrown away after it.

import type { Entity, EntityStore } from '../values/entity.ts'
import type { Variable } from '../policy/syntax.ts'
import type { Unknown } from './outcomes.ts'
import type { ArrayMemo, CedarSet, RecordValue, Value } from '../values/values.ts'

/** Who would do what to what. An entity given as a reference is looked up in the store. */
export interface Request {
  readonly principal: Entity
  readonly action: Entity
  readonly resource: Entity
  readonly context: RecordValue
}

export class Evaluation implements ArrayMemo {
  readonly principal: Entity
  readonly action: Entity
  readonly resource: Entity
  readonly context: RecordValue
  readonly #entities: EntityStore | undefined
  arrays: Map<readonly Value[], CedarSet> | undefined = undefined

  constructor(request: Request, entities: EntityStore | undefined) {
    this.principal = resolved(request.principal, entities)
    this.action = resolved(request.action, entities)
    this.resource = resolved(request.resource, entities)
    this.context = request.context
    this.#entities = entities
  }

  /** What a variable stands for. */
  variable(name: Variable): Entity | RecordValue | Unknown {
    return this[name]
  }

  /** The entity with its data: as given, else from the request, else from the store; undefined when nobody knows it. */
  find(entity: Entity): Entity | undefined {
    if (entity.known) return entity
    const { uid } = entity
    if (uid === this.principal.uid) return known(this.principal)
    if (uid === this.resource.uid) return known(this.resource)
    if (uid === this.action.uid) return known(this.action)
    return known(this.#entities?.get(uid))
  }
}

function known(entity: Entity | undefined): Entity | undefined {
  return entity?.known === true ? entity : undefined
}

/** The entity with its data, where the store knows it. */
export function resolved(entity: Entity, entities: EntityStore | undefined): Entity {
  return entity.known ? entity : (entities?.get(entity.uid) ?? entity)
}

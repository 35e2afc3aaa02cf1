// For tests: random entities and requests as a schema would have them, or nearly, in JSON.

import type { EntityType, Schema } from '../schema/schema.ts'
import type { Random } from './random.ts'
import { PLAIN_NAMES, ValueMaker } from './random-typed-value.ts'
import type { ValueOptions } from './random-typed-value.ts'
import type { EntityName, Json } from './random-world.ts'
import type { Environment } from './schema-surroundings.ts'

export interface EntityJson {
  readonly uid: EntityName
  readonly attrs: { [name: string]: Json }
  readonly parents: readonly EntityName[]
  readonly tags?: { [name: string]: Json }
}

export interface RequestJson {
  readonly principal: EntityName
  readonly action: EntityName
  readonly resource: EntityName
  readonly context: { [name: string]: Json }
}

const IDS = ['x', 'y', 'z', 'a"b\\c', '', '__proto__', '😀', 'a']
/** More names for types whose entities are in each other, so that hierarchies are deep. */
const DEEP_IDS = [...IDS, 'g1', 'g2', 'g3', 'g4', 'g5', 'g6']

export class SchemaWorld {
  readonly #random: Random
  readonly #schema: Schema
  readonly #values: ValueMaker
  readonly #isTold: boolean
  readonly #types: readonly EntityType[]
  /** All entities that things may refer to; not all of them are given. */
  readonly names: readonly EntityName[]

  constructor(random: Random, schema: Schema, options: Omit<ValueOptions, 'name'>) {
    this.#random = random
    this.#schema = schema
    this.#values = new ValueMaker(random, { ...options, name: (type) => this.#named(type) })
    this.#isTold = options.implicit
    this.#types = [...schema.entityTypes.values()]
    const isDeep = random.chance(0.15)
    const share = random.pick([0, 0.1, 0.3])
    const names = this.#types.flatMap(({ name, ids, ancestorTypes }) => {
      const pool = ids ?? (isDeep && ancestorTypes.has(name) ? DEEP_IDS : IDS)
      const chosen = [...pool].filter(() => random.chance(pool === DEEP_IDS ? 0.6 : share))
      return (chosen.length > 0 ? chosen : [random.pick([...pool])]).map((id) => ({ type: name, id }))
    })
    this.names = random.shuffled(names)
  }

  /** Often without actions, which the engines know themselves when they are told the schema. */
  entities(): EntityJson[] {
    const random = this.#random
    const share = random.pick([0.1, 0.3, 0.4, 1])
    const given = this.names.filter(() => random.chance(share)).map((uid) => this.#entity(uid))
    const actions = [...this.#schema.actions.values()].map(({ entity }) => this.#action(entity.uid))
    const listed = random.chance(this.#isTold ? 0.8 : 0.4) ? given : [...given, ...actions]
    return random.chance(0.5) ? listed : listed.reverse()
  }

  /** Requests of one kind, but that principals and resources may be of the wrong type. */
  request({ principal, action, resource }: Environment): RequestJson {
    const type = this.#schema.actions.get(action)
    if (type === undefined) throw new Error(action)
    return {
      principal: this.#named(principal),
      action: { type: type.entity.type, id: type.entity.id },
      resource: this.#named(resource),
      context: this.#values.record(type.context).json,
    }
  }

  /** The kinds of requests there are. */
  environments(): Environment[] {
    return Array.from(this.#schema.actions, ([action, { principals, resources }]) =>
      [...principals].flatMap((principal) =>
        [...resources].map((resource) => ({ principal, action, resource })),
      ),
    ).flat()
  }

  #entity(uid: EntityName): EntityJson {
    const random = this.#random
    const type = this.#schema.entityTypes.get(uid.type)
    if (type === undefined) throw new Error(uid.type)
    const tags: [string, Json][] = PLAIN_NAMES.filter(() => random.chance(0.15)).map((name) => [
      name,
      this.#values.value(type.tags ?? { kind: 'long' }).json,
    ])
    return {
      uid,
      attrs: this.#values.record(type.attributes).json,
      parents: this.#parents(uid, type),
      ...((type.tags !== undefined || this.#values.slips()) && { tags: Object.fromEntries(tags) }),
    }
  }

  /** Only names that come later, so that nothing is among its own ancestors. */
  #parents(uid: EntityName, { ancestorTypes }: EntityType): EntityName[] {
    const random = this.#random
    const later = this.names.slice(this.names.indexOf(uid) + 1)
    const fitting = later.filter(({ type }) => ancestorTypes.has(type) || this.#values.slips())
    const first = fitting.slice(0, random.chance(0.6) ? 1 : 0)
    return [...first, ...fitting.slice(1).filter(() => random.chance(0.25))]
  }

  #action(uid: string): EntityJson {
    const action = this.#schema.actions.get(uid)?.entity
    if (action === undefined) throw new Error(uid)
    const parents = [...action.ancestors].flatMap((above) => this.#schema.actions.get(above)?.entity ?? [])
    // A schema gives actions no attributes.
    const isBare = this.#isTold || this.#random.chance(0.5)
    return {
      uid: { type: action.type, id: action.id },
      attrs: isBare ? {} : { a: this.#values.value({ kind: 'long' }).json },
      parents: parents.map(({ type, id }) => ({ type, id })),
    }
  }

  #named(wanted: string): EntityName {
    const random = this.#random
    const type = this.#values.slips() ? random.pick(this.#types).name : wanted
    const named = this.names.filter((name) => name.type === type)
    // Actions have no names of their own here, and some entities are in no list.
    const action = [...this.#schema.actions.values()].find(({ entity }) => entity.type === type)?.entity
    if (action !== undefined) return { type, id: action.id }
    return named.length === 0 || this.#values.slips() ? { type, id: 'nobody' } : random.pick(named)
  }
}

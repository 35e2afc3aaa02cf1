// For tests: random requests as a schema wants them, with every entity that anyone asks for.

import type { Request } from '../decide/evaluation.ts'
import type { ActionType, CedarType, RecordType, Schema } from '../schema/schema.ts'
import { parseDatetime, parseDuration } from '../values/datetime.ts'
import { parseDecimal } from '../values/decimal.ts'
import { entity, reference, typeOfUid } from '../values/entity.ts'
import type { Entity, EntityStore } from '../values/entity.ts'
import { parseIp } from '../values/ip.ts'
import type { RecordValue, Value } from '../values/values.ts'
import type { Random } from './random.ts'

export class ConformingWorld implements EntityStore {
  readonly #random: Random
  readonly #schema: Schema
  readonly #made = new Map<string, Entity>()

  constructor(random: Random, schema: Schema) {
    this.#random = random
    this.#schema = schema
    for (const { entity: action } of schema.actions.values()) this.#made.set(action.uid, action)
  }

  /** A request for an action that applies to something. */
  request(): Request {
    const applicable = [...this.#schema.actions.values()].filter(
      ({ principals, resources }) => principals.size * resources.size > 0,
    )
    const action: ActionType = this.#random.pick(applicable)
    return {
      principal: this.#anyOf(this.#random.pick([...action.principals])),
      action: action.entity,
      resource: this.#anyOf(this.#random.pick([...action.resources])),
      context: this.#record(action.context),
    }
  }

  get(uid: string): Entity | undefined {
    const known = this.#made.get(uid)
    if (known !== undefined) return known
    const type = this.#schema.entityTypes.get(typeOfUid(uid))
    if (type === undefined) return undefined
    const id = uid.slice(type.name.length + 3, -1)
    const parents = [...type.ancestorTypes]
      .filter(() => this.#random.chance(0.5))
      .map((name) => this.#anyOf(name))
    const attrs = this.#record(type.attributes)
    const tags = type.tags !== undefined && this.#random.chance(0.5) ? { t: this.#value(type.tags) } : {}
    const made = entity(type.name, id, { parents, attrs, tags })
    this.#made.set(uid, made)
    return made
  }

  #anyOf(type: string): Entity {
    const ids = this.#schema.entityTypes.get(type)?.ids ?? ['x', 'y']
    return reference(type, this.#random.pick([...ids]))
  }

  #record({ members }: RecordType): RecordValue {
    const record = Object.create(null) as { [name: string]: Value }
    for (const [name, { type, required }] of members)
      if (required || this.#random.chance(0.5)) record[name] = this.#value(type)
    return record
  }

  #value(type: CedarType): Value {
    switch (type.kind) {
      case 'boolean':
        return this.#random.chance(0.5)
      case 'long':
        return this.#random.pick([1, -5, 0])
      case 'string':
        return this.#random.pick(['x', 'y'])
      case 'extension':
        return (this.#random.chance(0.5) ? SOME : OTHERS)[type.name]
      case 'entity': {
        const actions = [...this.#schema.actions.values()].filter(
          ({ entity: { type: of } }) => of === type.type,
        )
        return actions.length > 0 ? this.#random.pick(actions).entity : this.#anyOf(type.type)
      }
      case 'set':
        return this.#random.some(2, () => this.#value(type.element))
      case 'record':
        return this.#record(type)
    }
  }
}

const SOME = {
  ipaddr: sure(parseIp('127.0.0.1')),
  decimal: sure(parseDecimal('1.0')),
  datetime: sure(parseDatetime('2024-01-01')),
  duration: sure(parseDuration('1h')),
}
const OTHERS = {
  ipaddr: sure(parseIp('::1')),
  decimal: sure(parseDecimal('2.0')),
  datetime: sure(parseDatetime('2025-01-01')),
  duration: sure(parseDuration('2h')),
}

function sure<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a literal that cannot be read')
  return value
}

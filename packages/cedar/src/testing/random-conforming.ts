// For tests: entities and requests that conform to a schema, or nearly, in JSON, and what is true of them in Cedar.

import type { ActionType, EntityType, Schema } from '../schema/schema.ts'
import { isActionType, typeOfUid } from '../values/entity.ts'
import type { Random } from './random.ts'
import { PLAIN_NAMES, ValueMaker, nameText, quoted } from './random-typed-value.ts'
import type { Members } from './random-typed-value.ts'
import type { EntityName, World } from './random-world.ts'

export type OfficialEntity = World['official']['entities'][number]

export interface ConformingRequest {
  readonly principal: EntityName
  readonly action: EntityName
  readonly resource: EntityName
  readonly context: Members
}

export interface ConformingCase {
  readonly entities: readonly OfficialEntity[]
  readonly request: ConformingRequest
  /** Conditions that hold, each about one attribute, tag or parent, or about the whole context. */
  readonly facts: readonly string[]
}

const IDS = ['x', 'y', 'a"b\\c', '', 'é😀\0']

/** `slip` is the chance, at each step, of writing something that the schema does not say; facts then may be wrong too. */
export function randomConforming(random: Random, schema: Schema, slip = 0): ConformingCase {
  return new ConformingMaker(random, schema, slip).make()
}

class ConformingMaker {
  readonly #random: Random
  readonly #schema: Schema
  readonly #values: ValueMaker
  readonly #types: readonly EntityType[]
  readonly #facts: string[] = []
  readonly #entities: OfficialEntity[] = []

  constructor(random: Random, schema: Schema, slip: number) {
    this.#random = random
    this.#schema = schema
    this.#values = new ValueMaker(random, { slip, implicit: true, name: (type) => this.#name(type) })
    this.#types = [...schema.entityTypes.values()]
  }

  make(): ConformingCase {
    const random = this.#random
    for (let count = random.below(6); count > 0; count--) this.#entity()
    for (const { entity } of this.#schema.actions.values()) if (random.chance(0.2)) this.#action(entity)
    const request = this.#request()
    // Children first as often as parents first.
    const entities = this.#entities.toSorted(() => (random.chance(0.5) ? 1 : -1))
    return { entities, request, facts: this.#facts }
  }

  #entity(): void {
    const type = this.#random.pick(this.#types)
    const uid = this.#name(type.name)
    if (this.#entities.some(({ uid: other }) => other.type === uid.type && other.id === uid.id)) return
    const subject = nameText(uid)
    const parents = this.#entities
      .map((each) => each.uid)
      .filter(
        (above) => (type.ancestorTypes.has(above.type) || this.#values.slips()) && this.#random.chance(0.4),
      )
    // One that is in no file.
    if (type.ancestorTypes.size > 0 && this.#random.chance(0.3)) {
      const above = this.#random.pick([...type.ancestorTypes])
      const isEnumerated = this.#schema.entityTypes.get(above)?.ids !== undefined
      parents.push(isEnumerated ? this.#name(above) : { type: above, id: 'far' })
    }
    for (const parent of parents) this.#facts.push(`${subject} in ${nameText(parent)}`)
    const attrs = this.#values.record(type.attributes, (name, text) =>
      this.#facts.push(`${subject}[${quoted(name)}] == ${text}`),
    )
    const tags = this.#tags(type, subject)
    this.#entities.push({ uid, attrs: attrs.json, tags, parents })
  }

  #tags(type: EntityType, subject: string): Members {
    const tags = Object.create(null) as Members
    const of = type.tags ?? (this.#values.slips() ? { kind: 'long' } : undefined)
    if (of === undefined) return tags
    for (const name of PLAIN_NAMES) {
      if (!this.#random.chance(0.2)) continue
      const { json, text } = this.#values.value(of)
      tags[name] = json
      this.#facts.push(`${subject}.getTag(${quoted(name)}) == ${text}`)
    }
    return tags
  }

  #action({ type, id, ancestors }: ActionType['entity']): void {
    const parents = [...ancestors].map((uid) => {
      const above = typeOfUid(uid)
      return { type: above, id: uid.slice(above.length + 3, -1) }
    })
    if (this.#values.slips()) parents.pop()
    this.#entities.push({ uid: { type, id }, attrs: this.#values.slips() ? { x: 1 } : {}, tags: {}, parents })
  }

  #request(): ConformingRequest {
    const all = [...this.#schema.actions.values()]
    const open = all.filter(({ principals, resources }) => principals.size > 0 && resources.size > 0)
    const action = this.#random.pick(this.#values.slips() || open.length === 0 ? all : open)
    const context = this.#values.record(action.context)
    this.#facts.push(`context == ${context.text}`)
    const party = (types: ReadonlySet<string>): EntityName =>
      this.#name(
        this.#random.pick(
          this.#values.slips() || types.size === 0 ? this.#types.map(({ name }) => name) : [...types],
        ),
      )
    return {
      principal: party(action.principals),
      action: { type: action.entity.type, id: this.#values.slips() ? 'x' : action.entity.id },
      resource: party(action.resources),
      context: context.json,
    }
  }

  #name(type: string): EntityName {
    const actions = [...this.#schema.actions.values()].map(({ entity }) => entity)
    const ids = isActionType(type)
      ? actions.filter((action) => action.type === type).map((action) => action.id)
      : [...(this.#schema.entityTypes.get(type)?.ids ?? [])]
    const id = this.#random.pick(ids.length === 0 || this.#values.slips() ? IDS : ids)
    return { type: this.#values.slips() ? `${type}x` : type, id }
  }
}

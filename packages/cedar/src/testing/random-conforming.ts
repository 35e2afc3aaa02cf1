// For tests: entities and requests that conform to a schema, or nearly. They are written as JSON in all the ways that a
// schema allows, each value also as the Cedar expression it should be equal to.

import type { ActionType, CedarType, EntityType, RecordType, Schema } from '../schema/schema.ts'
import { isActionType, typeOfUid } from '../values/entity.ts'
import { BAD_TEXTS, DATETIMES, DECIMALS, DURATIONS, IPS, STRINGS } from './edge-values.ts'
import type { Random } from './random.ts'
import type { EntityName, Json, World } from './random-world.ts'

type Members = { [name: string]: Json }
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

/** Numbers that JavaScript and so the official package keep exactly. */
const LONGS = [0, 1, -1, 7, 2 ** 53 - 1, -(2 ** 53 - 1)]
const IDS = ['x', 'y', 'a"b\\c', '', 'é😀\0']
const FUNCTIONS = { ipaddr: 'ip', decimal: 'decimal', datetime: 'datetime', duration: 'duration' } as const
const TEXTS = { ipaddr: IPS, decimal: DECIMALS, datetime: DATETIMES, duration: DURATIONS } as const
const NAMES = ['x', 'type', 'id', '__entity', '__extn', '__proto__', 'fn', 'arg', 'two words']

/** `slip` is the chance, at each step, of writing something that the schema does not say; facts then may be wrong too. */
export function randomConforming(random: Random, schema: Schema, slip = 0): ConformingCase {
  return new ConformingMaker(random, schema, slip).make()
}

interface Written {
  readonly json: Json
  readonly text: string
}

class ConformingMaker {
  readonly #random: Random
  readonly #schema: Schema
  readonly #slip: number
  readonly #types: readonly EntityType[]
  readonly #facts: string[] = []
  readonly #entities: OfficialEntity[] = []

  constructor(random: Random, schema: Schema, slip: number) {
    this.#random = random
    this.#schema = schema
    this.#slip = slip
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
      .filter((above) => (type.ancestorTypes.has(above.type) || this.#slips()) && this.#random.chance(0.4))
    // One that is in no file.
    if (type.ancestorTypes.size > 0 && this.#random.chance(0.3)) {
      const above = this.#random.pick([...type.ancestorTypes])
      const isEnumerated = this.#schema.entityTypes.get(above)?.ids !== undefined
      parents.push(isEnumerated ? this.#name(above) : { type: above, id: 'far' })
    }
    for (const parent of parents) this.#facts.push(`${subject} in ${nameText(parent)}`)
    const attrs = this.#record(type.attributes, (name, text) =>
      this.#facts.push(`${subject}[${quoted(name)}] == ${text}`),
    )
    const tags = this.#tags(type, subject)
    this.#entities.push({ uid, attrs: attrs.json as Members, tags, parents })
  }

  #tags(type: EntityType, subject: string): Members {
    const tags = Object.create(null) as Members
    const of = type.tags ?? (this.#slips() ? { kind: 'long' } : undefined)
    if (of === undefined) return tags
    for (const name of NAMES) {
      if (!this.#random.chance(0.2) || name === '__entity' || name === '__extn') continue
      const { json, text } = this.#value(of)
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
    if (this.#slips()) parents.pop()
    this.#entities.push({ uid: { type, id }, attrs: this.#slips() ? { x: 1 } : {}, tags: {}, parents })
  }

  #request(): ConformingRequest {
    const all = [...this.#schema.actions.values()]
    const open = all.filter(({ principals, resources }) => principals.size > 0 && resources.size > 0)
    const action = this.#random.pick(this.#slips() || open.length === 0 ? all : open)
    const context = this.#record(action.context)
    this.#facts.push(`context == ${context.text}`)
    const party = (types: ReadonlySet<string>): EntityName =>
      this.#name(
        this.#random.pick(
          this.#slips() || types.size === 0 ? this.#types.map(({ name }) => name) : [...types],
        ),
      )
    return {
      principal: party(action.principals),
      action: { type: action.entity.type, id: this.#slips() ? 'x' : action.entity.id },
      resource: party(action.resources),
      context: context.json as Members,
    }
  }

  #name(type: string): EntityName {
    const actions = [...this.#schema.actions.values()].map(({ entity }) => entity)
    const ids = isActionType(type)
      ? actions.filter((action) => action.type === type).map((action) => action.id)
      : [...(this.#schema.entityTypes.get(type)?.ids ?? [])]
    const id = this.#random.pick(ids.length === 0 || this.#slips() ? IDS : ids)
    return { type: this.#slips() ? `${type}x` : type, id }
  }

  #value(expected: CedarType): Written {
    const type = this.#slips() ? this.#otherType() : expected
    switch (type.kind) {
      case 'boolean':
        return plain(this.#random.chance(0.5))
      case 'long':
        return plain(this.#random.pick(LONGS))
      case 'string': {
        const text = this.#random.pick(STRINGS)
        return { json: text, text: quoted(text) }
      }
      case 'extension':
        return this.#extension(type.name)
      case 'entity': {
        const name = this.#name(type.type)
        return {
          json: this.#random.chance(0.5) ? { ...name } : { __entity: { ...name } },
          text: nameText(name),
        }
      }
      case 'set': {
        const elements = this.#random.some(3, () => this.#value(type.element))
        return {
          json: elements.map(({ json }) => json),
          text: `[${elements.map(({ text }) => text).join(', ')}]`,
        }
      }
      case 'record':
        return this.#record(type)
    }
  }

  #extension(name: keyof typeof TEXTS): Written {
    const { json, text } = this.#constructed(name)
    if (name === 'datetime' && this.#random.chance(0.3)) {
      const by = this.#constructed('duration')
      // Only this near to 1970 does no duration leave the range.
      const from = { json: '1970-01-01', text: 'datetime("1970-01-01")' }
      const call = { fn: 'offset', args: [from.json, by.json] }
      return {
        json: this.#random.chance(0.5) ? call : { __extn: call },
        text: `${from.text}.offset(${by.text})`,
      }
    }
    return { json, text }
  }

  #constructed(name: keyof typeof TEXTS): Written {
    const arg = this.#random.pick(this.#slips() ? BAD_TEXTS : TEXTS[name])
    const fn = FUNCTIONS[name]
    const forms: readonly Json[] = [arg, { fn, arg }, { fn, args: [arg] }, { __extn: { fn, arg } }]
    return { json: this.#random.pick(forms), text: `${fn}(${quoted(arg)})` }
  }

  #record({ members }: RecordType, each?: (name: string, text: string) => void): Written {
    const json = Object.create(null) as Members
    const texts: string[] = []
    for (const [name, { type, required }] of members) {
      if ((required ? this.#slips() : this.#random.chance(0.4)) || json[name] !== undefined) continue
      const value = this.#value(type)
      json[name] = value.json
      texts.push(`${quoted(name)}: ${value.text}`)
      each?.(name, value.text)
    }
    if (this.#slips()) json[this.#random.pick(NAMES)] = this.#value({ kind: 'long' }).json
    return { json, text: `{${texts.join(', ')}}` }
  }

  #otherType(): CedarType {
    const member = { type: { kind: 'long' }, required: false } as const
    const types: readonly CedarType[] = [
      { kind: 'boolean' },
      { kind: 'string' },
      { kind: 'extension', name: this.#random.pick(['ipaddr', 'decimal', 'datetime', 'duration']) },
      { kind: 'entity', type: this.#random.pick(this.#types).name },
      { kind: 'set', element: { kind: 'long' } },
      { kind: 'record', members: new Map(NAMES.slice(0, 3).map((name) => [name, member])) },
      { kind: 'long' },
    ]
    return this.#random.pick(types)
  }

  #slips(): boolean {
    return this.#slip > 0 && this.#random.chance(this.#slip)
  }
}

function plain(value: boolean | number): Written {
  return { json: value, text: String(value) }
}

function nameText({ type, id }: EntityName): string {
  return `${type}::${quoted(id)}`
}

/** With every character escaped, which is right for any. */
function quoted(text: string): string {
  return `"${Array.from(text, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`).join('')}"`
}

// For tests: what expressions can read of the requests that a schema knows.

import type { CedarType, EntityType, RecordType, Schema } from '../schema/schema.ts'
import { quote } from '../text/escapes.ts'
import { isTypeName } from '../text/names.ts'
import type { Random } from './random.ts'
import type { EntityName } from './random-world.ts'
import type { Kind, Reading, Surroundings } from './random-writer.ts'

/** The types of a request. */
export interface Environment {
  readonly principal: string
  /** Its uid. */
  readonly action: string
  readonly resource: string
}

/** Paths are not followed further, nor are more of them looked for. */
const MAX_STEPS = 4
const MAX_READINGS = 120

export class SchemaSurroundings implements Surroundings {
  readonly #random: Random
  readonly #schema: Schema
  readonly #entities: readonly EntityName[]
  readonly #readings = new Map<Kind, Reading[]>()
  readonly #guarded: Reading[] = []
  readonly #names = new Set<string>(['a', '__proto__'])
  #count = 0

  /** `entities` are those that are named. */
  constructor(random: Random, schema: Schema, environment: Environment, entities: readonly EntityName[]) {
    this.#random = random
    this.#schema = schema
    this.#entities = entities
    const context = schema.actions.get(environment.action)?.context
    const roots: [string, CedarType][] = [
      ['principal', { kind: 'entity', type: environment.principal }],
      ['resource', { kind: 'entity', type: environment.resource }],
      ['context', context ?? { kind: 'record', members: new Map() }],
    ]
    // No schema knows of it, but there may be one.
    this.#note({ text: 'action.a', guards: ['action has a'] }, { kind: 'long' })
    // Nearest first, so that what is left out is far away.
    let next = roots.map(([text, type]) => ({ reading: { text, guards: [] as readonly string[] }, type }))
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      next = next.flatMap(({ reading, type }) => this.#follow(reading, type))
    }
  }

  read(kind: Kind): Reading | undefined {
    const readings = this.#readings.get(kind)
    return readings === undefined ? undefined : this.#random.pick(readings)
  }

  presence(object: () => string): string {
    const random = this.#random
    if (this.#guarded.length === 0 || random.chance(0.2)) return `${object()} has ${quote(this.name())}`
    const { guards } = random.pick(this.#guarded)
    return guards.slice(0, 1 + random.below(guards.length)).join(' && ')
  }

  entity(): string {
    const { type, id } = this.#random.pick(this.#entities)
    return `${type}::${quote(id)}`
  }

  entityType(): string {
    return this.#random.pick(this.#entities).type
  }

  name(): string {
    return this.#random.pick([...this.#names])
  }

  /** Notes what can be read from a value, and gives what can be followed further. */
  #follow(reading: Reading, type: CedarType): { reading: Reading; type: CedarType }[] {
    const entityType = type.kind === 'entity' ? this.#schema.entityTypes.get(type.type) : undefined
    const record = type.kind === 'record' ? type : entityType?.attributes
    const found = [
      ...(record === undefined ? [] : this.#members(reading, record)),
      ...(entityType === undefined ? [] : this.#tags(reading, entityType)),
    ]
    for (const each of found) this.#note(each.reading, each.type)
    return found
  }

  #members({ text, guards }: Reading, { members }: RecordType): { reading: Reading; type: CedarType }[] {
    return Array.from(members, ([name, { type, required }]) => {
      this.#names.add(name)
      const isPlain = isTypeName(name) && !name.includes(':') && this.#random.chance(0.8)
      const guard = `${text} has ${isPlain ? name : quote(name)}`
      const read = `${text}${isPlain ? `.${name}` : `[${quote(name)}]`}`
      // What is required is missing too where the entity is.
      const isGuarded = !required || this.#random.chance(0.2)
      return { reading: { text: read, guards: isGuarded ? [...guards, guard] : guards }, type }
    })
  }

  #tags({ text, guards }: Reading, { tags }: EntityType): { reading: Reading; type: CedarType }[] {
    if (tags === undefined) return []
    return ['a', 'constructor'].map((name) => {
      this.#names.add(name)
      const guard = `${text}.hasTag(${quote(name)})`
      return { reading: { text: `${text}.getTag(${quote(name)})`, guards: [...guards, guard] }, type: tags }
    })
  }

  #note(reading: Reading, type: CedarType): void {
    if (this.#count++ > MAX_READINGS) return
    const kind = kindOf(type)
    const readings = this.#readings.get(kind) ?? []
    this.#readings.set(kind, readings)
    readings.push(reading)
    if (reading.guards.length > 0) this.#guarded.push(reading)
  }
}

function kindOf(type: CedarType): Kind {
  switch (type.kind) {
    case 'boolean':
      return 'bool'
    case 'set':
      return type.element.kind === 'entity' ? 'entities' : 'set'
    case 'extension':
      return type.name === 'ipaddr' ? 'ip' : type.name
    default:
      return type.kind
  }
}

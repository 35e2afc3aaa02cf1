// Whether values, entities and requests are what a schema says. Nothing is converted: a value is taken as a policy
// would read it, so a JavaScript number is a Long or a decimal, and an array is a set.

import { Entity, isActionType, typeOfUid } from '../values/entity.ts'
import { EXTENSION_TYPES } from '../values/extensions.ts'
import { Fault } from '../values/fault.ts'
import { isLong } from '../values/long.ts'
import { suggest } from '../policy/suggest.ts'
import { CedarSet, isRecord, ownMember, set, settle } from '../values/values.ts'
import type { RecordValue, Settled, Value } from '../values/values.ts'
import type { Request } from '../decide/evaluation.ts'
import type { ActionType, CedarType, EntityType, RecordType, Schema } from './schema.ts'

/** Something that is not as the schema says. */
export interface Mismatch {
  /** The way to it: names of members and, in sets, places from 0. Such as `['context', 'input', 'limit']`. */
  readonly path: Path
  /** A sentence that names the thing, the reason and, where one is close, the likely spelling. */
  readonly message: string
}

type Path = readonly (string | number)[]

/** More are not looked for: data may come from anyone, and be all wrong. */
const MOST_MISMATCHES = 20

/**
 * What keeps an entity from being one of the schema's: its type, id, ancestors, attributes and tags. An action has to
 * be exactly as declared. Paths begin with `uid`, `parents`, `attrs` or `tags`. Empty when it conforms.
 */
export function checkEntity(schema: Schema, entity: Entity): readonly Mismatch[] {
  const check = new Check(schema)
  if (isActionType(entity.type)) check.action(entity)
  else check.entity(entity)
  return check.found
}

/**
 * What keeps a request from being one the schema knows: the types of principal and resource for this action, ids of
 * enumerated types, the context. Paths begin with the part's name. Empty when it conforms.
 */
export function checkRequest(schema: Schema, request: Request): readonly Mismatch[] {
  const check = new Check(schema)
  check.request(request)
  return check.found
}

/** What keeps a context from being one of this action. Paths begin with `context`. */
export function checkContext(schema: Schema, action: Entity, context: RecordValue): readonly Mismatch[] {
  const check = new Check(schema)
  check.context(action, context)
  return check.found
}

class Check {
  readonly found: Mismatch[] = []
  readonly #schema: Schema

  constructor(schema: Schema) {
    this.#schema = schema
  }

  request({ principal, action, resource, context }: Request): void {
    const type = this.context(action, context)
    this.#party('principal', principal, type?.principals)
    this.#party('resource', resource, type?.resources)
  }

  context(action: Entity, context: RecordValue): ActionType | undefined {
    const type = this.#action(action.uid, ['action'])
    if (type !== undefined) this.#record(context, type.context, ['context'])
    return type
  }

  /** The type of an action; undefined, and reported, when there is none. */
  #action(uid: string, path: Path): ActionType | undefined {
    const type = this.#schema.actions.get(uid)
    if (type === undefined) {
      const likely = didYouMean(uid, this.#schema.actions.keys())
      this.#report(path, `the schema does not declare the action ${uid}${likely}`)
    }
    return type
  }

  #party(role: 'principal' | 'resource', given: Entity, types: ReadonlySet<string> | undefined): void {
    if (this.#declared(given, [role]) === undefined || types === undefined || types.has(given.type)) return
    const list = types.size === 0 ? `no ${role}` : `a ${role} of type ${[...types].join(' or ')}`
    this.#report([role], `the action applies to ${list}, not to ${given.uid}`)
  }

  action(action: Entity): void {
    const declared = this.#action(action.uid, ['uid'])?.entity
    if (declared === undefined) return
    for (const part of ['attrs', 'tags'] as const) {
      if (Object.keys(action[part]).length > 0) this.#report([part], `an action cannot have ${part}`)
    }
    if (set([...action.ancestors]).canonical() !== set([...declared.ancestors]).canonical()) {
      const list = [...declared.ancestors].join(', ')
      this.#report(['parents'], `the schema says that ${action.uid} is in ${list || 'no other action'}`)
    }
  }

  entity(entity: Entity): void {
    const type = this.#declared(entity, ['uid'])
    if (type === undefined) return
    for (const ancestor of entity.ancestors) this.#ancestor(entity, ancestor, type)
    this.#record(entity.attrs, type.attributes, ['attrs'])
    for (const name of Object.keys(entity.tags)) this.#tag(entity, name, type)
  }

  #ancestor(entity: Entity, ancestor: string, type: EntityType): void {
    const above = typeOfUid(ancestor)
    if (type.ancestorTypes.has(above)) this.#id(above, ancestor, ['parents'])
    else
      this.#report(['parents'], `${entity.uid} cannot be in ${ancestor}: ${type.name} is never in ${above}`)
  }

  #tag(entity: Entity, name: string, type: EntityType): void {
    const value = ownMember(entity.tags, name)
    if (value === undefined) return
    if (type.tags === undefined) this.#report(['tags', name], `${type.name} has no tags`)
    else this.#value(value, type.tags, ['tags', name])
  }

  /** The type of an entity, after its id was checked; undefined, and reported, when there is no such type. */
  #declared(entity: Entity, path: Path): EntityType | undefined {
    const type = this.#schema.entityTypes.get(entity.type)
    if (type === undefined) {
      const likely = didYouMean(entity.type, this.#schema.entityTypes.keys())
      this.#report(path, `the schema does not declare the type of ${entity.uid}${likely}`)
    } else this.#id(entity.type, entity.uid, path)
    return type
  }

  /** Some types have but the entities that the schema names. */
  #id(type: string, uid: string, path: Path): void {
    if (isActionType(type)) return void this.#action(uid, path)
    const ids = this.#schema.entityTypes.get(type)?.ids
    const id = uid.slice(type.length + 3, -1)
    if (ids === undefined || ids.has(id)) return
    const likely = didYouMean(id, ids)
    this.#report(path, `${pathText(path)}: the enumeration ${type} has no ${JSON.stringify(id)}${likely}`)
  }

  #value(value: Value, type: CedarType, path: Path): void {
    const elements = type.kind === 'set' ? elementsOf(value) : undefined
    if (type.kind === 'set' && elements !== undefined) this.#elements(elements, type.element, path)
    else if (type.kind === 'record' && isRecord(value)) this.#record(value, type, path)
    else {
      const settled = settledOrFault(value)
      if (settled instanceof Fault || !isOf(settled, type)) {
        this.#report(path, `${pathText(path)} must be ${typeText(type)}, not ${kindText(value)}`)
      } else if (settled instanceof Entity) this.#id(settled.type, settled.uid, path)
    }
  }

  /** The first that does not fit speaks for all. */
  #elements(elements: readonly Value[], type: CedarType, path: Path): void {
    const before = this.found.length
    for (let at = 0; at < elements.length && this.found.length === before; at++) {
      this.#value(elements[at] ?? null, type, [...path, at])
    }
  }

  #record(record: RecordValue, { members }: RecordType, path: Path): void {
    for (const [name, { type, required }] of members) {
      const value = ownMember(record, name)
      if (value !== undefined) this.#value(value, type, [...path, name])
      else if (required) this.#report(path, `${pathText(path)} needs ${JSON.stringify(name)}`)
    }
    for (const name of Object.keys(record)) {
      if (this.found.length >= MOST_MISMATCHES) return
      if (members.has(name) || record[name] === undefined) continue
      const likely = didYouMean(name, members.keys())
      this.#report([...path, name], `${pathText([...path, name])} is not in the schema${likely}`)
    }
  }

  #report(path: Path, message: string): void {
    if (this.found.length < MOST_MISMATCHES) this.found.push({ path, message })
  }
}

function elementsOf(value: Value): readonly Value[] | undefined {
  if (Array.isArray(value)) return value as readonly Value[]
  return value instanceof CedarSet ? value.given : undefined
}

function settledOrFault(value: Value): Settled | Fault {
  try {
    return settle(value)
  } catch (fault) {
    if (fault instanceof Fault) return fault
    throw fault
  }
}

/** For all but sets and records, which are taken apart. */
function isOf(value: Settled, type: CedarType): boolean {
  switch (type.kind) {
    case 'boolean':
    case 'string':
      return typeof value === type.kind
    case 'long':
      return isLong(value)
    case 'entity':
      return value instanceof Entity && value.type === type.type
    case 'extension':
      return value instanceof EXTENSION_TYPES[type.name]
    case 'set':
    case 'record':
      return false
  }
}

/** A type as the schema would name it. */
function typeText(type: CedarType): string {
  switch (type.kind) {
    case 'boolean':
      return 'Bool'
    case 'string':
      return 'String'
    case 'long':
      return 'Long'
    case 'extension':
      return type.name
    case 'entity':
      return type.type
    case 'set':
      return `Set<${typeText(type.element)}>`
    case 'record':
      return 'a record'
  }
}

function kindText(value: Value): string {
  if (value === null) return 'null'
  const settled = settledOrFault(value)
  if (settled instanceof Fault) return 'a number that is neither Long nor decimal'
  if (settled instanceof Entity) return settled.type
  if (settled instanceof CedarSet) return 'a set'
  const extension = Object.entries(EXTENSION_TYPES).find(([, kind]) => settled instanceof kind)
  if (extension !== undefined) return extension[0]
  if (typeof settled === 'object') return 'a record'
  return isLong(settled) ? 'Long' : typeof settled === 'string' ? 'String' : 'Bool'
}

/** Such as `context.input["two words"]`. A place in a set is not named, since a set has no order. */
function pathText(path: Path): string {
  return path
    .filter((step) => typeof step === 'string')
    .map((name, at) =>
      /^[A-Za-z_]\w*$/.test(name) ? `${at > 0 ? '.' : ''}${name}` : `[${JSON.stringify(name)}]`,
    )
    .join('')
}

function didYouMean(name: string, candidates: Iterable<string>): string {
  const likely = suggest(name, candidates)
  return likely === undefined ? '' : `; did you mean ${likely}?`
}

// Entities: immutable objects made once and used for many decisions. All ancestors are found when the entity is made.
// A reference is an entity known only by name; its attributes and ancestors are looked up when a policy asks for them.

import { Term } from './term.ts'
import { set } from './values.ts'
import type { RecordValue, Value } from './values.ts'

const NO_RECORD: RecordValue = Object.freeze({})
const NO_ANCESTORS: ReadonlySet<string> = new Set()
const TYPE_NAME = /^[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z_][A-Za-z0-9_]*)*$/

export class Entity extends Term {
  readonly type: string
  readonly id: string
  /** `Type::"id"`, the id as it is, not escaped. Unique for the pair, because a type holds no quote. */
  readonly uid: string
  /** False for a reference. */
  readonly known: boolean
  readonly attrs: RecordValue
  readonly tags: RecordValue
  /** The uids of all entities this one is in, at any distance; not its own. */
  readonly ancestors: ReadonlySet<string>

  constructor(type: string, id: string, data?: EntityData) {
    super()
    if (!TYPE_NAME.test(type)) throw new RangeError(`not an entity type: ${JSON.stringify(type)}`)
    this.type = type
    this.id = id
    this.uid = uidOf(type, id)
    this.known = data !== undefined
    this.attrs = data?.attrs === undefined ? NO_RECORD : prepared(data.attrs)
    this.tags = data?.tags === undefined ? NO_RECORD : prepared(data.tags)
    this.ancestors = data?.parents === undefined ? NO_ANCESTORS : closure(data.parents)
    Object.freeze(this)
  }

  override canonical(): string {
    return `e${this.uid.length}:${this.uid}`
  }
}

export interface EntityData {
  readonly parents?: readonly Entity[]
  readonly attrs?: RecordValue
  readonly tags?: RecordValue
}

/** Finds entities that a policy or an attribute names. A Map from uid to entity is one. */
export interface EntityStore {
  get(uid: string): Entity | undefined
}

/**
 * An entity with its data. A parent that is only a reference counts itself, but none of its own ancestors. What is
 * inside the attributes and tags must not change afterwards. Throws a RangeError when `type` is not a Cedar type name.
 */
export function entity(type: string, id: string, data: EntityData = {}): Entity {
  return new Entity(type, id, data)
}

/** An entity by name only. Throws a RangeError when `type` is not a Cedar type name. */
export function reference(type: string, id: string): Entity {
  return new Entity(type, id)
}

function uidOf(type: string, id: string): string {
  return `${type}::"${id}"`
}

/** The type that a uid begins with. */
export function typeOfUid(uid: string): string {
  return uid.slice(0, uid.indexOf('::"'))
}

/** Whether entities of this type are actions: it is `Action` in some namespace. */
export function isActionType(type: string): boolean {
  return /(^|::)Action$/.test(type)
}

/** A copy in which each array is a set already, since entities serve many decisions. */
function prepared(given: RecordValue): RecordValue {
  const record: { [name: string]: Value | undefined } = { ...given }
  for (const [name, value] of Object.entries(record)) if (Array.isArray(value)) record[name] = set(value)
  return Object.freeze(record)
}

function closure(parents: readonly Entity[]): ReadonlySet<string> {
  const all = new Set<string>()
  for (const parent of parents) {
    all.add(parent.uid)
    for (const ancestor of parent.ancestors) all.add(ancestor)
  }
  return all
}

// A schema made ready: every name resolved, the hierarchy of actions closed.

import type { Entity } from '../values/entity.ts'

/** The type of a value. Common types are resolved away. */
export type CedarType =
  | { readonly kind: 'boolean' | 'string' | 'long' }
  | { readonly kind: 'extension'; readonly name: 'ipaddr' | 'decimal' | 'datetime' | 'duration' }
  | { readonly kind: 'entity'; readonly type: string }
  | { readonly kind: 'set'; readonly element: CedarType }
  | RecordType

export interface RecordType {
  readonly kind: 'record'
  /** There are no others. */
  readonly members: ReadonlyMap<string, MemberType>
}

export interface MemberType {
  readonly type: CedarType
  readonly required: boolean
}

export interface EntityType {
  /** With its namespace. */
  readonly name: string
  /** The ids there are, when the type is an enumeration. */
  readonly ids: ReadonlySet<string> | undefined
  /** The types an entity of this type may be in, at any distance. */
  readonly ancestorTypes: ReadonlySet<string>
  readonly attributes: RecordType
  /** The type of every tag; undefined when there are none. */
  readonly tags: CedarType | undefined
}

export interface ActionType {
  /** The action itself, with all actions it is in as ancestors. */
  readonly entity: Entity
  /** Names of the types; both empty for an action that only groups others. */
  readonly principals: ReadonlySet<string>
  readonly resources: ReadonlySet<string>
  readonly context: RecordType
}

/** Immutable. */
export interface Schema {
  /** By name, with the namespace. */
  readonly entityTypes: ReadonlyMap<string, EntityType>
  /** By uid, such as `Action::"read"`. */
  readonly actions: ReadonlyMap<string, ActionType>
}

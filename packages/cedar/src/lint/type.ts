// What is known of the type of a value: a type of a schema, or less. Undefined where nothing is known.

import type { ExtensionTypeName } from '../values/extensions.ts'

/** Each type of a schema is one. */
export type Type =
  | { readonly kind: 'boolean' | 'string' | 'long' }
  | { readonly kind: 'extension'; readonly name: ExtensionTypeName }
  | { readonly kind: 'entity'; readonly type: string | undefined }
  | { readonly kind: 'set'; readonly element: Type | undefined }
  | { readonly kind: 'record'; readonly members: ReadonlyMap<string, Member> | undefined }

export interface Member {
  readonly type: Type | undefined
  readonly required: boolean
}

export const BOOLEAN: Type = { kind: 'boolean' }
export const STRING: Type = { kind: 'string' }
export const LONG: Type = { kind: 'long' }
export const RECORD: Type = { kind: 'record', members: undefined }

/** Whether no value is of both types. Sets may both be empty. */
export function areDisjoint(a: Type | undefined, b: Type | undefined): boolean {
  if (a === undefined || b === undefined) return false
  if (a.kind === 'entity' && b.kind === 'entity')
    return a.type !== undefined && b.type !== undefined && a.type !== b.type
  if (a.kind === 'extension' && b.kind === 'extension') return a.name !== b.name
  return a.kind !== b.kind
}

/** What is known of a value that is of one type or the other. */
export function join(a: Type | undefined, b: Type | undefined): Type | undefined {
  if (a === b) return a
  if (a === undefined || b === undefined || a.kind !== b.kind) return undefined
  if (a.kind === 'set' && b.kind === 'set') return { kind: 'set', element: join(a.element, b.element) }
  if (a.kind === 'record') return RECORD
  if (a.kind === 'entity' && b.kind === 'entity')
    return a.type === b.type ? a : { kind: 'entity', type: undefined }
  return areDisjoint(a, b) ? undefined : a
}

/** Such as `a String`, `an entity of type User`. */
export function describe(type: Type): string {
  switch (type.kind) {
    case 'boolean':
      return 'a Bool'
    case 'string':
      return 'a String'
    case 'long':
      return 'a Long'
    case 'extension':
      return type.name === 'ipaddr' ? 'an ipaddr' : `a ${type.name}`
    case 'entity':
      return type.type === undefined ? 'an entity' : `an entity of type ${type.type}`
    case 'set':
      return 'a set'
    case 'record':
      return 'a record'
  }
}

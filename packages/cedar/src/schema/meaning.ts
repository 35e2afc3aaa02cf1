// What a name in a schema stands for: what its namespace declares, else what is declared without a namespace, else a type
// of the language. A common type comes before an entity type of the same name.

import type { Declared, Definitions } from './definitions.ts'
import { readings } from './definitions.ts'
import type { CedarType } from './schema.ts'
import type { CommonType, TypeExpression } from './syntax.ts'

export type Among = (TypeExpression & { kind: 'name' })['among']

export type Meaning =
  | { readonly kind: 'common'; readonly name: string; readonly declared: Declared<CommonType> }
  | { readonly kind: 'entity'; readonly name: string }
  | { readonly kind: 'language'; readonly name: string; readonly type: CedarType }

const EXTENSION_TYPES = ['ipaddr', 'decimal', 'datetime', 'duration'] as const
const PRIMITIVES: ReadonlyMap<string, CedarType> = new Map([
  ['Bool', { kind: 'boolean' }],
  ['Long', { kind: 'long' }],
  ['String', { kind: 'string' }],
])
const EXTENSIONS: ReadonlyMap<string, CedarType> = new Map(
  EXTENSION_TYPES.map((name) => [name, { kind: 'extension', name }]),
)
/** By the names that a schema can use unless it declares them itself, and with `__cedar::` always. */
const LANGUAGE: ReadonlyMap<string, CedarType> = new Map([...PRIMITIVES, ...EXTENSIONS])

export const LANGUAGE_TYPES: readonly string[] = [...LANGUAGE.keys()]

/** What a name in a namespace stands for, or undefined when nothing is called that. */
export function meaningOf(
  name: string,
  namespace: string,
  among: Among,
  definitions: Definitions,
): Meaning | undefined {
  if (among === 'primitives') return ofLanguage(name, PRIMITIVES)
  if (among === 'extensions') return ofLanguage(name, EXTENSIONS)
  for (const reading of readings(name, namespace)) {
    const meaning = meaningOfFull(reading, among, definitions)
    if (meaning !== undefined) return meaning
  }
  return undefined
}

function meaningOfFull(name: string, among: Among, definitions: Definitions): Meaning | undefined {
  const declared = among === 'entities' ? undefined : definitions.commonTypes.get(name)
  if (declared !== undefined) return { kind: 'common', name, declared }
  const isEntity = definitions.entities.has(name)
  if ((isEntity || definitions.actionTypes.has(name)) && among !== 'common') return { kind: 'entity', name }
  // An entity type hides a type of the language also where no entity type may stand.
  if (isEntity || among === 'entities') return undefined
  return ofLanguage(name.replace(/^__cedar::/, ''), LANGUAGE)
}

function ofLanguage(name: string, types: ReadonlyMap<string, CedarType>): Meaning | undefined {
  const type = types.get(name)
  return type === undefined ? undefined : { kind: 'language', name, type }
}

// What to say about a name in a schema that nothing is called.

import { suggest } from '../policy/suggest.ts'
import type { Definitions } from './definitions.ts'
import { qualified, readings } from './definitions.ts'
import { LANGUAGE_TYPES } from './meaning.ts'
import type { Among } from './meaning.ts'

/** What other languages call the types of this one. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['boolean', 'Bool'],
  ['int', 'Long'],
  ['integer', 'Long'],
  ['number', 'Long or decimal'],
  ['float', 'decimal'],
  ['text', 'String'],
  ['ip', 'ipaddr'],
  ['date', 'datetime'],
  ['timestamp', 'datetime'],
  ['set', 'Set<…>'],
  ['record', '{ … }'],
])

/** `suggesting` takes long where there are many names. */
export function explainUnknown(
  { name, among }: { readonly name: string; readonly among?: Among },
  namespace: string,
  { entities, commonTypes }: Definitions,
  suggesting: boolean,
): string {
  const isType = readings(name, namespace).some((reading) =>
    (among === 'common' ? entities : commonTypes).has(reading),
  )
  if (isType && among === 'common')
    return `${name} is an entity type; only a type that is declared may stand here`
  if (isType && among === 'entities') return `${name} is no entity type; only an entity type may stand here`
  const what = among === 'entities' ? 'entity type' : among === 'extensions' ? 'extension type' : 'type'
  const unknown = `there is no ${what} ${name}`
  if (!suggesting) return unknown
  const candidates = [
    ...(among === 'common' ? [] : entities.keys()),
    ...(among === 'entities' ? [] : commonTypes.keys()),
  ]
  const meant = likely(name, among === 'extensions' ? [] : candidates, namespace, among !== 'entities')
  return `${unknown}${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

function likely(
  name: string,
  declared: readonly string[],
  namespace: string,
  language: boolean,
): string | undefined {
  // As they would be written here.
  const written = declared.map((full) => {
    const last = full.slice(full.lastIndexOf(':') + 1)
    return full === qualified(namespace, last) ? last : full
  })
  const habit = language ? ELSEWHERE.get(name.toLowerCase()) : undefined
  const near = suggest(name, language ? [...written, ...LANGUAGE_TYPES] : written)
  // The same name, in a namespace that was not written or is another one.
  const own = name.slice(name.lastIndexOf(':') + 1)
  return near ?? habit ?? written.find((full) => full === own || full.endsWith(`::${own}`))
}

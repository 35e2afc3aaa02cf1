/** Placeholders in the texts of a grant: where they are, and how they are replaced. */
import { suggest } from '@tollgate/cedar'
import { isObject, type JsonObject } from '../../model/message.ts'
import {
  key,
  type Parameters,
  PURPOSE,
  type Template,
  type TemplateFault,
  type Value,
  value,
} from './template.ts'

const PLACEHOLDER = /\{\{\s*([^{}\s]*)\s*\}\}/g
/** A text that is nothing else. */
const ALONE = new RegExp(`^${PLACEHOLDER.source}$`)

interface Placeholders {
  readonly path: readonly PropertyKey[]
  readonly at: 'key' | 'value'
  readonly names: readonly string[]
  /** What is left of the text without them. */
  readonly rest: string
}

/** Every text of the grant that has placeholders, or looks as if it had. */
export function placeholdersIn(
  node: unknown,
  path: readonly PropertyKey[] = ['grant'],
  at: 'key' | 'value' = 'value',
): Placeholders[] {
  if (typeof node === 'string') {
    const names = [...node.matchAll(PLACEHOLDER)].map(([, name = '']) => name)
    const rest = node.replaceAll(PLACEHOLDER, '')
    return names.length === 0 && !/\{\{|\}\}/.test(rest) ? [] : [{ path, at, names, rest }]
  }
  if (Array.isArray(node)) return node.flatMap((each, index) => placeholdersIn(each, [...path, index]))
  if (!isObject(node)) return []
  return Object.entries(node).flatMap(([name, member]) => [
    ...placeholdersIn(name, [...path, name], 'key'),
    ...placeholdersIn(member, [...path, name]),
  ])
}

/** Placeholders that mean nothing, and parameters that nothing is made of. */
export function placeholderFaults({ parameters, grant }: Template): TemplateFault[] {
  const faults: TemplateFault[] = []
  const used = new Set<string>()
  for (const { path, at, names, rest } of placeholdersIn(grant)) {
    if (at === 'key') {
      faults.push(key(path, 'has a placeholder in a key; they stand in values only'))
      continue
    }
    if (/\{\{|\}\}/.test(rest)) faults.push(value(path, 'has "{{" that is no placeholder such as {{repo}}'))
    for (const name of names) {
      used.add(name)
      if (name === PURPOSE || Object.hasOwn(parameters, name)) continue
      const meant = suggest(name, Object.keys(parameters))
      const mend = meant === undefined ? 'declare it under parameters' : `did you mean ${meant}?`
      faults.push(value(path, `uses a parameter ${name} that does not exist; ${mend}`))
    }
  }
  for (const name of Object.keys(parameters)) {
    if (!used.has(name))
      faults.push(
        key(['parameters', name], `is used nowhere in the grant; write {{${name}}} there or remove it`),
      )
  }
  return faults
}

/** What a member of a grant is, for what is put into it: a pattern takes texts as they are, and is none where it is data. */
type Kind = 'grant' | 'tools' | 'names' | 'schema' | 'pattern' | 'hosts' | 'data'

/** JSON Schema keywords that hold data, and those that hold schemas by names of one's own. */
const DATA = new Set(['const', 'enum', 'default', 'examples'])
const NAMES = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'])

function kindOf(member: string, within: Kind): Kind {
  switch (within) {
    case 'grant':
      return member === 'tools' ? 'tools' : 'data'
    case 'tools':
      return 'names'
    case 'names':
      return 'schema'
    case 'schema':
      if (DATA.has(member)) return 'data'
      if (NAMES.has(member)) return 'names'
      return member === 'pattern' || member === 'hosts' ? member : 'schema'
    case 'pattern':
    case 'hosts':
    case 'data':
      return within
  }
}

/** The grant with every placeholder replaced by its value. */
export function fillPlaceholders(
  grant: JsonObject,
  values: ReadonlyMap<string, Value>,
  parameters: Parameters,
): JsonObject {
  return fill(grant, 'grant') as JsonObject

  function fill(node: unknown, kind: Kind): unknown {
    if (typeof node === 'string') return fillText(node, kind)
    if (Array.isArray(node)) return node.map((each) => fill(each, kind))
    if (!isObject(node)) return node
    return Object.fromEntries(
      Object.entries(node).map(([member, each]) => [member, fill(each, kindOf(member, kind))]),
    )
  }

  function fillText(text: string, kind: Kind): unknown {
    const isPattern = kind === 'pattern'
    const [whole, only = ''] = ALONE.exec(text) ?? []
    const alone = whole === undefined ? undefined : values.get(only)
    if (typeof alone === 'number' && !isPattern) return alone
    return text.replaceAll(PLACEHOLDER, (found: string, name: string, at: number) => {
      const given = String(values.get(name) ?? '')
      // The root followed by more would begin with two slashes.
      const isRoot = given === '/' && parameters[name]?.type === 'path' && text[at + found.length] === '/'
      const put = isRoot ? '' : given
      if (isPattern) return literally(put)
      // All subdomains are the template's to name: in a part of a host a star is no name, and what is made of it none.
      return kind === 'hosts' && alone === undefined ? put.replaceAll('*', '%2A') : put
    })
  }
}

/** A pattern that matches this text and nothing else, inside brackets too (RE2 and ECMAScript read it alike). */
function literally(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replaceAll('-', '\\x2d')
}

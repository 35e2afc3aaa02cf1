/** The keywords of constraints: those of JSON Schema 2020-12 that assert something, and four of our own. */
import { suggest } from '@tollgate/cedar'

/** Where a keyword holds further schemas. */
export const HOLDS_ONE = [
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]
export const HOLDS_LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
export const HOLDS_MAP = ['dependentSchemas', 'patternProperties', 'properties']

/** Keywords of ours; a narrowed schema tells of them in words. */
export const OWN = ['within', 'hosts', 'tables']

/** A keyword of one type says nothing of values of others; here each also asks for its type. Ours do so themselves. */
export const ABOUT: Readonly<Record<'string' | 'number' | 'array' | 'object', readonly string[]>> = {
  string: ['minLength', 'maxLength', 'pattern'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  array: [
    'items',
    'prefixItems',
    'contains',
    'minContains',
    'maxContains',
    'minItems',
    'maxItems',
    'uniqueItems',
    'unevaluatedItems',
  ],
  object: [
    'properties',
    'patternProperties',
    'additionalProperties',
    'propertyNames',
    'required',
    'minProperties',
    'maxProperties',
    'dependentRequired',
    'dependentSchemas',
    'unevaluatedProperties',
  ],
}

const ANNOTATIONS = [
  '$comment',
  'default',
  'deprecated',
  'description',
  'examples',
  'readOnly',
  'title',
  'writeOnly',
]
const KNOWN = new Set([
  ...Object.values(ABOUT).flat(),
  ...HOLDS_ONE,
  ...HOLDS_LIST,
  ...ANNOTATIONS,
  ...OWN,
  ...['$defs', '$ref', 'const', 'enum', 'flow', 'type'],
])

/** What is known of words that stand where keywords do, and are none. */
const NOT_ONES: Readonly<Record<string, string>> = {
  format: 'checks nothing that can be relied on; say it with pattern',
  nullable: 'is not JSON Schema; write type: [string, "null"]',
  definitions: 'is called $defs',
  dependencies: 'is called dependentRequired or dependentSchemas',
  additionalItems: 'is called items, beside prefixItems',
  contentEncoding: 'checks nothing; say it with pattern',
  contentMediaType: 'checks nothing; say it with pattern',
  contentSchema: 'checks nothing; say it with pattern',
  regex: 'is called pattern',
  path: 'is called within',
  paths: 'is called within',
  host: 'is called hosts',
  table: 'is called tables',
}

/** Why a word is not a keyword; undefined when it is one. */
export function keywordFault(word: string): string | undefined {
  if (KNOWN.has(word)) return undefined
  const known = Object.hasOwn(NOT_ONES, word) ? NOT_ONES[word] : undefined
  if (known !== undefined) return `the keyword ${word} ${known}`
  if (/^\$(id|anchor|dynamic|recursive|schema|vocabulary)/.test(word))
    return `the keyword ${word} is not for constraints: each is a schema of its own, of JSON Schema 2020-12`
  const meant = suggest(word, KNOWN)
  const mend = meant === undefined ? '' : `; did you mean ${meant}?`
  return `${JSON.stringify(word.slice(0, 80))} is not a keyword of JSON Schema, within, hosts, tables or flow${mend}`
}

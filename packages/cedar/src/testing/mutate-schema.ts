// For tests: schemas that are nearly right.

import { tokenize } from '../text/tokens.ts'
import { ANY_TOKENS, mutate } from './mutate.ts'
import { mutateJson } from './mutate-json.ts'
import type { Random } from './random.ts'

const WORDS =
  'entity action type namespace in tags enum appliesTo principal resource context attributes Set Bool Boolean Long String Record ipaddr Action N Shop __cedar true 1'.split(
    ' ',
  )
const POOL = [...ANY_TOKENS, ...WORDS]
const JSON_POOL = {
  names: ['type', 'name', 'element', 'attributes', 'required', 'memberOf', 'tags', 'enum', 'N::M', 'x', 'in'],
  strings: [
    '',
    'String',
    'Bool',
    'Boolean',
    'Set',
    'Entity',
    'User',
    'N::User',
    'Action',
    '__cedar::Long',
    'a b',
    'in',
  ],
  values: [
    null,
    true,
    1,
    'Long',
    [],
    {},
    ['User'],
    [{ id: 'read' }],
    { type: 'Long' },
    { type: 'Record', attributes: {} },
    { type: 'Entity', name: 'User' },
    { type: 'Record', attributes: {}, additionalAttributes: true },
    { annotations: { a: null } },
    { principalTypes: [], resourceTypes: [] },
  ],
}

/** A schema in the human-readable syntax with some of its words replaced. */
export function mutateSchema(random: Random, text: string): string {
  return random.chance(0.5) ? exchange(random, text) : mutate(random, text, POOL)
}

/** A schema in JSON with one place in it changed. */
export function mutateSchemaJson(random: Random, value: unknown): unknown {
  return mutateJson(random, value, JSON_POOL)
}

/** The text with one name in it replaced by another. */
function exchange(random: Random, text: string): string {
  const names = tokenize(text).filter(({ kind }) => kind === 'identifier' || kind === 'string')
  const { at, text: name } = random.pick(names)
  return `${text.slice(0, at)}${random.pick(names).text}${text.slice(at + name.length)}`
}

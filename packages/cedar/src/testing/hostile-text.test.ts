// Every function that reads a text answers any text at all, with what it read or with errors that have a place in it.

import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { compile } from '../compile/compile.ts'
import { policyTestsFromJson } from '../corpus/policy-tests.ts'
import { decide } from '../decide/decide.ts'
import { contextFromJson } from '../json/context-json.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import { policyFromJson } from '../json/est-read.ts'
import { policyToJson } from '../json/est-write.ts'
import { linkAll, policySetFromJson } from '../json/policy-set-json.ts'
import type { Result } from '../policy/result.ts'
import type { Policy } from '../policy/syntax.ts'
import { format } from '../print/format.ts'
import { policyToText } from '../print/policy.ts'
import { readSchema } from '../schema/read-schema.ts'
import { entityFromText } from '../text/entity-text.ts'
import { parsePolicies } from '../text/parse.ts'
import { reference } from '../values/entity.ts'
import { mutate } from './mutate.ts'
import { mutateJson } from './mutate-json.ts'
import { mutateSchema, mutateSchemaJson } from './mutate-schema.ts'
import { randomCase } from './random-case.ts'
import { Random } from './random.ts'
import { randomPolicy } from './random-policy.ts'
import { randomSchema } from './random-schema.ts'

const SCHEMA = readSchema(
  'entity U in U { a?: Set<{ b?: decimal }> } tags String; action r appliesTo { principal: U, resource: U, context: { a?: U } };',
)
if (!SCHEMA.ok) throw new Error(JSON.stringify(SCHEMA.errors))
const schema = SCHEMA.value
const action = reference('Action', 'r')

type Readers = Readonly<Record<string, (text: string) => Result<unknown>>>

const POLICY_READERS: Readers = {
  parsePolicies: (text) => withPolicies(parsePolicies(text)),
  format: (text) => format(text),
}
const JSON_READERS: Readers = {
  policyFromJson: (text) => withPolicy(policyFromJson(text, 'p')),
  policySetFromJson(text) {
    const parts = policySetFromJson(text)
    return withPolicies(parts.ok ? linkAll(parts.value) : parts)
  },
  entitiesFromJson: (text) => entitiesFromJson(text),
  'entitiesFromJson with a schema': (text) => entitiesFromJson(text, { schema }),
  contextFromJson: (text) => contextFromJson(text),
  'contextFromJson with a schema': (text) => contextFromJson(text, { schema, action }),
  readSchema: (text) => readSchema(text),
  policyTestsFromJson: (text) => policyTestsFromJson(text),
}
const READERS: Readers = {
  ...POLICY_READERS,
  ...JSON_READERS,
  entityFromText: (text) => entityFromText(text),
}

/** What was accepted must also do for all that comes after. */
function withPolicies(read: Result<readonly Policy[]>): Result<unknown> {
  const policies = read.ok ? read.value.filter(({ slots }) => slots.length === 0) : []
  for (const policy of policies) {
    policyToJson(policy)
    policyToText(policy)
  }
  const set = compile(policies)
  const who = reference('User', 'x')
  if (set.ok) decide(set.value, { principal: who, action: who, resource: who, context: {} })
  return read
}

function withPolicy(read: Result<Policy>): Result<unknown> {
  return withPolicies(read.ok ? { ok: true, value: [read.value] } : read)
}

/** Hands the text to the readers. Gives how many took it. */
function answers(text: string, readers = READERS): number {
  let taken = 0
  const lines = text.split('\n')
  for (const [name, read] of Object.entries(readers)) {
    const result = read(text)
    if (result.ok) {
      taken++
      continue
    }
    if (result.errors.length === 0) throw new Error(`${name} refused without a reason`)
    for (const { line, column, message } of result.errors) {
      // Not `expect`, which is slow.
      const isWithin = line >= 1 && column >= 1 && column <= (lines[line - 1]?.length ?? -1) + 1
      if (!isWithin || message === '') throw new Error(`${name}: ${line}:${column}: ${message}`)
    }
  }
  return taken
}

const WHEN = 'permit (principal, action, resource) when { '
const POLICY = `${WHEN}context.a["b"].c(1, -2) + (3 * ip("x")) in [User::"x\\u{41}", {a: 1, "b": if true then 1 else 2}]
  && principal has a.b || resource like "a\\*b*" && !(action is A::B in C::"d") // end
} unless { true };`
const POLICY_JSON = `{"effect": "permit", "principal": {"op": "in", "entity": {"type": "U", "id": "x"}}, "action": {"op": "All"},
  "resource": {"op": "is", "entity_type": "A::B"}, "annotations": {"id": "a\\u00e9"}, "conditions": [{"kind": "when",
  "body": {"==": {"left": {".": {"left": {"Var": "context"}, "attr": "a"}}, "right": {"Value": [-1, {"a": true}]}}}}]}`
const SET_JSON = `{"staticPolicies": {"a": "permit (principal, action, resource);", "b": ${POLICY_JSON}}, "templates":
  {"t": "permit (principal == ?principal, action, resource);"}, "templateLinks": [{"templateId": "t", "newId": "l",
  "values": {"?principal": {"type": "U", "id": "x"}}}]}`
const ENTITIES_JSON = `[{"uid": {"type": "U", "id": "x"}, "attrs": {"a": [{"b": {"__extn": {"fn": "decimal", "arg": "1.0"}}}]},
  "parents": [{"__entity": {"type": "U", "id": "y"}}], "tags": {"t": "\\ud83d\\ude00"}}]`
const SCHEMA_TEXT = `namespace N { @doc("x") entity U, V in [U] = { a?: Set<Long>, "b": { c: __cedar::String } } tags ipaddr;
  entity E enum ["x", "y"]; type T = { x: U }; action "r", w in [all] appliesTo { principal: U, resource: [V], context: T }; action all; }`
const SCHEMA_JSON = `{"N": {"commonTypes": {"T": {"type": "Record", "attributes": {"a": {"type": "Long", "required": false}}}},
  "entityTypes": {"U": {"memberOfTypes": ["U"], "shape": {"type": "T"}, "tags": {"type": "Set", "element": {"type": "String"}}}},
  "actions": {"r": {"memberOf": [{"id": "all"}], "appliesTo": {"principalTypes": ["U"], "resourceTypes": ["U"], "context": {"type": "T"}}}, "all": {}}}}`
const SAMPLES = [POLICY, POLICY_JSON, SET_JSON, ENTITIES_JSON, SCHEMA_TEXT, SCHEMA_JSON]

describe('every reader answers', () => {
  it('the samples, each of which some reader takes', () => {
    for (const sample of SAMPLES.slice(1)) expect(answers(sample), sample).toBeGreaterThan(0)
    expect(answers('{"a": {"__entity": {"type": "U", "id": "x"}}}')).toBeGreaterThan(1)
  })

  it('any text, also when it is no Unicode', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all).toString('latin1'))
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 })
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => void answers(text)))
    fc.assert(fc.property(bytes, (text) => void answers(text)))
    fc.assert(fc.property(units, (codes) => void answers(String.fromCharCode(...codes))))
    fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), (text) => void answers(text)))
  })

  it('texts that stop anywhere or begin anywhere', () => {
    for (const sample of SAMPLES) {
      for (let at = 0; at < sample.length; at += 2) {
        answers(sample.slice(0, at))
        answers(sample.slice(at))
      }
    }
  })

  it('texts that have any character in any place', () => {
    const characters = ['"', '\\', '{', '}', '\0', '\ud800', '\n', '//', '9'.repeat(30), '::', '😀']
    const random = new Random(1)
    for (const sample of SAMPLES) {
      for (let at = 0; at < sample.length; at += 1 + random.below(4)) {
        answers(sample.slice(0, at) + random.pick(characters) + sample.slice(at + random.below(3)))
      }
    }
  })

  it('what is nearly right', () => {
    for (let seed = 0; seed < 150; seed++) {
      const random = new Random(seed)
      const { policies, entities } = randomCase(seed, { requests: 0, schema: false })
      const { text, json } = randomSchema(random)
      answers(mutate(random, randomPolicy(random)))
      answers(mutateSchema(random, text))
      answers(JSON.stringify(mutateSchemaJson(random, JSON.parse(json))))
      answers(JSON.stringify(mutateJson(random, policies)))
      answers(JSON.stringify(mutateJson(random, entities)))
    }
  })
})

describe('every reader answers what is enormous:', () => {
  const MANY = 100_000
  const MEGABYTE = 1_000_000
  const conditions: Readonly<Record<string, string>> = {
    '1 MB of (': '('.repeat(MEGABYTE),
    '1 MB of [': '['.repeat(MEGABYTE),
    '1 MB of {': '{'.repeat(MEGABYTE),
    '100,000 !': `${'!'.repeat(MANY)}true`,
    '100,000 -': `${'-'.repeat(MANY)}1`,
    '100,000 ! with spaces and parentheses': '!('.repeat(MANY),
    '100,000 &&': `true${' && true'.repeat(MANY)} };`,
    '20,000 ||': `true${' || true'.repeat(MANY / 5)} };`,
    '100,000 && without operands': '&&'.repeat(MANY),
    '100,000 +': `1${' + 1'.repeat(MANY)} };`,
    '100,000 ==': `1${' == 1'.repeat(MANY)} };`,
    '100,000 if': 'if '.repeat(MANY),
    '100,000 else if': 'if true then 1 else '.repeat(MANY),
    '100,000 attributes': `context${'.a'.repeat(MANY)} };`,
    '100,000 attributes in brackets': `context${'["a"]'.repeat(MANY)} };`,
    '100,000 calls': `context${'.isEmpty()'.repeat(MANY)} };`,
    'a path of 100,000 names': `context has a${'.a'.repeat(MANY)} };`,
    'a type of 100,000 names': `principal is A${'::A'.repeat(MANY)} };`,
    'a set of 20,000': `[${'1,'.repeat(MANY / 5)}].contains(1) };`,
    'a record of 20,000 names': `{${Array.from({ length: MANY / 5 }, (_, index) => `a${index}: 1`).join()}} == {} };`,
    'a record of one name 100,000 times': `{${'a: 1,'.repeat(MANY)}} == {} };`,
    'a number of 1 MB': `${'9'.repeat(MEGABYTE)} };`,
    'a number that begins with 1 MB of zeros': `${'0'.repeat(MEGABYTE)}1 == 1 };`,
    'a string of 1 MB': `"${'a'.repeat(MEGABYTE)}" == "" };`,
    'a string that does not end': `"${'\\"'.repeat(MEGABYTE / 2)}`,
    'a string of escapes': `"${'\\u{41}'.repeat(MANY)}" == "" };`,
    'a pattern of 100,000 stars': `"a" like "${'*a'.repeat(MANY)}" };`,
    'a decimal of 1 MB': `decimal("${'1'.repeat(MEGABYTE)}.0") == 1 };`,
    'an address of 1 MB': `ip("${':'.repeat(MEGABYTE)}") == 1 };`,
    'a duration of 1 MB': `duration("${'1'.repeat(MEGABYTE)}d") == 1 };`,
    'a datetime of 1 MB': `datetime("${'1'.repeat(MEGABYTE)}") == 1 };`,
  }

  test.each(Object.entries(conditions))('%s', (_, condition) => {
    answers(WHEN + condition, POLICY_READERS)
  })

  const deep = (open: string, middle: string, close: string): string =>
    open.repeat(MANY / 8) + middle + close.repeat(MANY / 8)
  const wholes: Readonly<Record<string, string>> = {
    '2,000 policies': 'permit (principal, action, resource);'.repeat(MANY / 50),
    '2,000 policies with a mistake': 'permit (principal, action resource);'.repeat(MANY / 50),
    '100,000 annotations': '@a'.repeat(MANY),
    '1 MB of spaces': ' '.repeat(MEGABYTE),
    '1 MB of line breaks': '\n'.repeat(MEGABYTE),
    'a comment of 1 MB': `//${'/'.repeat(MEGABYTE)}`,
    'a name of 1 MB': 'a'.repeat(MEGABYTE),
    '1 MB of zeros': '\0'.repeat(MEGABYTE),
    'arrays in JSON that do not end': '['.repeat(MANY),
    'arrays in JSON': deep('[', '', ']'),
    'objects in JSON': deep('{"a":', '1', '}'),
    'values in a context': `{"a": ${deep('[', '', ']')}}`,
    'records in a context': `{"a": ${deep('{"a":', '1', '}')}}`,
    'calls in a context': `{"a": ${deep('{"__extn": {"fn": "datetime", "args": [', '', ']}}')}}`,
    'values in entities': `[{"uid": {"type": "U", "id": "x"}, "parents": [], "attrs": {"a": ${deep('[', '', ']')}}}]`,
    'a number of 1 MB in JSON': `{"a": ${'9'.repeat(MEGABYTE)}}`,
    'a string of 1 MB in JSON': `{"a": "${'\\n'.repeat(MEGABYTE / 2)}"}`,
    'a policy in JSON': `{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
      "conditions": [{"kind": "when", "body": ${deep('{"!": {"arg": ', '{"Value": true}', '}}')}}]}`,
    'a chain in a policy in JSON': `{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
      "conditions": [{"kind": "when", "body": ${deep('{"&&": {"left": ', '{"Value": true}', ', "right": {"Value": true}}}')}}]}`,
    'a path in a policy in JSON': `{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
      "conditions": [{"kind": "when", "body": {"has": {"left": {"Var": "context"}, "attr": [${'"a",'.repeat(MANY / 5)}"a"]}}}]}`,
    'a literal in a policy in JSON': `{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
      "conditions": [{"kind": "when", "body": {"Value": ${deep('[', '', ']')}}}]}`,
    'sets in a schema': `type T = ${deep('Set<', 'Long', '>')};`,
    'records in a schema': `type T = ${deep('{ a: ', 'Long', ' }')};`,
    'sets in a schema in JSON': `{"": {"entityTypes": {}, "actions": {}, "commonTypes": {"T": ${deep('{"type": "Set", "element": ', '{"type": "Long"}', '}')}}}}`,
    'common types in a row': Array.from({ length: MANY / 50 }, (_, at) => `type T${at} = T${at + 1};`).join(
      '\n',
    ),
    'entity types in a row': Array.from(
      { length: MANY / 100 },
      (_, at) => `entity T${at} in T${at + 1};`,
    ).join('\n'),
    'namespaces in each other': 'namespace N { '.repeat(MANY),
    'a list of 100,000 entity types': `entity ${'A, '.repeat(MANY)}`,
  }

  test.each(Object.entries(wholes))('%s', (_, text) => {
    answers(text, /^[[{]/.test(text) ? JSON_READERS : READERS)
  })
})

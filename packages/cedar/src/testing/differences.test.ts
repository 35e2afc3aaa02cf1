// Each row of DIFFERENCES.md, shown: what the official package does, and what is done here.

import { readFileSync } from 'node:fs'
import type { Context, Entities, PolicySet, Schema } from '@cedar-policy/cedar-wasm/nodejs'
import { describe, expect, it, test } from 'vitest'
import { CorpusRunner } from '../corpus/corpus.ts'
import { contextFromJson } from '../json/context-json.ts'
import { entitiesFromJson } from '../json/entities-json.ts'
import { policyFromJson } from '../json/est-read.ts'
import { policyToJson } from '../json/est-write.ts'
import { policySetFromJson } from '../json/policy-set-json.ts'
import { readSchema } from '../schema/read-schema.ts'
import { schemaFromJson } from '../schema/schema-json.ts'
import { schemaToText } from '../schema/schema-to-text.ts'
import { parsePolicies } from '../text/parse.ts'
import { plain } from '../values/values.ts'
import type { RecordValue } from '../values/values.ts'
import { integer } from './exact-json.ts'
import { Oracle, loadOfficial } from './official.ts'
import type { Official } from './official.ts'
import type { Json } from './random-world.ts'
import { verdict } from './verdict.ts'

const oracle = new Oracle()
const REQUEST = {
  principal: { type: 'User', id: 'x' },
  action: { type: 'Action', id: 'x' },
  resource: { type: 'File', id: 'x' },
}
const ANY = { principal: { op: 'All' }, action: { op: 'All' }, resource: { op: 'All' } }
const permit = (condition: string): string => `permit (principal, action, resource) when { ${condition} };`
const nested = (depth: number, open: string, middle: string, close: string): string =>
  open.repeat(depth) + middle + close.repeat(depth)

type Outcome = 'taken' | 'refused' | 'thrown' | 'trapped'

/** What the official package does with something. */
function there(question: (official: Official) => { readonly type: string }): Outcome {
  try {
    const type = oracle.ask(question)?.type
    return type === undefined ? 'trapped' : type === 'failure' ? 'refused' : 'taken'
  } catch {
    return 'thrown'
  }
}

function thereDecided(context: unknown, condition: string): string {
  let decision = ''
  const outcome = there((official) => {
    const answer = official.isAuthorized({
      ...REQUEST,
      context: context as Context,
      entities: [],
      policies: { staticPolicies: permit(condition) },
    })
    if (answer.type === 'success') decision = answer.response.decision
    return answer
  })
  return outcome === 'taken' ? decision : outcome
}

const thereSet = (policies: unknown): Outcome =>
  there((official) => official.checkParsePolicySet(policies as PolicySet))
const thereEntities = (entities: unknown): Outcome =>
  there((official) => official.checkParseEntities({ entities: entities as Entities }))
const thereSchema = (schema: unknown): Outcome =>
  there((official) => official.checkParseSchema(schema as Schema))

const hereText = (condition: string): boolean => parsePolicies(permit(condition)).ok
const hereSet = (policies: unknown): boolean => policySetFromJson(JSON.stringify(policies)).ok
const hereEntities = (entities: unknown): boolean => entitiesFromJson(JSON.stringify(entities)).ok
const hereContext = (context: unknown): boolean => contextFromJson(JSON.stringify(context)).ok

/** In a context of plain data: is it there, and can it be compared? */
const plainly = (value: unknown): string[] => {
  const context = plain({ a: value }) as RecordValue
  return [verdict('context has a', context), verdict('context.a == 1', context)]
}
const OPAQUE = ['true', 'error']

const policyJson = (members: object): object => ({ effect: 'permit', ...ANY, conditions: [], ...members })
const both = (policy: object): [Outcome, boolean] => [
  thereSet({ staticPolicies: { p: policy } }),
  policyFromJson(JSON.stringify(policy), 'p').ok,
]
const TAKEN_THERE_ONLY = ['taken', false]

/** By the beginning of the row. */
const SHOWN: Readonly<Record<string, () => void>> = {
  'Integers beyond 2^53 in what a JavaScript program hands over'() {
    // oxlint-disable-next-line no-loss-of-precision
    expect(thereDecided({ a: 9007199254740993 }, 'context.a == 9007199254740992')).toBe('allow')
    expect(thereDecided({ a: 9007199254740993n }, 'true')).toBe('thrown')
    expect(thereDecided({ a: integer(9007199254740993n) }, 'context.a == 9007199254740993')).toBe('allow')
    const read = contextFromJson('{"a": 9007199254740993}')
    expect(read.ok && verdict('context.a == 9007199254740993', read.value)).toBe('true')
    expect(verdict('context.a == 9007199254740993', { a: 9007199254740993n })).toBe('true')
  },
  'Integers beyond 2^53 in what it gives back'() {
    const text = permit('context.a == 9007199254740993')
    expect(JSON.stringify(loadOfficial().policyToJson(text))).toContain('9007199254740992')
    const parsed = parsePolicies(text)
    expect(parsed.ok && policyToJson(parsed.value[0]!)).toContain('9007199254740993')
  },
  'Integers beyond 64 bits'() {
    expect(thereDecided({ a: integer(2n ** 63n) }, 'true')).toBe('refused')
    expect(thereDecided({ a: 2 ** 63 }, 'true')).toBe('refused')
    expect(hereContext({ a: integer(2n ** 63n) })).toBe(false)
    expect(plainly(2n ** 63n)).toEqual(OPAQUE)
    expect(plainly(2 ** 63)).toEqual(OPAQUE)
  },
  '`null`'() {
    expect(thereDecided({ a: null }, 'true')).toBe('refused')
    expect(hereContext({ a: null })).toBe(false)
    expect(plainly(null)).toEqual(OPAQUE)
  },
  'Numbers with a fraction'() {
    expect(thereDecided({ a: 1.5 }, 'true')).toBe('refused')
    expect(hereContext({ a: 1.5 })).toBe(false)
    expect(plainly(1.23456)).toEqual(OPAQUE)
    expect(verdict('context.a == decimal("1.5")', { a: 1.5 })).toBe('true')
  },
  '`{"__entity": …}` and `{"__extn": …}` in a context'() {
    const context = {
      who: { __entity: { type: 'User', id: 'alice' } },
      ip: { __extn: { fn: 'ip', arg: '::1' } },
    }
    const condition = 'context.who == User::"alice" && context.ip.isLoopback()'
    expect(thereDecided(context, condition)).toBe('allow')
    const read = contextFromJson(JSON.stringify(context))
    expect(read.ok && verdict(condition, read.value)).toBe('true')
    expect(verdict('context.who == User::"alice"', plain(context) as RecordValue)).toBe('false')
    expect(verdict('context.ip.isLoopback()', plain(context) as RecordValue)).toBe('error')
  },
  'Half a surrogate pair'() {
    expect(thereDecided({ a: '\ud800' }, 'true')).toBe('thrown')
    expect(thereDecided({}, '"\ud800" == ""')).toBe('thrown')
    expect(hereContext({ a: '\ud800' })).toBe(false)
    expect(hereText('"\ud800" == ""')).toBe(false)
    expect(hereText('"" like "*\udc00"')).toBe(false)
    expect(verdict('context.a == "" || context.a like "*"', { a: '\ud800' })).toBe('true')
  },
  'Values nested more than 125 deep in JSON'() {
    const value = (depth: number): unknown => ({ a: JSON.parse(nested(depth, '[', '', ']')) as unknown })
    expect([thereDecided(value(125), 'true'), hereContext(value(125))]).toEqual(['allow', true])
    expect([thereDecided(value(126), 'true'), hereContext(value(126))]).toEqual(['thrown', true])
    expect([hereContext(value(200)), hereContext(value(201))]).toEqual([true, false])
  },
  'Brackets in a policy nested'() {
    const parentheses = (depth: number): string => nested(depth, '(', 'true', ')')
    expect(thereDecided({}, parentheses(100))).toBe('allow')
    expect(thereDecided({}, parentheses(199))).toBe('trapped')
    expect([hereText(parentheses(199)), hereText(parentheses(201))]).toEqual([true, false])
  },
  'Sums, products and attributes of attributes in a row'() {
    const sum = (terms: number): string => `0${' + 1'.repeat(terms)} == ${terms}`
    expect([thereDecided({}, sum(190)), hereText(sum(190))]).toEqual(['allow', true])
    expect([thereDecided({}, sum(210)), hereText(sum(210))]).toEqual(['allow', false])
    expect([thereDecided({}, sum(500)), hereText(sum(500))]).toEqual(['trapped', false])
    const attributes = (steps: number): string => `context${'.a'.repeat(steps)}`
    expect([thereDecided({}, attributes(210)), hereText(attributes(210))]).toEqual(['deny', false])
    expect([thereDecided({}, attributes(500)), hereText(attributes(500))]).toEqual(['trapped', false])
    const chain = `true${' && true'.repeat(10_000)}${' || true'.repeat(10_000)}`
    expect([thereDecided({}, chain), hereText(chain)]).toEqual(['allow', true])
  },
  'A path of more than 200 names after `has`'() {
    const path = (names: number): string => `context has a${'.a'.repeat(names - 1)}`
    expect([thereDecided({}, path(200)), hereText(path(200))]).toEqual(['deny', true])
    expect([thereDecided({}, path(201)), hereText(path(201))]).toEqual(['deny', false])
  },
  'Expressions in JSON nested more than about 60 deep'() {
    const policy = (depth: number): object => {
      const body = JSON.parse(nested(depth, '{"!": {"arg": ', '{"Value": true}', '}}')) as Json
      return policyJson({ conditions: [{ kind: 'when', body }] })
    }
    expect(both(policy(58))).toEqual(['taken', true])
    expect(both(policy(64))).toEqual(['thrown', true])
    expect(both(policy(201))).toEqual(['thrown', false])
  },
  'Several policies in a list'() {
    const policies = { staticPolicies: [permit('true'), permit('false')] }
    expect([thereSet(policies), hereSet(policies)]).toEqual(['refused', true])
    const read = policySetFromJson(JSON.stringify(policies))
    expect(read.ok && read.value.staticPolicies.map(({ id }) => id)).toEqual(['policy0', 'policy1'])
  },
  'An empty id'() {
    const template = 'permit (principal == ?principal, action, resource);'
    const values = { '?principal': REQUEST.principal }
    const sets = [
      { staticPolicies: { '': permit('true') } },
      { templates: { '': template } },
      { templates: { t: template }, templateLinks: [{ templateId: 't', newId: '', values }] },
    ]
    for (const policies of sets) expect([thereSet(policies), hereSet(policies)]).toEqual(TAKEN_THERE_ONLY)
  },
  "Members that mean nothing in a policy's JSON"() {
    expect(both(policyJson({ principal: { op: 'All', other: 1 } }))).toEqual(TAKEN_THERE_ONLY)
  },
  '`slot` beside `entity`'() {
    const principal = { op: '==', entity: REQUEST.principal, slot: '?principal' }
    expect(both(policyJson({ principal }))).toEqual(TAKEN_THERE_ONLY)
  },
  '`"in": null`'() {
    expect(both(policyJson({ principal: { op: 'is', entity_type: 'User', in: null } }))).toEqual(
      TAKEN_THERE_ONLY,
    )
  },
  'An unknown function'() {
    const body = { Value: { __extn: { fn: 'nothing', arg: '' } } }
    expect(both(policyJson({ conditions: [{ kind: 'when', body }] }))).toEqual(TAKEN_THERE_ONLY)
  },
  "A method in a policy's JSON"() {
    const body = { isInRange: [] }
    expect(both(policyJson({ conditions: [{ kind: 'when', body }] }))).toEqual(TAKEN_THERE_ONLY)
  },
  'An array in place of an object in a set of policies'() {
    expect([thereSet([]), hereSet([])]).toEqual(TAKEN_THERE_ONLY)
  },
  'Several wildcards in a row'() {
    const text = permit('"" like "**"')
    expect(JSON.stringify(loadOfficial().policyToJson(text))).toContain('["Wildcard","Wildcard"]')
    const parsed = parsePolicies(text)
    expect(parsed.ok && policyToJson(parsed.value[0]!)).toContain('["Wildcard"]')
  },
  'An attribute that stands twice'() {
    const text = 'entity U { a: Long, a: String };'
    expect([thereSchema(text), readSchema(text).ok]).toEqual(TAKEN_THERE_ONLY)
  },
  'An array where the JSON form has an object'() {
    const schema = { '': { entityTypes: { User: [] }, actions: {} } }
    expect([thereSchema(schema), readSchema(JSON.stringify(schema)).ok]).toEqual(TAKEN_THERE_ONLY)
  },
  'Types nested more than 200 deep'() {
    const sets = (depth: number): string => `type T = ${nested(depth, 'Set<', 'Long', '>')};`
    const records = (depth: number): string => `type T = ${nested(depth, '{ a: ', 'Long', ' }')};`
    expect([thereSchema(sets(190)), readSchema(sets(190)).ok]).toEqual(['taken', true])
    expect([thereSchema(sets(300)), readSchema(sets(300)).ok]).toEqual(TAKEN_THERE_ONLY)
    expect([thereSchema(records(600)), readSchema(records(600)).ok]).toEqual(['trapped', false])
  },
  'A name that stands twice in an object'() {
    // What is handed over has only one of the two.
    const text = '{"": {"entityTypes": {"U": {}, "U": {}}, "actions": {}}}'
    expect([thereSchema(JSON.parse(text)), readSchema(text).ok]).toEqual(TAKEN_THERE_ONLY)
  },
  'Writing as text a JSON schema'() {
    const record = { type: 'Record', attributes: { a: { type: 'Long' } } }
    const shape = { type: 'T' }
    const named = { N: { commonTypes: { T: record }, entityTypes: { U: { shape } }, actions: {} } }
    const twice = { N: { commonTypes: { T: record }, entityTypes: { T: {} }, actions: {} } }
    for (const schema of [named, twice]) {
      expect(there((official) => official.schemaToText(schema as Schema))).toBe('refused')
      const read = schemaFromJson(JSON.stringify(schema))
      const text = read.ok ? schemaToText(read.value) : read
      expect(text.ok && thereSchema(text.value)).toBe('taken')
    }
  },
  'Members that mean nothing, in an entity'() {
    const entity = { uid: REQUEST.principal, attrs: {}, parents: [] }
    for (const odd of [
      { ...entity, other: 1 },
      { ...entity, uid: { ...REQUEST.principal, other: 1 } },
      { ...entity, attrs: { a: { __extn: { fn: 'ip', arg: '::1', other: 1 } } } },
    ])
      expect([thereEntities([odd]), hereEntities([odd])]).toEqual(TAKEN_THERE_ONLY)
  },
  'A malformed escape'() {
    const values = [
      { __entity: 1 },
      { __entity: { type: 1, id: 'x' } },
      { __extn: {} },
      { __extn: { fn: 1 } },
    ]
    for (const value of values) {
      expect(thereDecided({ a: value }, 'context.a has __entity || context.a has __extn')).toBe('allow')
      expect(hereContext({ a: value })).toBe(false)
    }
  },
  'The same entity twice'() {
    const entity = { uid: REQUEST.principal, attrs: {}, parents: [] }
    expect([thereEntities([entity, entity]), hereEntities([entity, entity])]).toEqual(TAKEN_THERE_ONLY)
    const other = { ...entity, attrs: { a: 1 } }
    expect([thereEntities([entity, other]), hereEntities([entity, other])]).toEqual(['refused', false])
  },
  'What is of no use at all'() {
    const instance = loadOfficial()
    const policies = permit('true')
    const takes = (given: unknown): string => {
      try {
        return instance.checkParsePolicySet(given as PolicySet).type
      } catch (error) {
        return error instanceof Error ? error.name : ''
      }
    }
    expect([takes(policies), takes({ staticPolicies: policies })]).toEqual(['Error', 'success'])
    for (let times = 0; times < 5000; times++) takes(policies)
    expect(takes({ staticPolicies: policies })).toBe('RuntimeError')
    for (let times = 0; times < 5000; times++) expect(hereSet(policies)).toBe(false)
  },
  '`principal` or `resource` left out'() {
    const { principal: _, ...request } = REQUEST
    const call = { ...request, context: {}, entities: [], policies: { staticPolicies: permit('true') } }
    expect(there((official) => official.isAuthorized(call as never))).toBe('thrown')
    const files: Record<string, string> = { 'p.cedar': permit('true'), 'e.json': '[]' }
    const asked = {
      ...request,
      description: '',
      context: {},
      decision: 'allow',
      reason: ['policy0'],
      errors: [],
    }
    const tests = JSON.stringify({ policies: 'p.cedar', entities: 'e.json', requests: [asked] })
    expect(new CorpusRunner((path) => files[path]).run(tests, 't.json')).toMatchObject({ passed: 1 })
  },
}

const ROWS = readFileSync(new URL('DIFFERENCES.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| What |'))
  .map((line) => line.slice(2, line.indexOf(' |')))

describe('what is different from the official package', () => {
  test.each(ROWS)('%s', (row) => {
    const shown = Object.entries(SHOWN).filter(([beginning]) => row.startsWith(beginning))
    expect(shown).toHaveLength(1)
    shown[0]?.[1]()
  })

  it('is all in the list', () => {
    const listed = Object.keys(SHOWN).filter((beginning) => ROWS.some((row) => row.startsWith(beginning)))
    expect(listed).toEqual(Object.keys(SHOWN))
  })
})

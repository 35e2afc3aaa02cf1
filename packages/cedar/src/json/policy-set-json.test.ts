import type * as cedarWasm from '@cedar-policy/cedar-wasm'
import { describe, expect, it, test } from 'vitest'
import { compile } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import { linkAll, policySetFromJson, policySetToJson } from './policy-set-json.ts'
import { loadOfficial } from '../testing/official.ts'
import { request } from '../testing/verdict.ts'

const official = loadOfficial()

const ANY = { principal: { op: 'All' }, action: { op: 'All' }, resource: { op: 'All' } }
const POLICY = { effect: 'permit', ...ANY, conditions: [] }
const TEMPLATE = { ...POLICY, principal: { op: '==', slot: '?principal' } }
const BOTH = { ...TEMPLATE, resource: { op: 'is', entity_type: 'File', in: { slot: '?resource' } } }
const ALICE = { type: 'User', id: 'alice' }
const LINK = { templateId: 't', newId: 'x', values: { '?principal': ALICE } }
const TEXT = '@id("other") permit (principal, action, resource);'

describe('a set of policies in JSON', () => {
  test.each<readonly [title: string, set: object, agreed: boolean]>([
    ['nothing', {}, true],
    ['policies by id, as JSON and as text', { staticPolicies: { a: POLICY, b: TEXT } }, true],
    ['a list of policies', { staticPolicies: [POLICY, TEXT] }, true],
    ['one text', { staticPolicies: `${TEXT} ${TEXT}` }, true],
    ['a template that nobody links', { templates: { t: TEMPLATE } }, true],
    ['a link', { templates: { t: TEMPLATE }, templateLinks: [LINK] }, true],
    [
      'an escaped entity in a link',
      {
        templates: { t: TEMPLATE },
        templateLinks: [{ ...LINK, values: { '?principal': { __entity: ALICE } } }],
      },
      true,
    ],
    [
      'a template as text',
      { templates: { t: 'permit (principal == ?principal, action, resource);' }, templateLinks: [LINK] },
      true,
    ],
    ['two policies under one id', { staticPolicies: { a: `${TEXT} ${TEXT}` } }, false],
    ['no policy under an id', { staticPolicies: { a: '' } }, false],
    ['a template among the policies', { staticPolicies: { a: TEMPLATE } }, false],
    ['a policy among the templates', { templates: { a: POLICY } }, false],
    ['a slot without a value', { templates: { t: BOTH }, templateLinks: [LINK] }, false],
    [
      'a value without a slot',
      {
        templates: { t: TEMPLATE },
        templateLinks: [{ ...LINK, values: { '?principal': ALICE, '?resource': ALICE } }],
      },
      false,
    ],
    ['a link to nothing', { templateLinks: [LINK] }, false],
    [
      'a link with the id of a policy',
      { staticPolicies: { x: POLICY }, templates: { t: TEMPLATE }, templateLinks: [LINK] },
      false,
    ],
    [
      'a link with the id of its template',
      { templates: { t: TEMPLATE }, templateLinks: [{ ...LINK, newId: 't' }] },
      false,
    ],
    [
      'one id for a policy and a template',
      { staticPolicies: { t: POLICY }, templates: { t: TEMPLATE } },
      false,
    ],
  ])('%s: as the official engine says', (_, set, agreed) => {
    expect(policySetFromJson(JSON.stringify(set)).ok).toBe(agreed)
    expect(official.checkParsePolicySet(set as cedarWasm.PolicySet).type === 'success').toBe(agreed)
  })

  it('names policies by their member, and makes one of each link', () => {
    const set = { staticPolicies: { a: TEXT }, templates: { t: TEMPLATE }, templateLinks: [LINK] }
    const read = policySetFromJson(JSON.stringify(set))
    if (!read.ok) throw new Error(JSON.stringify(read.errors))
    const linked = linkAll(read.value)
    const compiled = linked.ok ? compile(linked.value) : linked
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
    expect(decide(compiled.value, request()).determining).toEqual(['a', 'x'])
    const written = policySetToJson(read.value)
    const again = policySetFromJson(written)
    expect(again.ok && policySetToJson(again.value)).toBe(written)
    expect(JSON.parse(written)).toEqual({
      staticPolicies: { a: { ...POLICY, annotations: { id: 'other' } } },
      templates: { t: TEMPLATE },
      templateLinks: [LINK],
    })
    expect(official.checkParsePolicySet(JSON.parse(written) as cedarWasm.PolicySet).type).toBe('success')
  })

  it('reports every policy that is wrong, at its place', () => {
    const json = `{"staticPolicies": {
  "a": {"effect": "allow"},
  "b": "permit (principal, action);",
  "c": ${JSON.stringify(POLICY)},
  "": ${JSON.stringify(POLICY)}
}}`
    const read = policySetFromJson(json, { file: 'p.json' })
    expect(read.ok ? [] : read.errors).toEqual([
      { message: 'a policy needs "principal"', file: 'p.json', line: 2, column: 8 },
      { message: expect.stringContaining('expected ,') as string, file: 'p.json#b', line: 1, column: 26 },
      { message: 'an id must not be empty', file: 'p.json', line: 5, column: 7 },
    ])
  })

  it('says which template a link has in mind', () => {
    const templateLinks = [{ templateId: 'gone', newId: 'x', values: {} }]
    const linked = linkAll({ staticPolicies: [], templates: [], templateLinks })
    expect(linked.ok ? '' : linked.errors[0]?.message).toBe('there is no template "gone" for the link "x"')
  })
})

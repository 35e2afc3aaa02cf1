import { describe, expect, it } from 'vitest'
import { policyFromJson } from '../json/est-read.ts'
import { policyToJson } from '../json/est-write.ts'
import { policySetFromJson } from '../json/policy-set-json.ts'
import type { Policy } from '../policy/syntax.ts'
import { loadOfficial } from '../testing/official.ts'
import { randomExpression } from '../testing/random-expression.ts'
import { Random } from '../testing/random.ts'
import { randomPolicy, randomTemplate } from '../testing/random-policy.ts'
import { parsePolicies } from '../text/parse.ts'
import { format } from './format.ts'
import { policiesToText, policyToText } from './policy.ts'

const official = loadOfficial()

const CASES = Number(process.env['CEDAR_CASES'] ?? 500)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const TIMEOUT_MS = 30 * CASES + 60_000

function parse(text: string): Policy[] {
  const parsed = parsePolicies(text)
  if (!parsed.ok) throw new Error(`${JSON.stringify(parsed.errors)}\n${text}`)
  return parsed.value
}

function one(text: string): Policy {
  const [policy, ...more] = parse(text)
  if (policy === undefined || more.length > 0) throw new Error(text)
  return policy
}

function fromJson(json: string): Policy {
  const policy = policyFromJson(json, 'p')
  if (!policy.ok) throw new Error(`${JSON.stringify(policy.errors)}\n${json}`)
  return policy.value
}

/** Random policies and templates with annotations, and conditions in which every form stands in every place. */
function randomText(random: Random): string {
  if (random.chance(0.3)) return `@id("a\\"b") @if @note("\\u{202e}\\n") ${randomTemplate(random)}`
  if (random.chance(0.5)) return randomPolicy(random)
  const policy = one('forbid (principal, action in [], resource) unless { true };')
  const expression = randomExpression(random, 4)
  return policyToText({ ...policy, conditions: [{ kind: 'unless', expression }] })
}

describe('a policy as text', () => {
  it(`is read back as the same policy, from text and from JSON, ${CASES} times`, {
    timeout: TIMEOUT_MS,
  }, () => {
    for (let index = 0; index < CASES; index++) {
      const policy = one(randomText(new Random(SEED * 37_000_003 + index)))
      const json = policyToJson(policy)
      const text = policyToText(policy)
      expect(policyToJson(one(text)), text).toBe(json)
      expect(policyToText(fromJson(json)), text).toBe(text)
      expect(format(text)).toEqual({ ok: true, value: text })
    }
  })

  it(`is read by the official engine as the same policy, ${CASES} times`, { timeout: TIMEOUT_MS }, () => {
    for (let index = 0; index < CASES; index++) {
      const policy = one(randomText(new Random(SEED * 41_000_003 + index)))
      const text = policyToText(policy)
      const answer = policy.slots.length > 0 ? official.templateToJson(text) : official.policyToJson(text)
      if (answer.type === 'failure') throw new Error(`${JSON.stringify(answer.errors)}\n${text}`)
      // An annotation without a value is null there.
      const theirs = JSON.stringify(answer.json).replaceAll(/"(\w+)":null/g, '"$1":""')
      expect(comparable(theirs), text).toEqual(comparable(policyToJson(policy)))
    }
  })

  it('is laid out as the formatter does it', () => {
    const json = `{
      "effect": "forbid",
      "principal": { "op": "is", "entity_type": "NS::User", "in": { "slot": "?principal" } },
      "action": { "op": "in", "entities": [
        { "type": "Action", "id": "read" }, { "type": "Action", "id": "say \\"hi\\"" } ] },
      "resource": { "op": "==", "entity": { "type": "File", "id": "a\\nb" } },
      "conditions": [
        { "kind": "when", "body": { "<": { "left": { "neg": { "arg": { "Value": 9223372036854775807 } } }, "right": { "Value": 5 } } } },
        { "kind": "unless", "body": { "Value": false } }],
      "annotations": { "id": "x", "advice": "ask", "draft": null }
    }`
    expect(policyToText(fromJson(json))).toBe(`@id("x")
@advice("ask")
@draft
forbid (
  principal is NS::User in ?principal,
  action in [Action::"read", Action::"say \\"hi\\""],
  resource == File::"a\\nb"
)
when { -(9223372036854775807) < 5 }
unless { false };
`)
  })

  it('has the width it is given', () => {
    const policy = one('permit (principal, action, resource) when { context.first && context.second };')
    expect(policyToText(policy, { width: 30 })).toBe(
      'permit (\n  principal,\n  action,\n  resource\n)\nwhen\n{\n  context.first &&\n  context.second\n};\n',
    )
  })

  it('can be as high as a tree can be', () => {
    const wrap = (before: string, after: string): string =>
      `{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
        "conditions": [{"kind": "when", "body": ${before.repeat(199)}{"Value": -1}${after.repeat(199)}}]}`
    for (const json of [
      wrap('{"!": {"arg": ', '}}'),
      wrap('{"neg": {"arg": ', '}}'),
      wrap('{"has": {"left": ', ', "attr": "a"}}'),
      wrap('{"isInRange": [{"Value": 1}, ', ']}'),
      wrap('{"==": {"left": {"Value": 1}, "right": ', '}}'),
      wrap('{"Record": {"a": ', '}}'),
      wrap('{"if-then-else": {"if": {"Value": true}, "then": {"Value": 1}, "else": ', '}}'),
    ]) {
      const policy = fromJson(json)
      expect(policyToJson(one(policyToText(policy)))).toBe(policyToJson(policy))
    }
  })
})

describe('policies as text', () => {
  it('stand apart, and nothing stands for none', () => {
    const text = 'permit (principal, action, resource);\n\nforbid (principal, action, resource);\n'
    expect(policiesToText(parse(text))).toBe(text)
    expect(policiesToText([])).toBe('')
  })

  it('can carry their ids', () => {
    const all = '{"op": "All"}'
    const policy = (annotations: string): string =>
      `{"effect": "permit", "principal": ${all}, "action": ${all}, "resource": ${all}, "conditions": [], "annotations": ${annotations}}`
    const set = policySetFromJson(
      `{"staticPolicies": {"first \\"one\\"": ${policy('{"a": "b"}')}, "second": ${policy('{"a": "b", "id": "other"}')}}}`,
    )
    if (!set.ok) throw new Error(JSON.stringify(set.errors))
    const text = policiesToText(set.value.staticPolicies, { ids: 'annotation' })
    expect(text).toMatch(/^@id\("first \\"one\\""\)\n@a\("b"\)\n/)
    expect(parse(text).map(({ id }) => id)).toEqual(['first "one"', 'second'])
    expect(parse(policiesToText(set.value.staticPolicies)).map(({ id }) => id)).toEqual(['policy0', 'other'])
  })
})

/** Wildcards in a row count as one here, and integers are rounded on their way through JavaScript. */
function comparable(json: string): unknown {
  return JSON.parse(json.replaceAll(/"Wildcard"(,"Wildcard")+/g, '"Wildcard"'))
}

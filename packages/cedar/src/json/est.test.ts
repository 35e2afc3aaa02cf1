import type * as cedarWasm from '@cedar-policy/cedar-wasm'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { compile } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import { policyFromJson } from './est-read.ts'
import { policyToJson } from './est-write.ts'
import { parsePolicies } from '../text/parse.ts'
import { loadOfficial } from '../testing/official.ts'
import { Random } from '../testing/random.ts'
import { randomPolicy, randomTemplate } from '../testing/random-policy.ts'
import { randomWorld } from '../testing/random-world.ts'
import { mutateJson } from '../testing/mutate-json.ts'
import type { Policy } from '../policy/syntax.ts'

const official = loadOfficial()

const CASES = Number(process.env['CEDAR_CASES'] ?? 1000)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const TIMEOUT_MS = 30 * CASES + 60_000

function parseOne(text: string): Policy {
  const parsed = parsePolicies(text)
  const [policy] = parsed.ok ? parsed.value : []
  if (policy === undefined) throw new Error(`${JSON.stringify(parsed)}\n${text}`)
  return policy
}

function read(json: string): Policy {
  const policy = policyFromJson(json, 'p')
  if (!policy.ok) throw new Error(`${JSON.stringify(policy.errors)}\n${json}`)
  return policy.value
}

function officialJson(text: string, isTemplate: boolean): cedarWasm.PolicyJson {
  const answer = isTemplate ? official.templateToJson(text) : official.policyToJson(text)
  if (answer.type === 'failure') throw new Error(`${JSON.stringify(answer.errors)}\n${text}`)
  return answer.json
}

/**
 * As the official form, but with what the two write differently made the same: wildcards in a row count as one here,
 * and the official engine rounds integers on their way to JavaScript.
 */
function comparable(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json).replaceAll(/"Wildcard"(,"Wildcard")+/g, '"Wildcard"'))
}

describe('the JSON form of policies', () => {
  it(`is what the official engine writes, for ${CASES} random policies`, { timeout: TIMEOUT_MS }, () => {
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 13_000_003 + index)
      const isTemplate = index % 4 === 0
      const text = isTemplate ? randomTemplate(random) : randomPolicy(random)
      const mine = policyToJson(parseOne(text))
      expect(comparable(JSON.parse(mine)), text).toEqual(comparable(officialJson(text, isTemplate)))
      // And back, to the same text with every digit.
      expect(policyToJson(read(mine)), text).toBe(mine)
    }
  })

  it(`decides as the text does, in ${CASES} random cases`, { timeout: TIMEOUT_MS }, () => {
    const seen = { allow: 0, deny: 0, errors: 0 }
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 17_000_003 + index)
      const policy = parseOne(randomPolicy(random))
      const again = { ...read(policyToJson(policy)), id: policy.id }
      const world = randomWorld(random)
      const [expected, found] = [policy, again].map((each) => {
        const compiled = compile([each])
        if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
        return decide(compiled.value, world.request, world.entities)
      })
      expect(found, policy.text).toEqual(expected)
      if (expected === undefined) throw new Error('no decision')
      seen[expected.decision]++
      if (expected.errors.length > 0) seen.errors++
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 20)
  })

  it(`is accepted only where the official engine accepts it, mutated`, { timeout: TIMEOUT_MS }, () => {
    let accepted = 0
    let refusedByBoth = 0
    let stricter = 0
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 19_000_003 + index)
      // Through JavaScript the official engine reads no larger integers.
      const source = policyToJson(parseOne(randomPolicy(random))).replaceAll(/(?<=:-?)\d{17,}/g, '5')
      const json = JSON.stringify(mutateJson(random, JSON.parse(source)))
      const mine = policyFromJson(json, 'p')
      const policy = JSON.parse(json) as cedarWasm.PolicyJson
      const theirs = official.checkParsePolicySet({ staticPolicies: { p: policy } }).type === 'success'
      if (mine.ok) expect(theirs, json).toBe(true)
      if (mine.ok) accepted++
      else if (theirs) stricter++
      else refusedByBoth++
    }
    expect(accepted).toBeGreaterThan(CASES / 20)
    expect(refusedByBoth).toBeGreaterThan(CASES / 20)
    // Only members that mean nothing, and escapes that are wrong.
    expect(stricter).toBeLessThan(CASES / 10)
  })

  it('keeps every digit', () => {
    const text = `permit (principal, action, resource)
      when { 9223372036854775807 > -9223372036854775808 && 9007199254740993 == -(5) };`
    const json = policyToJson(parseOne(text))
    expect(json).toContain('{"Value":9223372036854775807}')
    expect(json).toContain('{"Value":-9223372036854775808}')
    expect(json).toContain('{"Value":9007199254740993}')
    expect(policyToJson(read(json))).toBe(json)
  })

  it('holds a chain of any length', () => {
    const chain = Array.from({ length: 30_000 }, () => 'true').join(' && ')
    const json = policyToJson(parseOne(`permit (principal, action, resource) when { ${chain} };`))
    const [condition] = read(json).conditions
    expect(condition?.expression).toMatchObject({ kind: 'and' })
    expect(policyToJson(read(json))).toBe(json)
  })

  it('has its places in the JSON', () => {
    const json = policyToJson(
      parseOne('@a @b("x") permit (principal, action, resource) when { context.x.y };'),
    ).replace('{"Var"', '\n  {"Var"')
    const policy = read(json)
    expect(policy.annotations).toEqual(
      new Map([
        ['a', ''],
        ['b', 'x'],
      ]),
    )
    expect(policy.position).toEqual({ file: 'policy.json', line: 1, column: 1 })
    expect(policy.text).toBe(json)
    const [condition] = policy.conditions
    const expression = condition?.expression
    const inner = expression?.kind === 'attribute' ? expression.object : undefined
    const variable = inner?.kind === 'attribute' ? inner.object : undefined
    expect(policy.source.locate(variable?.at ?? 0)).toMatchObject({ line: 2, column: 3 })
  })
})

describe('what is not a policy', () => {
  const whole = (body: string, conditions = `[{"kind": "when", "body": ${body}}]`): string =>
    `{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
"conditions": ${conditions}}`
  const deep = (levels: number): string =>
    '{"!": {"arg": '.repeat(levels) + '{"Value": true}' + '}}'.repeat(levels)

  test.each([
    ['expected a JSON value', ''],
    ['expected a JSON value', '['],
    ['the name "a" stands twice in this object', '{"a": 1, "a": 1}'],
    ['expected the end of the text', '{} x'],
    ['a policy needs "principal"', '{"effect": "permit"}'],
    ['a number must be an integer of 64 bits', whole('{"Value": 9223372036854775808}')],
    ['a number must be an integer of 64 bits', whole('{"Value": 1.5}')],
    ['Cedar has no null', whole('{"Value": null}')],
    ['this string is not Unicode', whole('{"Value": "\\ud800"}')],
    ['an entity has no member "x"', whole('{"Value": {"__entity": {"type": "User", "id": "a"}, "x": 1}}')],
    ['there is no extension function "rm"', whole('{"Value": {"__extn": {"fn": "rm", "arg": "x"}}}')],
    ['a slot may stand only in the scope of a template', whole('{"Slot": "?principal"}')],
    ['there is no expression "rm"', whole('{"rm": []}')],
    ['the method isIpv4() needs a value', whole('{"isIpv4": []}')],
    ['the method toDate() needs a value', whole('{"Value": {"__extn": {"fn": "toDate", "args": []}}}')],
    ['an expression must be an object with one member', whole('{"Var": "principal", "Value": 1}')],
    ['nested too deeply', whole(deep(5000))],
    ['"kind" must be "when" or "unless"', whole('true', '[{"kind": "if", "body": {"Value": true}}]')],
    ['"conditions" must be an array', whole('true', '{}')],
  ])('%s', (message, json) => {
    const policy = policyFromJson(json, 'p', { file: 'a.json' })
    expect(policy).toMatchObject({ ok: false })
    if (policy.ok) return
    expect(policy.errors[0]).toMatchObject({ file: 'a.json' })
    expect(policy.errors[0]?.message).toContain(message)
  })

  it('is an error, never an exception', () => {
    const refused = (text: string): void => {
      expect(policyFromJson(text, 'p').ok).toBe(false)
    }
    fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), refused))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), refused))
  })
})

// Against the official engine, which is not told a schema: the same policies, entities and requests have the same answer
// with the same reasons, and the same texts are accepted. CEDAR_CASES and CEDAR_SEED choose a longer or another run.

import { describe, expect, it } from 'vitest'
import { compile } from '../compile/compile.ts'
import { parsePolicies } from '../text/parse.ts'
import { compare } from './case-difference.ts'
import { answer, askOfficial } from './differential.ts'
import { mutate } from './mutate.ts'
import { Oracle, loadOfficial } from './official.ts'
import { randomCase } from './random-case.ts'
import { Random } from './random.ts'
import { randomPolicy } from './random-policy.ts'
import { randomWorld } from './random-world.ts'
import { Tally } from './tally.ts'

const CASES = Number(process.env['CEDAR_CASES'] ?? 37_000)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const REQUESTS = 16
const TIMEOUT_MS = 30 * CASES + 60_000

describe('the official engine and this one', () => {
  it(`agree on decision, reasons and errors in ${CASES} random cases`, { timeout: TIMEOUT_MS }, () => {
    const oracle = new Oracle()
    const tally = new Tally()
    for (let index = 0; tally.total < CASES; index++) {
      const made = randomCase(SEED * 1_000_003 + index, { requests: REQUESTS, schema: false })
      const { answers, difference } = compare(oracle, made)
      expect(difference, `case ${index}`).toBeUndefined()
      for (const each of answers) tally.add(each)
    }
    const { refused, ...decided } = tally.counts
    for (const count of Object.values(decided)) expect(count).toBeGreaterThan(CASES / 20)
    expect(refused).toBeGreaterThan(CASES / 200)
  })

  it(`agree where values are made by hand and seldom of the right type`, { timeout: TIMEOUT_MS }, () => {
    const official = loadOfficial()
    const tally = new Tally()
    for (let index = 0; tally.total < CASES / 90; index++) {
      const random = new Random(SEED * 3_000_017 + index)
      const policies = Array.from({ length: 1 + random.below(5) }, () => randomPolicy(random)).join('\n')
      const world = randomWorld(random)
      const parsed = parsePolicies(policies)
      const compiled = parsed.ok ? compile(parsed.value) : parsed
      if (!compiled.ok) throw new Error(`${JSON.stringify(compiled.errors)}\n${policies}`)
      const mine = answer(compiled.value, world.request, world.entities)
      const { entities, ...request } = world.official
      const asked = { staticPolicies: policies, templates: {}, templateLinks: [] }
      const [theirs] = askOfficial(official, { policies: asked, entities, requests: [request] })
      expect(mine, `case ${index}\n${policies}`).toEqual(theirs)
      tally.add(mine)
    }
    const { allow, forbidden, errors } = tally.counts
    for (const count of [allow, forbidden, errors]) expect(count).toBeGreaterThan(CASES / 900)
  })

  it('accept and refuse the same mutated texts', { timeout: TIMEOUT_MS }, () => {
    const official = loadOfficial()
    let accepted = 0
    for (let index = 0; index < CASES / 25; index++) {
      const random = new Random(SEED * 7_000_003 + index)
      const text = mutate(random, randomPolicy(random))
      const parsed = parsePolicies(text)
      // A template counts as refused there: it was offered as a policy.
      const mine = parsed.ok && parsed.value.every(({ slots }) => slots.length === 0)
      const theirs = official.checkParsePolicySet({ staticPolicies: text })
      expect(mine, text).toBe(theirs.type === 'success')
      if (mine) accepted++
    }
    expect(accepted).toBeGreaterThan(CASES / 2500)
  })
})

// Against the official engine, with a schema: entities and requests that conform, or nearly, are accepted and decided as
// there. CEDAR_CASES and CEDAR_SEED choose a longer or another run.

import { describe, expect, it } from 'vitest'
import { compare } from './case-difference.ts'
import { Oracle } from './official.ts'
import { randomCase } from './random-case.ts'
import { Tally } from './tally.ts'

const CASES = Number(process.env['CEDAR_CASES'] ?? 14_000)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const REQUESTS = 16
const TIMEOUT_MS = 30 * CASES + 60_000

describe('the official engine and this one, told a schema,', () => {
  it(`agree on decision, reasons and errors in ${CASES} random cases`, { timeout: TIMEOUT_MS }, () => {
    const oracle = new Oracle()
    const tally = new Tally()
    for (let index = 0; tally.total < CASES; index++) {
      const made = randomCase(SEED * 1_000_003 + index, { requests: REQUESTS, schema: true })
      const { answers, difference } = compare(oracle, made)
      expect(difference, `case ${index}`).toBeUndefined()
      for (const each of answers) tally.add(each)
    }
    for (const count of Object.values(tally.counts)) expect(count).toBeGreaterThan(CASES / 20)
  })
})

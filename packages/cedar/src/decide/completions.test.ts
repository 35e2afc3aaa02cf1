// What is said of a request in part against what is decided of its completions: those that are found at random, and those
// that would contradict. CEDAR_CASES and CEDAR_SEED choose a longer or another run.

import { describe, expect, it } from 'vitest'
import { compile } from '../compile/compile.ts'
import type { PolicySet } from '../compile/compile.ts'
import type { Policy } from '../policy/syntax.ts'
import { complete } from '../testing/completions.ts'
import { argumentCase, completionFor, wildCase } from '../testing/partial-cases.ts'
import type { PartialCase } from '../testing/partial-cases.ts'
import { Random } from '../testing/random.ts'
import { policySet } from '../testing/verdict.ts'
import { decide } from './decide.ts'
import { decidePartial, residuals } from './partial.ts'
import type { Residual } from './partial.ts'

const CASES = Number(process.env['CEDAR_CASES'] ?? 1200)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const TIMEOUT_MS = 30 * CASES + 60_000
/** Completions tried of each case, and in search of one that allows and one that denies. */
const TRIED = 8
const SEARCHED = 200

const POPULATIONS = [
  { what: 'any policies, with anything unknown', make: wildCase, mostConservative: 0.15 },
  { what: 'policies about arguments, with these unknown', make: argumentCase, mostConservative: 0.05 },
] as const

describe.each(POPULATIONS)('of $what', ({ make, mostConservative }) => {
  const cases = function* (): Generator<{ random: Random; one: PartialCase; name: string }> {
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 1_000_003 + index)
      const one = make(random)
      yield { random, one, name: `case ${index}, unknown ${one.options.unknown?.join()}\n${one.text}` }
    }
  }

  it('allow and deny hold for every completion', { timeout: TIMEOUT_MS }, () => {
    const seen = { allow: 0, deny: 0, depends: 0 }
    for (const { random, one, name } of cases()) {
      const { decision } = decidePartial(one.set, one.request, one.options)
      seen[decision]++
      if (decision === 'depends') continue
      const left = residuals(one.set, one.request, one.options)
      const opposite = decision === 'allow' ? 'deny' : 'allow'
      for (let tried = 0; tried < TRIED; tried++) {
        const request =
          tried % 2 === 0
            ? completionFor(random, one, left, opposite)
            : complete(random, [one.request, one.options])
        expect(decide(one.set, request, one.options.entities).decision, name).toBe(decision)
      }
    }
    // All three answers must be common, or soundness is empty.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 20)
  })

  it('depends means that there are completions of both kinds, nearly always', {
    timeout: TIMEOUT_MS,
  }, async ({ annotate }) => {
    let depends = 0
    let conservative = 0
    for (const { random, one } of cases()) {
      if (decidePartial(one.set, one.request, one.options).decision !== 'depends') continue
      depends++
      if (!isDivided(random, one)) conservative++
    }
    await annotate(
      `conservative: ${conservative} of ${depends} (${((100 * conservative) / depends).toFixed(1)} %)`,
    )
    expect(conservative / depends).toBeLessThan(mostConservative)
  })

  it('what remains of a policy comes to the same as the policy', { timeout: TIMEOUT_MS }, () => {
    const seen = { held: 0, failed: 0, neither: 0 }
    for (const { random, one, name } of cases()) {
      const left = residuals(one.set, one.request, one.options)
      const ids = left.map(({ policy }) => policy)
      const whole = asPermits(one.set.policies)
      const rest = policySet(left.map(residualPolicy).join('\n'))
      let certain: unknown
      for (let tried = 0; tried < TRIED; tried++) {
        const request =
          tried % 2 === 0
            ? completionFor(random, one, left, tried % 4 === 0 ? 'allow' : 'deny')
            : complete(random, [one.request, one.options])
        const [expected, found] = [whole, rest].map((set) => {
          const { determining, errors } = decide(set, request, one.options.entities)
          return { held: determining, failed: errors.map(({ policy }) => policy) }
        })
        if (expected === undefined || found === undefined) throw new Error('two sets, two answers')
        const of = (policies: readonly string[], open: boolean): readonly string[] =>
          policies.filter((id) => ids.includes(id) === open)
        expect(found, name).toEqual({ held: of(expected.held, true), failed: of(expected.failed, true) })
        // Whatever nothing remains of comes to the same in all completions.
        certain ??= [of(expected.held, false), of(expected.failed, false)]
        expect([of(expected.held, false), of(expected.failed, false)], name).toEqual(certain)
        seen.held += found.held.length
        seen.failed += found.failed.length
        seen.neither += ids.length - found.held.length - found.failed.length
      }
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 4)
  })
})

/** Whether a completion that allows is found, and one that denies. */
function isDivided(random: Random, one: PartialCase): boolean {
  const left = residuals(one.set, one.request, one.options)
  const found = { allow: false, deny: false }
  for (let tried = 0; tried < SEARCHED && !(found.allow && found.deny); tried++) {
    const request = completionFor(random, one, left, found.allow ? 'deny' : 'allow')
    found[decide(one.set, request, one.options.entities).decision] = true
  }
  return found.allow && found.deny
}

/** So that a decision says of each policy whether it is satisfied. */
function asPermits(policies: readonly Policy[]): PolicySet {
  const compiled = compile(policies.map((policy) => ({ ...policy, effect: 'permit' })))
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
  return compiled.value
}

function residualPolicy({ policy, text }: Residual): string {
  return `@id("${policy}") permit (principal, action, resource) when { ${text} };`
}

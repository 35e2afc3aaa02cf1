// The linter against the official engine: the validator has to find each unguarded attribute and each policy that never
// applies as well, and the linter what the validator finds. CEDAR_LINTED and CEDAR_SEED choose a longer or another run.

import { compile } from '../compile/compile.ts'
import type { PolicySet } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import { describe, expect, it } from 'vitest'
import { lint } from '../lint/lint.ts'
import type { RuleName } from '../lint/finding.ts'
import type { Policy } from '../policy/syntax.ts'
import type { Schema } from '../schema/schema.ts'
import { parsePolicies } from '../text/parse.ts'
import { ConformingWorld } from './conforming-world.ts'
import { Oracle } from './official.ts'
import { Random } from './random.ts'
import { randomContextPolicy, randomPolicy } from './random-policy.ts'
import { randomSchema } from './random-schema.ts'
import { randomTypedPolicy } from './random-typed-policy.ts'
import { randomWorld } from './random-world.ts'
import { policySet } from './verdict.ts'

const CASES = Number(process.env['CEDAR_LINTED'] ?? 150)
const ROUNDS = 20
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)

interface Verdicts {
  readonly text: string
  readonly unguarded: boolean
  readonly impossible: boolean
}

interface Case {
  readonly policy: string
  readonly schema: string
  readonly resolved: Schema
  readonly ours: Verdicts
  readonly official: Verdicts & { readonly other: boolean }
}

const oracle = new Oracle()

function makeCase(seed: number, plain: boolean): Case | undefined {
  const random = new Random(seed)
  const { text: schema, schema: resolved } = randomSchema(random)
  const policy = randomTypedPolicy(random, resolved, { plain })
  const answer = oracle.ask((official) =>
    official.validate({
      schema,
      policies: { staticPolicies: { policy0: policy } },
      validationSettings: { mode: 'strict' },
    }),
  )
  if (answer === undefined) return undefined
  if (answer.type === 'failure') throw new Error(`${JSON.stringify(answer.errors)}\n${policy}\n${schema}`)
  const errors = answer.validationErrors.map(({ error }) => error.message)
  const unsafe = errors.filter((message) => message.includes('unable to guarantee safety of access'))
  const warnings = answer.validationWarnings.map(({ error }) => error.message)
  const parsed = parsePolicies(policy)
  if (!parsed.ok) throw new Error(`${JSON.stringify(parsed.errors)}\n${policy}`)
  const findings = lint(parsed.value, { schema: resolved })
  const text = JSON.stringify(findings)
  const says = (rule: RuleName): boolean => findings.some((finding) => finding.rule === rule)
  return {
    policy,
    schema,
    resolved,
    ours: {
      text,
      // The validator does not tell a tag that may be absent from one that never is there.
      unguarded: says('unguarded-attribute') || text.includes('have no tags'),
      impossible: says('never-applies'),
    },
    official: {
      text: JSON.stringify([...errors, ...warnings]),
      unguarded: unsafe.length > 0,
      other: unsafe.length < errors.length,
      impossible: warnings.some((message) => message.includes('policy is impossible')),
    },
  }
}

function cases(plain: boolean): readonly Case[] {
  return Array.from({ length: CASES }, (_, index) => makeCase(SEED * 7_000_003 + index, plain)).filter(
    (each) => each !== undefined,
  )
}

const plainCases = cases(true)
const anyCases = cases(false)

const told = ({ policy, schema, ours, official }: Case): string =>
  [policy, schema, ours.text, official.text].join('\n')

describe('the official validator and the linter', () => {
  it(`agree on unguarded attributes of ${CASES} plain random policies`, () => {
    const counts = { guarded: 0, unguarded: 0 }
    for (const each of plainCases) {
      // After another error the validator does not go on everywhere.
      if (each.official.other) continue
      counts[each.official.unguarded ? 'unguarded' : 'guarded']++
      expect(each.ours.unguarded, told(each)).toBe(each.official.unguarded)
    }
    expect(counts.guarded).toBeGreaterThan(CASES / 10)
    expect(counts.unguarded).toBeGreaterThan(CASES / 10)
  })

  it(`agree on what the linter reports of ${CASES} random policies`, () => {
    let unguarded = 0
    for (const each of anyCases) {
      if (each.official.other || !each.ours.unguarded) continue
      unguarded++
      expect(each.official.unguarded, told(each)).toBe(true)
    }
    expect(unguarded).toBeGreaterThan(CASES / 20)
  })

  it('are right in random worlds: what is clean reads nothing absent, what never applies does not', () => {
    let decided = 0
    for (const [index, { policy, resolved, ours }] of [...plainCases, ...anyCases].entries()) {
      const isClean = !ours.unguarded && !ours.text.includes('always an error')
      if (!isClean && !ours.impossible) continue
      const set = policySet(policy)
      for (let round = 0; round < ROUNDS; round++) {
        const world = new ConformingWorld(new Random(SEED * 1_000_003 + index * ROUNDS + round), resolved)
        const { errors, determining } = decide(set, world.request(), world)
        const absent = errors.filter(({ message }) => message.includes('there is no'))
        if (isClean) expect(absent, policy).toEqual([])
        if (ours.impossible) expect(determining, policy).toEqual([])
        decided++
      }
    }
    expect(decided).toBeGreaterThan(CASES * 5)
  })

  it('agree on policies that never apply', () => {
    let impossible = 0
    for (const each of [...plainCases, ...anyCases]) {
      if (each.official.unguarded || each.official.other || !each.official.impossible) continue
      impossible++
      expect(each.ours.impossible, told(each)).toBe(true)
    }
    expect(impossible).toBeGreaterThan(CASES / 30)
  })
})

describe('without a schema, what is said of random policies', () => {
  const OPEN = /^(permit|forbid) \(principal, action, resource\) (.*);$/

  /** Policies that share their conditions, so that some cover others. */
  function randomPolicies(random: Random): readonly Policy[] {
    const conditions = [
      '',
      ...Array.from({ length: 3 }, () => OPEN.exec(randomContextPolicy(random))?.[2] ?? ''),
    ]
    const texts = Array.from({ length: 12 }, () => {
      const policy = randomPolicy(random)
      const scope = policy.slice(0, policy.indexOf(')') + 1)
      return random.chance(0.3) ? policy : `${scope} ${random.pick(conditions)} ${random.pick(conditions)};`
    })
    const parsed = parsePolicies(texts.join('\n'))
    if (!parsed.ok) throw new Error(`${JSON.stringify(parsed.errors)}\n${texts.join('\n')}`)
    return parsed.value
  }

  function compiled(policies: readonly Policy[]): PolicySet {
    const set = compile(policies)
    if (!set.ok) throw new Error(JSON.stringify(set.errors))
    return set.value
  }

  it('holds in random worlds: what is shadowed changes no decision, what never applies does not', () => {
    const seen = { shadowed: 0, never: 0, allowed: 0 }
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 9_000_011 + index)
      const policies = randomPolicies(random)
      const findings = lint(policies)
      const idsOf = (rule: RuleName): ReadonlySet<string> =>
        new Set(findings.flatMap((finding) => (finding.rule === rule ? [finding.policy] : [])))
      const [shadowed, never] = [idsOf('shadowed'), idsOf('never-applies')]
      seen.shadowed += shadowed.size
      seen.never += never.size
      const all = compiled(policies)
      const left = compiled(policies.filter(({ id }) => !shadowed.has(id)))
      const idle = compiled(policies.filter(({ id }) => never.has(id)))
      for (let round = 0; round < ROUNDS; round++) {
        const { request, entities } = randomWorld(random)
        const { decision } = decide(all, request, entities)
        if (decision === 'allow') seen.allowed++
        const text = policies.map(({ text: each }) => each).join('\n')
        expect(decide(left, request, entities).decision, text).toBe(decision)
        expect(decide(idle, request, entities).determining, text).toEqual([])
      }
    }
    expect(seen.shadowed).toBeGreaterThan(CASES / 2)
    expect(seen.never).toBeGreaterThan(CASES / 2)
    expect(seen.allowed).toBeGreaterThan(CASES)
  })
})

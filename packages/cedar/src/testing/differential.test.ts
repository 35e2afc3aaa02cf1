// Against the official engine: the same texts are accepted, and the same policies, entities and requests have the same
// answer with the same reasons. CEDAR_CASES and CEDAR_SEED choose a longer or another run.

import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import type * as cedarWasm from '@cedar-policy/cedar-wasm/nodejs'
import { describe, expect, it } from 'vitest'
import { compile } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import { reference } from '../values/entity.ts'
import { Evaluation } from '../decide/evaluation.ts'
import { Interpreter } from '../decide/interpret.ts'
import { FAILS, HOLDS, LACKS } from '../decide/outcomes.ts'
import { parsePolicies } from '../text/parse.ts'
import { matchesScope } from '../compile/scope.ts'
import { link } from '../policy/template.ts'
import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import { randomPolicy, randomTemplate } from './random-policy.ts'
import { IDS, TYPES, randomWorld } from './random-world.ts'
import type { EntityName, World } from './random-world.ts'

// Inlining calls into WebAssembly can abort the process when the official engine runs hot.
setFlagsFromString('--no-turbo-inline-js-wasm-calls')
const official = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof cedarWasm

const CASES = Number(process.env['CEDAR_CASES'] ?? 2000)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const TIMEOUT_MS = 30 * CASES + 60_000

describe('the official engine and this one', () => {
  it(`agree on decision, reasons and errors in ${CASES} random cases`, { timeout: TIMEOUT_MS }, () => {
    const seen = { allow: 0, deny: 0, errors: 0, determined: 0 }
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 1_000_003 + index)
      const policies = Array.from({ length: 1 + random.below(5) }, () => randomPolicy(random))
      const world = randomWorld(random)
      const mine = ask(policies, world)
      expect(mine, `case ${index}\n${policies.join('\n')}`).toEqual(askOfficial(policies, world.official))
      seen[mine.decision === 'allow' ? 'allow' : 'deny']++
      if (mine.errors.length > 0) seen.errors++
      if (mine.determining.length > 0) seen.determined++
    }
    // The generator must reach every kind of answer often, or agreement says nothing.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 10)
  })

  it('agree on templates and their links', () => {
    let allowed = 0
    for (let index = 0; index < 500; index++) {
      const random = new Random(SEED * 11_000_003 + index)
      const text = randomTemplate(random)
      const world = randomWorld(random)
      const parsed = parsePolicies(text)
      const [template] = parsed.ok ? parsed.value : []
      if (template === undefined) throw new Error(text)
      const name = (): EntityName => ({ type: random.pick(TYPES), id: random.pick(IDS) })
      // Half the time what was asked about, so that links match often enough.
      const values = template.slots.map(
        (slot) => [slot, random.chance(0.5) ? world.official[slot] : name()] as const,
      )
      const mine = Object.fromEntries(values.map(([slot, { type, id }]) => [slot, reference(type, id)]))
      const linked = link(template, 'p0', mine)
      const compiled = linked.ok ? compile([linked.value]) : linked
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
      const { decision } = decide(compiled.value, world.request, world.entities)
      const slots = Object.fromEntries(values.map(([slot, named]) => [`?${slot}`, named]))
      expect(decision, `${text} ${JSON.stringify(slots)}`).toBe(askOfficialLink(text, slots, world.official))
      if (decision === 'allow') allowed++
    }
    expect(allowed).toBeGreaterThan(25)
  })

  it(`accept and refuse the same of ${CASES} mutated texts`, { timeout: TIMEOUT_MS }, () => {
    let accepted = 0
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 7_000_003 + index)
      const text = mutate(random, randomPolicy(random))
      const parsed = parsePolicies(text)
      // A template counts as refused there: it was offered as a policy.
      const mine = parsed.ok && parsed.value.every(({ slots }) => slots.length === 0)
      expect(mine, text).toBe(officialAccepts(text))
      if (mine) accepted++
    }
    expect(accepted).toBeGreaterThan(CASES / 100)
  })
})

function ask(policies: readonly string[], { request, entities }: World): Answer {
  const text = policies.map((policy, number) => `@id("p${number}") ${policy}`).join('\n')
  const parsed = parsePolicies(text)
  if (!parsed.ok) throw new Error(`not parsed: ${JSON.stringify(parsed.errors)}\n${text}`)
  const compiled = compile(parsed.value)
  if (!compiled.ok) throw new Error('not compiled')
  const { decision, determining, errors } = decide(compiled.value, request, entities)
  const failing = errors.map(({ policy }) => policy)
  const evaluation = new Evaluation(request, entities)
  const { principal, action, resource } = evaluation
  for (const policy of parsed.value) {
    if (!matchesScope(policy.scope, principal, action, resource)) continue
    const { outcomes } = new Interpreter(evaluation).judge(policy)
    const satisfied = determining.includes(policy.id)
    const generated = failing.includes(policy.id) ? FAILS : satisfied ? HOLDS : LACKS
    // A permit that holds is not named when a forbid decided.
    const hidden = outcomes === HOLDS && policy.effect === 'permit' && decision === 'deny'
    if (!hidden) expect(outcomes, `${policy.id} interpreted\n${text}`).toBe(generated)
  }
  return { decision, determining, errors: failing }
}

interface Answer {
  readonly decision: string
  /** Ids in alphabetical order, as are those of the policies that failed. */
  readonly determining: readonly string[]
  readonly errors: readonly string[]
}

/** What the official engine decides; the policies are named p0, p1 and so on. */
function askOfficial(policies: readonly string[], { entities, ...request }: World['official']): Answer {
  const staticPolicies = Object.fromEntries(policies.map((policy, number) => [`p${number}`, policy]))
  const answer = official.isAuthorized({ ...request, entities, policies: { staticPolicies } })
  if (answer.type === 'failure') throw new Error(`${JSON.stringify(answer.errors)}\n${policies.join('\n')}`)
  const { decision, diagnostics } = answer.response
  return {
    decision,
    determining: diagnostics.reason.toSorted(),
    errors: diagnostics.errors.map(({ policyId }) => policyId).toSorted(),
  }
}

/** Whether the official engine takes a text for a list of policies. */
function officialAccepts(text: string): boolean {
  const answer = official.checkParsePolicySet({ staticPolicies: text, templates: {}, templateLinks: [] })
  return answer.type === 'success'
}

function askOfficialLink(
  template: string,
  values: Record<string, EntityName>,
  { entities, ...request }: World['official'],
): string {
  const policies = {
    staticPolicies: {},
    templates: { t0: template },
    templateLinks: [{ templateId: 't0', newId: 'p0', values }],
  }
  const answer = official.isAuthorized({ ...request, entities, policies })
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
  return answer.response.decision
}

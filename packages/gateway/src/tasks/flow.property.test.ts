/** What holds for any values, texts and grants. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../model/message.ts'
import type { Flow, TaskGrant, TaskRecord } from '../model/task.ts'
import type { ToolFacts } from '../model/tool-facts.ts'
import { type FlowCall, type FlowState, judgeFlow, noteCall, noteResult } from './flow.ts'
import { isCommonName } from './names.ts'
import { normalForm, standsIn } from './occurrence.ts'
import { KnownValues } from './values.ts'

const RUNS = { numRuns: 2000 }
const SENDS: ToolFacts = { sends: true }

function task(grant: Partial<TaskGrant>, prompt = ''): TaskRecord {
  const rest = {
    servers: [],
    tools: {},
    budget: {},
    expires_in: 60,
    other_arguments: 'allow',
    flow: 'strict',
  } as const
  return {
    id: 't',
    principal: { type: 'User', id: 'ann' },
    grant: { type: 'tollgate_task', purpose: 'Work', ...rest, ...grant },
    prompt,
    startedAtMs: 0,
    expiresAtMs: 1,
  }
}

function state(chain: readonly TaskRecord[], values = new KnownValues(new Uint8Array(32))): FlowState {
  return { chain, labels: new Set(['untrusted', 'private']), values }
}

const word = fc.stringMatching(/^[a-z0-9](?:[a-z0-9@./_-]{0,8}[a-z0-9])?$/)
const text = fc.array(word, { minLength: 1, maxLength: 8 })

describe('what stands in a text', () => {
  it('are exactly runs of its words, where only spaces part them', () => {
    const tried = text.chain((words) => {
      const whole = words.join(' ')
      const slice = fc
        .tuple(fc.nat(whole.length), fc.nat(whole.length))
        .map(([a, b]) => whole.slice(Math.min(a, b), Math.max(a, b)).trim())
      return fc.tuple(fc.constant(words), fc.oneof(slice, word))
    })
    fc.assert(
      fc.property(tried, ([words, value]) => {
        // Numbers are compared by value, and a slash at the end is like none.
        fc.pre(value !== '' && !/^-?[\d.]+$|\/$/.test(value))
        const runs = words.flatMap((_, from) =>
          words.slice(from).map((__, count) => words.slice(from, from + count + 1).join(' ')),
        )
        expect(standsIn(words.join(' '), value)).toBe(runs.includes(value))
      }),
      RUNS,
    )
  })

  it('is found in its normal form, which has no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        expect(normalForm(normalForm(any))).toBe(normalForm(any))
      }),
      RUNS,
    )
  })

  it('is not what differs in one letter', () => {
    fc.assert(
      fc.property(
        word,
        fc.nat(),
        fc.constantFrom('x', '\u200b', '\u0430', '.', '-', '0', '\u{e0061}'),
        (known, at, added) => {
          const index = at % (known.length + 1)
          const changed = known.slice(0, index) + added + known.slice(index)
          fc.pre(!/^-?[\d.]+$/.test(changed)) // -0 is 0, and 1.0 is 1
          fc.pre(changed !== `${known}.`) // the end of a sentence
          const verdict = judgeFlow(state([task({ tools: { a__b: { v: {} } } }, known)]), {
            ...{ tool: 'a__b', facts: SENDS, input: { v: changed } },
          })
          expect(verdict).toBeDefined()
        },
      ),
      RUNS,
    )
  })
})

/** Any JSON with a text somewhere in it, as a value or as a member's name. */
const hiding = (secret: string): fc.Arbitrary<JsonObject> => {
  const around = (inner: fc.Arbitrary<unknown>) =>
    fc.oneof(
      inner.map((value) => [true, value, null]),
      inner.map((value) => ({ known: value })),
      inner.map((value) => ({ known: [value], k: false })),
    )
  const leaf = fc.constantFrom<unknown>(secret, { [secret]: true }, { [secret]: null })
  const nested = fc.nat({ max: 6 }).chain((depth) => {
    let value: fc.Arbitrary<unknown> = leaf
    for (let level = 0; level < depth; level++) value = around(value)
    return value
  })
  return nested.map((value) => ({ known: value }))
}

describe('a value that nothing accounts for', () => {
  const secret = fc
    .stringMatching(/^[a-z0-9]{4,40}$/)
    .filter((value) => !/^\d+$/.test(value) && !'known work'.includes(value) && !isCommonName(value))

  it('is found wherever it is', () => {
    const tried = secret.chain((value) => fc.tuple(fc.constant(value), hiding(value)))
    fc.assert(
      fc.property(tried, ([value, input]) => {
        const verdict = judgeFlow(state([task({ tools: { a__b: { known: {} } } }, 'known k')]), {
          ...{ tool: 'a__b', facts: SENDS, input },
        })
        expect(verdict?.unaccounted.map((each) => each.value)).toEqual([value])
      }),
      RUNS,
    )
  })

  it('stays one, whatever trusted tools repeat of what they are told', () => {
    const wrap = fc.constantFrom<(value: string) => unknown>(
      (value) => value,
      (value) => `not found: ${value}`,
      (value) => `"${value}", ${value}\n${value}`,
      (value) => ({ query: value, hits: [] }),
      (value) => JSON.stringify({ query: { text: value } }),
      (value) => `https://example.com/?q=${value}`,
      (value) => value.toUpperCase(),
      (value) => value.split('').slice(1).join(''),
    )
    const call = (tool: string, facts: ToolFacts, input: JsonObject): FlowCall => ({ tool, facts, input })
    fc.assert(
      fc.property(secret, wrap, fc.boolean(), (value, repeat, isStored) => {
        const at = state([task({ tools: { a__b: { v: {} }, store__add: { v: { flow: 'off' } } } })])
        const answered = { structuredContent: { answer: repeat(value) } }
        const trusted = { readOnly: true, reads: ['trusted'] }
        if (isStored) noteCall(at, call('store__add', {}, { v: value }), true)
        noteResult(at, call('ask__it', trusted, isStored ? {} : { v: value }), answered)
        expect(judgeFlow(at, call('a__b', SENDS, { v: value }))).toBeDefined()
      }),
      RUNS,
    )
  })
})

describe('a task below another', () => {
  const schema = fc.constantFrom<JsonObject>(
    {},
    { flow: 'off' },
    { within: ['/'] },
    { enum: ['a', 'b', 'c'] },
    { const: 'c' },
  )
  const grant = fc.record({
    purpose: fc.constantFrom('a', 'b', 'c', 'a b c d'),
    flow: fc.constantFrom<Flow>('strict', 'ask', 'off'),
    tools: fc.record(
      { a__b: fc.record({ x: schema, y: schema }, { requiredKeys: [] }) },
      { requiredKeys: [] },
    ),
  })
  const record = fc
    .tuple(grant, fc.constantFrom('', 'a', 'b', 'd'))
    .map(([made, prompt]) => task(made as Partial<TaskGrant>, prompt))
  const input = fc.record({
    x: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    y: fc.constantFrom('a', ['b', 'e'], { c: 'd' }),
  })
  const facts = fc.constantFrom<ToolFacts>(SENDS, {}, { destructive: false }, { readOnly: true, sends: true })

  it('is never asked less than those above it', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 2, maxLength: 4 }), input, facts, (chain, sent, kind) => {
        const call = { tool: 'a__b', facts: kind, input: sent }
        const above = judgeFlow(state(chain.slice(1)), call)
        if (above !== undefined) expect(judgeFlow(state(chain), call)).toBeDefined()
      }),
      RUNS,
    )
  })
})

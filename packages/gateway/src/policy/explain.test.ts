import { describe, expect, test } from 'vitest'
import { createCaller } from '../model/caller.ts'
import type { Query } from '../model/decision.ts'
import { decide } from './decide.ts'
import { reasonsOf } from './explain.ts'
import { Policies } from './policies.ts'
import { toolTarget } from './query.ts'

const target = toolTarget('files__read')

function inquiry(text: string, input: unknown, tool = target) {
  const world = { environment: 'dev', toolFacts: () => undefined }
  const policies = Policies.load([{ file: 'p.cedar', text }], world)
  if (!policies.ok) throw new Error(JSON.stringify(policies.error))
  const level = { groups: [], tags: { level: 'low' } }
  const query: Query = {
    requestId: 'r',
    caller: createCaller({ type: 'User', id: 'alice' }, { known: level }, { method: 'token' }),
    server: 'files',
    method: 'tools/call',
    manner: 'rule',
    target: tool,
    alsoTargets: [],
    subject: tool.resource.id,
    input,
    source: { transport: 'unix', ip: undefined },
    protocolVersion: '2026-07-28',
    sessionStartedAtMs: undefined,
  }
  return { policies: policies.value, query, nowMs: 0 }
}

function reasons(text: string, input: unknown) {
  return reasonsOf(inquiry(text, input), target)
}

const docs = '@id("docs") permit (principal, action, resource)'

describe('for the log', () => {
  test('the nearest permit, its place, the condition and what it read', () => {
    const { detail } = reasons(`${docs} when { context.input.path like "docs/*" };`, { path: 'secret/x' })
    expect(detail).toBe(
      'nearest: "docs" (p.cedar:1:57): context.input.path like "docs/*" [context.input.path = "secret/x"]',
    )
  })

  test('the forbids and the conditions that held', () => {
    const text =
      '@id("no") forbid (principal, action, resource) when { context.input.n > 3 } unless { principal.getTag("level") == "top" };'
    expect(reasons(text, { n: 5 }).detail).toBe(
      '"no" (p.cedar:1:1): context.input.n > 3 [context.input.n = 5] and principal.getTag("level") != "top" [principal.getTag("level") = "low"]',
    )
  })

  test('what part of a scope a permit missed', () => {
    const text = '@id("bobs") permit (principal == User::"bob", action, resource);'
    expect(reasons(text, {}).detail).toContain(
      'nearest: "bobs" (p.cedar:1:1): principal: principal == User::"bob"',
    )
  })

  test('policies that could not be evaluated, with the place', () => {
    const { detail } = reasons(`${docs} when { context.input.path > 3 };`, { path: 'x' })
    expect(detail).toMatch(/^"docs" \(p\.cedar:1:57\): type error: [^;]*\[context\.input\.path = "x"\]$/)
  })

  test('long values are shortened', () => {
    const { detail } = reasons(`${docs} when { context.input.path like "docs/*" };`, {
      path: 'x'.repeat(100_000),
    })
    expect(detail?.length).toBeLessThan(400)
  })
})

describe('for the caller', () => {
  test.each([
    ['context.input.path like "docs/*"', ['path']],
    ['context.input.path == "a" || context.input["odd name"] == 1', ['path', 'odd name']],
    ['context.input.deep.path == "a"', ['deep.path']],
    ['context.input has other', []],
    ['!(context.input has path)', ['path']],
    ['context.input.path == "a" && principal.getTag("level") == "low"', ['path']],
    ['context.input.path == principal.getTag("level")', ['path']],
    ['context.input.path == "a" || context has task', ['path']],
  ])('the arguments that a condition read: %s', (condition, names) => {
    const input = { path: 'x', 'odd name': 2, deep: { path: 1 } }
    expect(reasons(`${docs} when { ${condition} };`, input).almost).toEqual({
      policy: 'docs',
      arguments: names,
    })
  })

  test.each([
    ['other arguments would not do', 'context.input.path == "a" && principal.getTag("level") == "top"'],
    ['the condition read none', 'principal.getTag("level") == "top"'],
    ['the condition read something else first', 'context has task && context.input.path == "a"'],
  ])('nothing where %s', (_what, condition) => {
    const { almost, detail } = reasons(`${docs} when { ${condition} };`, { path: 'x' })
    expect(almost).toBeUndefined()
    expect(detail).toContain('nearest: "docs"')
  })

  test('nothing where the permit is for somebody else', () => {
    const text =
      '@id("bobs") permit (principal == User::"bob", action, resource) when { context.input.path == "a" };'
    expect(reasons(text, { path: 'x' }).almost).toBeUndefined()
  })

  test('the nearest permit that other arguments would satisfy', () => {
    const text = `@id("task") permit (principal, action, resource) when { context has task };
      ${docs} when { context.input.path == "a" && context.input.path like "*" };`
    expect(reasons(text, { path: 'x' }).almost?.policy).toBe('docs')
  })
})

describe('what is hidden', () => {
  const text = `@id("bobs") permit (principal == User::"bob", action == Action::"files__read", resource);
    @id("mine") permit (principal, action == Action::"files__list", resource);`

  test('is explained only when the caller has been answered', () => {
    const [there, missing] = ['files__read', 'files__nope'].map((tool) => {
      const { policies, query, nowMs } = inquiry(text, {}, toolTarget(tool))
      const { refusal, ...decision } = decide(policies, query, nowMs)
      const { later, ...told } = refusal ?? {}
      return { decision, later: later?.(), told: JSON.stringify(told).replace(tool.slice(7), '…') }
    })
    expect(there?.decision).toEqual(missing?.decision)
    expect(there?.decision.detail).toBeUndefined()
    expect(there?.told).toBe(missing?.told)
    expect(there?.later).toContain('"bobs" (p.cedar:1:1): principal: principal == User::"bob"')
    expect(missing?.later).not.toContain('bobs')
  })
})

describe('a refusal that cannot be explained', () => {
  test('stands, and the log says so', () => {
    let reads = 0
    const treacherous = {
      get path() {
        if (++reads > 1) throw new Error('no more')
        return 'x'
      },
    }
    const { policies, query, nowMs } = inquiry(`${docs} when { context.input.path == "a" };`, treacherous)
    expect(decide(policies, query, nowMs)).toEqual({
      effect: 'deny',
      policies: [],
      detail: 'not explained: Error: no more',
      refusal: { reason: 'not-permitted', message: 'No policy permits this call.', policies: [] },
    })
  })
})

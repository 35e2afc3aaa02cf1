import { entity, plain } from '@tollgate/cedar'
import { describe, expect, test } from 'vitest'
import { Policies } from './policies.ts'
import { reasonsOf } from './explain.ts'

function reasons(text: string, input: unknown, level = 1) {
  const world = { environment: 'dev', toolFacts: () => undefined }
  const policies = Policies.load([{ file: 'p.cedar', text }], world)
  if (!policies.ok) throw new Error(JSON.stringify(policies.error))
  return reasonsOf(policies.value, {
    principal: entity('User', 'alice', { attrs: { level } }),
    action: entity('Action', 'files__read'),
    resource: entity('Tool', 'files__read'),
    context: { input: plain(input) },
  })
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
      '@id("no") forbid (principal, action, resource) when { context.input.n > 3 } unless { principal.level > 9 };'
    expect(reasons(text, { n: 5 }).detail).toBe(
      '"no" (p.cedar:1:1): context.input.n > 3 [context.input.n = 5] and principal.level <= 9 [principal.level = 1]',
    )
  })

  test('what part of a scope a permit missed', () => {
    const text = '@id("bobs") permit (principal == User::"bob", action, resource);'
    expect(reasons(text, {}).detail).toContain(
      'nearest: "bobs" (p.cedar:1:1): principal: principal == User::"bob"',
    )
  })

  test('policies that could not be evaluated, with the place', () => {
    const { errors } = reasons(`${docs} when { context.input.path > 3 };`, { path: 'x' })
    expect(errors).toEqual([
      expect.stringMatching(/^"docs" \(p\.cedar:1:57\): type error: .*\[context\.input\.path = "x"\]$/),
    ])
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
    ['context.input.deep.path == "a"', ['deep']],
    ['context.input has other', []],
    ['context.input.path == "a" && principal.level > 0', ['path']],
  ])('the arguments that a condition read: %s', (condition, names) => {
    const input = { path: 'x', 'odd name': 2, deep: { path: 1 } }
    expect(reasons(`${docs} when { ${condition} };`, input).almost).toEqual({
      policy: 'docs',
      arguments: names,
    })
  })

  test.each([
    ['another part of the context', 'context.input.path == "a" || context has task'],
    ['the principal', 'principal.level > 9'],
    ['the principal and an argument', 'principal.level > context.input.level'],
  ])('nothing where the condition read %s', (_what, condition) => {
    expect(reasons(`${docs} when { ${condition} };`, { path: 'x', level: 5 }).almost).toBeUndefined()
  })

  test('nothing where the permit is for somebody else', () => {
    const text =
      '@id("bobs") permit (principal == User::"bob", action, resource) when { context.input.path == "a" };'
    expect(reasons(text, { path: 'x' }).almost).toBeUndefined()
  })
})

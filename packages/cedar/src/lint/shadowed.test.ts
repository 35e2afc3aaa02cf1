import { describe, expect, it, test } from 'vitest'
import { expectOnly, policies, SCHEMA } from '../testing/linted.ts'
import { lint } from './lint.ts'

describe('a permit that changes nothing', () => {
  const scopes: readonly (readonly [wide: string, narrow: string])[] = [
    ['principal in G::"g", action, resource', 'principal in G::"g", action == Action::"a", resource'],
    ['principal in G::"g", action, resource', 'principal == G::"g", action, resource'],
    ['principal is U, action, resource', 'principal == U::"u", action, resource is F'],
    ['principal is U, action, resource', 'principal is U in G::"g", action, resource'],
    ['principal in G::"g", action, resource', 'principal is U in G::"g", action, resource'],
    ['principal is U in G::"g", action, resource', 'principal is U in G::"g", action, resource == F::"f"'],
    [
      'principal, action in [Action::"a", Action::"b"], resource',
      'principal, action in [Action::"b", Action::"a"], resource == F::"f"',
    ],
    [
      'principal, action in [Action::"a", Action::"b"], resource',
      'principal, action == Action::"b", resource',
    ],
    ['principal, action in Action::"a", resource', 'principal, action in [Action::"a"], resource in F::"x"'],
  ]
  const named = (wide: string, narrow: string): string =>
    `@id("narrow") permit (${narrow});\n@id("wide") permit (${wide});`
  test.each(scopes)('is reported: another is about (%s)', (wide, narrow) => {
    const found = lint(policies(named(wide, narrow)))
    expect(found).toMatchObject([{ rule: 'shadowed', policy: 'narrow' }])
  })

  test.each([
    ['principal in G::"g", action, resource', 'principal is G, action, resource'],
    ['principal in G::"g", action, resource', 'principal in G::"h", action, resource'],
    ['principal == G::"g", action, resource', 'principal in G::"g", action, resource'],
    ['principal is U in G::"g", action, resource', 'principal in G::"g", action, resource'],
    ['principal is U in G::"g", action, resource', 'principal is U in G::"h", action, resource'],
    ['principal is U in G::"g", action, resource', 'principal == U::"g", action, resource == F::"f"'],
    ['principal is U, action, resource', 'principal in U::"u", action, resource'],
    ['principal, action == Action::"a", resource', 'principal, action in [Action::"a"], resource'],
    [
      'principal, action in [Action::"a"], resource',
      'principal, action in [Action::"a", Action::"b"], resource',
    ],
    ['principal, action in Action::"all", resource', 'principal, action == Action::"read", resource'],
  ])('is not reported when the other is about (%s)', (wide, narrow) => {
    expect(lint(policies(named(wide, narrow))).filter(({ policy }) => policy === 'narrow')).toEqual([])
  })

  const conditions: readonly (readonly [wide: string, narrow: string, isShadowed: boolean])[] = [
    ['when { context.a }', 'when { context.a }', true],
    ['when { context.a }', 'when { context["a"] } unless { context.b }', true],
    ['when { context.a }', 'when { context.b && context.a }', true],
    ['when { true }', 'when { context.a }', true],
    ['unless { context.a }', 'when { !context.a && context.b }', true],
    ['when { context.a }', '', false],
    ['when { context.a }', 'when { context.b }', false],
    ['when { context.a }', 'when { context.a || context.b }', false],
    ['when { context.a && context.b }', 'when { context.a }', false],
  ]
  test.each(conditions)('needs the same or more: %s and %s', (wide, narrow, isShadowed) => {
    const [first, second] = [
      `@id("wide") permit (principal is U, action, resource) ${wide};`,
      `@id("narrow") permit (principal == U::"u", action, resource) ${narrow};`,
    ]
    for (const text of [first + second, second + first]) {
      const found = lint(policies(text)).map(({ rule, policy }) => [rule, policy])
      expect(found).toEqual(isShadowed ? [['shadowed', 'narrow']] : [])
    }
  })

  it('is the later of two that are alike', () => {
    const text =
      '@id("a") permit (principal is U, action, resource);\n@id("b") permit (principal is U, action, resource);'
    expect(lint(policies(text))).toMatchObject([{ rule: 'shadowed', policy: 'b', line: 2 }])
  })

  it('may be void for a forbid', () => {
    const text =
      '@id("a") permit (principal is U, action, resource);\n@id("b") forbid (principal is U, action, resource);'
    expect(lint(policies(text))).toMatchObject([
      { rule: 'shadowed', policy: 'a', message: expect.stringMatching(/"b" at a.cedar:2:1 forbids/) },
    ])
  })

  it('is not reported when a forbid is wider than a forbid, or everything is permitted', () => {
    const forbids =
      '@id("a") forbid (principal is U, action, resource);\n@id("b") forbid (principal == U::"u", action, resource);'
    expect(lint(policies(forbids))).toEqual([])
    const everything =
      '@id("a") permit (principal, action, resource);\n@id("b") permit (principal == U::"u", action, resource);'
    expect(lint(policies(everything)).map(({ rule }) => rule)).toEqual(['unscoped'])
  })

  it('may be in an action that contains its own, as the schema says', () => {
    const text =
      '@id("a") permit (principal is User, action in Action::"all", resource);\n@id("b") permit (principal is User, action == Action::"write", resource);'
    expectOnly('shadowed', text, '@id("b")', { schema: SCHEMA })
    expectOnly('shadowed', text, undefined)
  })
})

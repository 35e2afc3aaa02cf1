import { describe, expect, it, test } from 'vitest'
import { expectOnly, policies, SCHEMA, USER_READS } from '../testing/linted.ts'
import { lint } from './lint.ts'

describe('a policy that never applies', () => {
  const hits: readonly (readonly [text: string, place: string])[] = [
    ['permit (principal, action in [], resource);', 'permit'],
    ['permit (principal, action, resource) when { false };', 'false'],
    ['permit (principal, action, resource) unless { true };', 'true'],
    ['permit (principal, action, resource) when { context.a && 1 > 2 };', '> 2'],
    ['permit (principal, action, resource) when { principal in [] };', 'in []'],
    ['permit (principal, action, resource) when { principal == "alice" };', '== "alice"'],
    [
      'permit (principal, action, resource) when { action == Action::"a" && action == Action::"b" };',
      '== Action::"b"',
    ],
    ['permit (principal, action == Action::"a", resource) when { action == Action::"b" };', '== Action::"b"'],
    ['permit (principal, action, resource is File) when { resource is Folder };', 'is Folder'],
    ['permit (principal == User::"a", action, resource) when { principal is Group };', 'is Group'],
    ['permit (principal, action, resource) when { context.a == 1 } when { 2 == context.a };', '== context.a'],
    ['permit (principal, action, resource) when { context.a < 5 && context.a >= 5 };', '>= 5'],
    ['permit (principal, action, resource) when { 5 < context.a && context.a < 6 };', '< 6'],
    ['permit (principal, action, resource) when { context.a == 7 && context.a < 6 };', '< 6'],
    ['permit (principal, action, resource) when { context.a } unless { context.a || context.b };', 'a || '],
    ['permit (principal, action, resource) when { context.a == 1 && context.a != 1 };', '!= 1'],
    ['forbid (principal, action, resource) when { !(context.a like "x*") && context.a like "x*" };', 'like'],
  ]
  test.each(hits)('is reported: %s', (text, place) => expectOnly('never-applies', text, place))

  test.each([
    'permit (principal, action in [Action::"a"], resource);',
    'permit (principal, action, resource) when { true };',
    'permit (principal, action, resource) when { action == Action::"a" || action == Action::"b" };',
    'permit (principal in User::"a", action, resource) when { principal == User::"b" };',
    'permit (principal, action, resource is File) when { resource.parent is Folder };',
    'permit (principal, action, resource) when { context.a < 5 && context.b >= 5 };',
    'permit (principal, action, resource) when { 4 < context.a && context.a < 6 };',
    'permit (principal, action, resource) when { context.a == 1 || context.a != 1 };',
    'permit (principal, action, resource) when { context.a == 1 && context.a == 1 };',
    'permit (principal, action, resource) when { context.a == 1 && context.a < 2 };',
  ])('is not reported where it may: %s', (text) => expectOnly('never-applies', text, undefined))

  const bySchema: readonly (readonly [text: string, message: RegExp, suggestion?: string | undefined])[] = [
    ['permit (principal, action == Action::"raed", resource);', /no action Action::"raed"/, 'Action::"read"'],
    ['permit (principal is Usr, action, resource);', /no entity type Usr/, 'User'],
    ['permit (principal in Gruop::"x", action, resource);', /no entity type Gruop/, 'Group'],
    ['permit (principal, action == Action::"all", resource);', /applies to anything/],
    [
      'permit (principal is Robot, action == Action::"write", resource);',
      /none of its actions applies to such a principal/,
    ],
    [
      'permit (principal, action in Action::"change", resource is Folder);',
      /none of its actions applies to such a resource/,
    ],
    [
      'permit (principal is Robot, action, resource is Folder);',
      /no action applies to such a principal and such a resource/,
    ],
    ['permit (principal in File::"x", action, resource);', /applies to such a principal/],
    ['permit (principal, action, resource == Mode::"medium");', /applies to such a resource/],
    [`${USER_READS} when { principal is Robot };`, /never|contradicts/],
    ['permit (principal, action in Action::"change", resource) when { principal is Robot };', /never true/],
    [
      'permit (principal, action, resource) when { action in Action::"change" && resource is Folder };',
      /one condition or another|never true/,
    ],
    [`${USER_READS} when { context has pth };`, /context has pth is never true/],
    [`${USER_READS} when { resource.hasTag("x") };`, /never true/],
    [`${USER_READS} when { principal in resource };`, /never true/],
  ]
  it.each(bySchema.map(([text, ...rest]) => [text, rest] as const))(
    'is found by the schema: %s',
    (text, [message, suggestion]) => {
      const [finding, ...more] = lint(policies(text), { schema: SCHEMA })
      expect(more).toEqual([])
      expect(finding).toMatchObject({ rule: 'never-applies', message: expect.stringMatching(message) })
      expect(finding?.suggestion).toBe(suggestion)
    },
  )

  test.each([
    'permit (principal in Group::"x", action in Action::"change", resource in Folder::"y");',
    'permit (principal, action in [Action::"all"], resource == Mode::"fast");',
    'permit (principal is Robot, action, resource);',
    'permit (principal, action, resource is Mode) when { principal.level > 1 };',
    'permit (principal, action, resource) when { action in [Action::"change", Action::"all"] };',
  ])('is not reported where the schema has room for it: %s', (text) => {
    expectOnly('never-applies', text, undefined, { schema: SCHEMA })
  })

  it('is not reported of a template that can be filled', () => {
    const text = 'permit (principal == ?principal, action == Action::"read", resource in ?resource);'
    expect(lint(policies(text), { schema: SCHEMA })).toEqual([])
  })
})

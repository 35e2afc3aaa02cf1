import { describe, expect, it, test } from 'vitest'
import { expectOnly, policies, SCHEMA, USER_READS, places } from '../testing/linted.ts'
import { lint } from './lint.ts'

describe('an attribute that may be absent', () => {
  const hits: readonly (readonly [condition: string, place: string])[] = [
    ['when { context.path == "x" }', 'path == '],
    ['when { context["path"] == "x" }', '["path"]'],
    ['when { principal.nick like "a*" }', 'nick like'],
    ['when { principal.manager.level > 1 }', 'manager.'],
    ['when { principal has manager && principal.manager.nick == "x" }', 'nick =='],
    ['when { resource.owner.nick == "x" }', 'nick =='],
    ['when { resource.meta.note == "x" }', 'note =='],
    ['when { context has path || context.path == "x" }', 'path == '],
    ['when { context.path == "x" && context has path }', 'path == '],
    ['when { !(context has path) && context.path == "x" }', 'path == '],
    ['when { if context has path then true else context.path == "x" }', 'path == '],
    ['when { (context has path || context.limit > 1) && context.path == "x" }', 'path == '],
    ['when { (!(context has path) || context has path) && context.path == "x" }', 'path == '],
    ['unless { context has path && context.limit > 1 } when { context.path == "x" }', 'path == '],
    ['unless { context has path } when { context.path == "x" }', 'path == '],
    ['when { context has task && context.task.depth > 1 }', 'depth >'],
    ['when { context has task.id && context.task.depth > 1 }', 'depth >'],
    ['when { context.task.id == "x" || context.limit > 1 }', 'task.id'],
    ['when { principal.getTag("team") == "x" }', 'getTag("team")'],
    ['when { principal.hasTag("team") && principal.getTag("other") == "x" }', 'getTag("other")'],
    ['when { { a: principal.nick } has a }', 'nick }'],
    ['when { [principal.nick].contains("x") }', 'nick]'],
    ['when { User::"x" has nick && principal.nick == "x" }', 'nick == '],
  ]
  test.each(hits)('is reported: %s', (condition, place) => {
    expectOnly('unguarded-attribute', `${USER_READS}\n${condition};`, place, { schema: SCHEMA })
  })

  const misses = [
    'when { context.limit > 1 && principal.level > 2 && resource.owner.level > 3 }',
    'when { context has path && context.path == "x" }',
    'when { context has "path" && context["path"] == "x" }',
    'when { context has path } when { context.path == "x" }',
    'unless { context has path && context.path == "x" }',
    'unless { !(context has path) } when { context.path == "x" }',
    'unless { !(context has path) || context.path == "x" }',
    'when { !(context has path) || context.path == "x" }',
    'when { !(!(context has path)) && context.path == "x" }',
    'when { if context has path then context.path == "x" else true }',
    'when { if !(context has path) then true else context.path == "x" }',
    'when { (if context has path then true else false) && context.path == "x" }',
    'when { (context has path && true || context has path) && context.path == "x" }',
    'when { (context has path && context.limit > 1) && context.path == "x" }',
    'when { false && context.path == "x" }',
    'when { true || context.path == "x" }',
    'when { principal is Robot && context.path == "x" }',
    'when { action == Action::"write" && context.path == "x" }',
    'when { context has task.depth && context.task.depth > 1 }',
    'when { context has task && context.task has depth && context.task.depth > 1 }',
    'when { context has task && context.task.id == "x" }',
    'when { principal has manager.nick && principal.manager.nick == "x" }',
    'when { principal.hasTag("team") && principal.getTag("team") == "x" }',
    'when { {a: 1}.a == 1 }',
  ]
  test.each(misses)('is not reported where it is surely there: %s', (condition) => {
    expectOnly('unguarded-attribute', `${USER_READS}\n${condition};`, undefined, { schema: SCHEMA })
  })

  it('is an error that names the actions, and says what to test', () => {
    const text = 'permit (principal is User, action, resource is File)\nwhen { context.path == "x" };'
    expect(lint(policies(text), { schema: SCHEMA })).toEqual([
      {
        rule: 'unguarded-attribute',
        severity: 'error',
        policy: 'policy0',
        message: 'context.path is optional for Action::"read": where it is absent, reading it is an error',
        file: 'a.cedar',
        line: 2,
        column: 16,
        suggestion: 'context has path && …',
      },
    ])
  })

  it('may not exist for some actions and be there for others', () => {
    const text = 'permit (principal is User, action, resource is File) when { context.limit > 1 };'
    const [finding] = lint(policies(text), { schema: SCHEMA })
    expect(finding?.rule).toBe('unguarded-attribute')
    expect(finding?.message).toMatch(/does not exist for Action::"write"/)
  })

  it('is reported once for each policy, where it is read first', () => {
    const text = `${USER_READS}\nwhen { context.path == "a" || context.path == "b" };`
    expectOnly('unguarded-attribute', text, 'path == "a"', { schema: SCHEMA })
  })

  const guesses: readonly (readonly [conditions: string, place: string | undefined])[] = [
    ['when { context.task == 2 }\nunless { context has task && context.task == 1 }', 'task == 2'],
    ['unless { context has task && context.task == 1 }\nwhen { context.task == 2 }', 'task == 2'],
    ['when { context.a.b == 1 || context has a.b && context.a.b > 1 }', 'a.b == 1'],
    ['when { principal.getTag("t") == "x" || principal.hasTag("t") }', 'getTag'],
    ['unless { !(context has task) || context.task == 1 }\nwhen { context.task == 2 }', undefined],
    ['when { context has a.b && context.a.c == 1 && context.a.b == 1 }', undefined],
    ['when { context.input.path == "x" && principal.a.b == 2 }', undefined],
    ['when { context has path && context.path == "x" }', undefined],
  ]
  test.each(guesses)(
    'is guessed without a schema from what the policy itself tests: %s',
    (conditions, place) => {
      const [found] = places('unguarded-attribute', `permit (principal, action, resource)\n${conditions};`)
      expect(found?.slice(0, place?.length)).toBe(place)
    },
  )
})

import { describe, expect, it, test } from 'vitest'
import { expectOnly, policies, SCHEMA } from '../testing/linted.ts'
import { lint } from './lint.ts'

describe('values of different types', () => {
  const hits: readonly (readonly [condition: string, place: string, message: RegExp])[] = [
    ['principal == "alice"', '== "alice"', /an entity is never equal to a String/],
    ['context.a + 1 == "2"', '== "2"', /a Long .* a String/],
    ['principal == context || context.a', '== context', /an entity .* a record/],
    ['datetime("2024-01-01") != duration("1h") && context.a', '!= duration', /a datetime .* a duration/],
    ['["a", "b"].contains(1) || context.a', 'contains', /a String .* a Long/],
  ]
  test.each(hits)('are reported: %s', (condition, place, message) => {
    const text = `permit (principal, action, resource)\nwhen { ${condition} };`
    expectOnly('different-types', text, place)
    const found = lint(policies(text)).find(({ rule }) => rule === 'different-types')
    expect(found?.message).toMatch(message)
  })

  test.each([
    'context.a == "x"',
    'context.a == 1 || context.a == "x"',
    'principal == resource',
    '[1, "a"].contains("b") || context.a',
    '[].contains("b") || context.a',
    '[1] == ["a"] || context.a',
    'context == {a: 1}',
  ])('are not reported where they may be the same: %s', (condition) => {
    expectOnly('different-types', `permit (principal, action, resource) when { ${condition} };`, undefined)
  })

  it('are those of the schema, if they are nowhere the same', () => {
    const compare = (condition: string): string =>
      `permit (principal, action, resource) when { ${condition} };`
    expectOnly('different-types', compare('principal == User::"x"'), undefined, { schema: SCHEMA })
    expectOnly('different-types', compare('principal == File::"x"'), '== File', { schema: SCHEMA })
    expectOnly('different-types', compare('context has limit && context.limit == "1"'), '== "1"', {
      schema: SCHEMA,
    })
  })
})

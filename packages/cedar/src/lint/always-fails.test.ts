import { describe, expect, it, test } from 'vitest'
import { expectOnly, policies, SCHEMA, USER_READS } from '../testing/linted.ts'
import { lint } from './lint.ts'

describe('an error in any case', () => {
  const hits: readonly (readonly [condition: string, place: string])[] = [
    ['1 < "2"', '< "2"'],
    ['context.limit > 9223372036854775807 + 1', '+ 1'],
    ['context.ip.isInRange(ip("localhost"))', 'ip("localhost")'],
    ['context.limit > 1 || decimal("1.23456").lessThan(decimal("1.0"))', 'decimal("1.2'],
    ['"abc".contains("b")', 'contains'],
    ['principal + 1 == 2', '+ 1'],
    ['context', 'context'],
    ['1', '1'],
    ['if 1 then true else false', 'if 1'],
    ['ip("10.0.0.1", "x") == 1', 'ip('],
    ['[1, 2 + "x"].contains(1)', '+ "x"'],
  ]
  test.each(hits)('is reported: %s', (condition, place) => {
    expectOnly('always-fails', `permit (principal, action, resource)\nwhen { ${condition} };`, place)
  })

  test.each([
    'context.a < context.b || true',
    'context.limit > 9223372036854775806 + 1',
    'ip("10.0.0.0/8").isInRange(ip(context.range))',
    'principal.level + 1 == 2',
    'User::"x".level == 1',
    'principal in [resource, context.owner]',
  ])('is not reported where it depends: %s', (condition) => {
    expectOnly('always-fails', `permit (principal, action, resource)\nwhen { ${condition} };`, undefined)
  })

  it('is an attribute that exists nowhere, with the likely one', () => {
    const [finding] = lint(policies(`${USER_READS} when { context.limitt > 1 };`), { schema: SCHEMA })
    expect(finding).toMatchObject({ rule: 'always-fails', severity: 'error', suggestion: 'limit' })
    expect(finding?.message).toBe('this is always an error: context has no attribute "limitt"')
    const [tag] = lint(policies(`${USER_READS} when { resource.getTag("x") == "y" };`), { schema: SCHEMA })
    expect(tag).toMatchObject({ rule: 'always-fails', message: expect.stringMatching(/File have no tags/) })
  })
})

import { describe, expect, it, test } from 'vitest'
import { entity } from '../values/entity.ts'
import { verdict } from '../testing/verdict.ts'
import type { Verdict } from '../testing/verdict.ts'

function table(rows: readonly (readonly [expression: string, expected: Verdict])[]): void {
  test.each(rows)('%s is %s', (expression, expected) => {
    expect(verdict(expression)).toBe(expected)
  })
}

describe('logic', () => {
  table([
    ['true', 'true'],
    ['!true', 'false'],
    ['!!true', 'true'],
    ['1', 'error'],
    ['!1', 'error'],
    ['false && 1 == 1', 'false'],
    ['false && 1', 'false'],
    ['true && 1', 'error'],
    ['1 && true', 'error'],
    ['true || 1', 'true'],
    ['false || 1', 'error'],
    ['false || true || 1', 'true'],
    ['true && false || true', 'true'],
    ['context.missing || true', 'error'],
    ['false && context.missing', 'false'],
    ['if true then 1 == 1 else context.missing', 'true'],
    ['if false then context.missing else false', 'false'],
    ['if 1 then true else true', 'error'],
    ['if true then 1 else true', 'error'],
    ['(if false then 1 else true) && true', 'true'],
  ])
})

describe('equality', () => {
  table([
    ['1 == 1', 'true'],
    ['1 == "1"', 'false'],
    ['1 != "1"', 'true'],
    ['true == 1', 'false'],
    ['"a" == "a"', 'true'],
    ['principal == User::"alice"', 'true'],
    ['principal == User::"bob"', 'false'],
    ['principal == "alice"', 'false'],
    ['User::"x" == User::"x"', 'true'],
    ['User::"x" == A::User::"x"', 'false'],
    ['[1, 2, 2] == [2, 1]', 'true'],
    ['[1] == [[1]]', 'false'],
    ['["1"] == [1]', 'false'],
    ['{a: 1, b: [2]} == {b: [2], "a": 1}', 'true'],
    ['{a: 1} == {a: 1, b: 1}', 'false'],
    ['[] == {}', 'false'],
    ['[{a: 1}, principal] == [User::"alice", {a: 1}]', 'true'],
    ['9223372036854775807 == 9223372036854775807', 'true'],
    ['9007199254740993 == 9007199254740992', 'false'],
    ['decimal("1.0") == decimal("1.0000")', 'true'],
    ['decimal("1.0") == 1', 'false'],
    ['ip("10.0.0.0/8") == ip("10.0.0.0")', 'false'],
    ['ip("::1") == ip("0:0:0:0:0:0:0:1")', 'true'],
    ['duration("1h") == duration("60m")', 'true'],
    ['datetime("2024-01-01") == datetime("2024-01-01T00:00:00Z")', 'true'],
    ['duration("1ms") == datetime("1970-01-01T00:00:00.001Z")', 'false'],
  ])
})

describe('ordering and arithmetic', () => {
  table([
    ['1 < 2', 'true'],
    ['2 <= 2', 'true'],
    ['2 > 2', 'false'],
    ['3 >= 2', 'true'],
    ['-1 < 1', 'true'],
    ['"a" < "b"', 'error'],
    ['1 < "b"', 'error'],
    ['decimal("1.0") < decimal("2.0")', 'error'],
    ['datetime("2024-01-01") < datetime("2024-01-02")', 'true'],
    ['duration("1s") >= duration("1000ms")', 'true'],
    ['duration("1s") < datetime("2024-01-02")', 'error'],
    ['1 + 2 * 3 - 4 == 3', 'true'],
    ['9223372036854775807 + 1 == 0', 'error'],
    ['-9223372036854775808 - 1 == 0', 'error'],
    ['-9223372036854775808 + 0 == -9223372036854775808', 'true'],
    ['--9223372036854775808 == 0', 'error'],
    ['-(-9223372036854775807) == 9223372036854775807', 'true'],
    ['9223372036854775807 - 1 < 9223372036854775807', 'true'],
    ['4294967296 * 4294967296 == 0', 'error'],
    ['3037000499 * 3037000499 == 9223372030926249001', 'true'],
    ['9007199254740991 + 2 == 9007199254740993', 'true'],
    ['0 * -1 == 0', 'true'],
    ['[0 * -1] == [0]', 'true'],
    ['-"a" == 1', 'error'],
    ['1 + "a" == 1', 'error'],
  ])
})

describe('entities', () => {
  table([
    ['principal in Group::"staff"', 'true'],
    ['principal in Org::"corp"', 'true'],
    ['principal in Group::"other"', 'false'],
    ['principal in principal', 'true'],
    ['User::"nobody" in User::"nobody"', 'true'],
    ['User::"nobody" in Group::"staff"', 'false'],
    ['User::"alice" in Group::"staff"', 'true'],
    ['principal in [Group::"other", Group::"staff"]', 'true'],
    ['principal in []', 'false'],
    ['principal in [Group::"staff", 1]', 'error'],
    ['principal in "staff"', 'error'],
    ['"alice" in Group::"staff"', 'error'],
    ['action in Action::"any"', 'true'],
    ['principal is User', 'true'],
    ['principal is A::User', 'false'],
    ['principal is User in Group::"staff"', 'true'],
    ['principal is Service in 1', 'false'],
    ['principal is User in 1', 'error'],
    ['1 is User', 'error'],
    ['principal.age == 42', 'true'],
    ['principal["age"] == 42', 'true'],
    ['User::"alice".age == 42', 'true'],
    ['principal.manager.age == 50', 'true'],
    ['principal.missing == 1', 'error'],
    ['User::"nobody".age == 1', 'error'],
    ['User::"nobody" has age', 'false'],
    ['principal has age', 'true'],
    ['principal has manager.age', 'true'],
    ['principal has manager.missing.age', 'false'],
    ['principal has missing.age', 'false'],
    ['principal has age.x', 'error'],
    ['"a" has b', 'error'],
    ['principal has "two words"', 'false'],
    ['principal.getTag("department") == "sales"', 'true'],
    ['principal.getTag("missing") == "sales"', 'error'],
    ['principal.hasTag("department")', 'true'],
    ['principal.hasTag("missing")', 'false'],
    ['principal.hasTag(1)', 'error'],
    ['User::"nobody".hasTag("a")', 'false'],
    ['User::"nobody".getTag("a") == 1', 'error'],
    ['"a".hasTag("a")', 'error'],
  ])

  it('are found in the store by reference only', () => {
    const store = new Map([['User::"carol"', entity('User', 'carol', { attrs: { age: 7 } })]])
    expect(verdict('User::"carol".age == 7', {}, store)).toBe('true')
    expect(
      verdict('context.who.age == 7', { who: entity('User', 'carol', { attrs: { age: 8 } }) }, store),
    ).toBe('false')
  })
})

describe('names that objects have by nature', () => {
  table([
    ['context has constructor', 'false'],
    ['context has __proto__', 'false'],
    ['context has toString', 'false'],
    ['principal has hasOwnProperty', 'false'],
    ['context.__proto__ == 1', 'error'],
    ['context.constructor == 1', 'error'],
    ['{__proto__: 1}.__proto__ == 1', 'true'],
    ['{__proto__: context.missing} == 1', 'error'],
    ['{"__proto__": {a: 1}} has a', 'false'],
    ['{constructor: 1} == {constructor: 1}', 'true'],
    ['{} has valueOf', 'false'],
    ['principal.hasTag("constructor")', 'false'],
  ])
})

describe('sets', () => {
  table([
    ['[1, "a", principal].contains(User::"alice")', 'true'],
    ['[1, 2].contains("1")', 'false'],
    ['[[1, 2]].contains([2, 1])', 'true'],
    ['[{a: 1}].contains({a: 1})', 'true'],
    ['[1, 2, 3].containsAll([3, 1])', 'true'],
    ['[1, 2].containsAll([])', 'true'],
    ['[1, 2].containsAll([1, 4])', 'false'],
    ['[1, 2].containsAny([4, 2])', 'true'],
    ['[1, 2].containsAny([])', 'false'],
    ['[[1]].containsAny([[1]])', 'true'],
    ['[].isEmpty()', 'true'],
    ['[1].isEmpty()', 'false'],
    ['{}.isEmpty()', 'error'],
    ['"abc".contains("a")', 'error'],
    ['[1].containsAll(1)', 'error'],
    ['principal.labels.contains("a")', 'true'],
    ['[context.missing].isEmpty()', 'error'],
  ])
})

describe('like', () => {
  table([
    ['"abc" like "abc"', 'true'],
    ['"abc" like "a*"', 'true'],
    ['"abc" like "*c"', 'true'],
    ['"abc" like "*b*"', 'true'],
    ['"abc" like "a*c"', 'true'],
    ['"ab" like "ab*b"', 'false'],
    ['"aXbXc" like "a*b*c"', 'true'],
    ['"abab" like "*ab*ab*ab*"', 'false'],
    ['"" like "*"', 'true'],
    ['"" like ""', 'true'],
    ['"a" like ""', 'false'],
    ['"a*c" like "a\\*c"', 'true'],
    ['"abc" like "a\\*c"', 'false'],
    ['"a?c" like "a?c"', 'true'],
    ['"abc" like "a.c"', 'false'],
    ['"a\\nb" like "a*b"', 'true'],
    ['"😀" like "*😀*"', 'true'],
    ['"aa" like "a**a"', 'true'],
    ['1 like "*"', 'error'],
  ])
})

describe('string escapes', () => {
  table([
    ['"\\u{41}\\x42\\n\\t\\r\\0\\\\\\"\\\'" == "AB\\u{a}\\u{9}\\u{d}\\u{0}\\u{5c}\\u{22}\\u{27}"', 'true'],
    ['"\\u{1F600}" == "😀"', 'true'],
    ['"*" like "\\u{2a}"', 'true'],
    ['"x" like "\\x2a"', 'true'],
  ])
})

import { describe, expect, it, test } from 'vitest'
import { decimalFromNumber } from './decimal.ts'
import { datetimeFromMs } from './datetime.ts'
import { entity, reference } from './entity.ts'
import { parseIp } from './ip.ts'
import { plain, set } from './values.ts'
import { verdict } from '../testing/verdict.ts'
import type { Verdict } from '../testing/verdict.ts'

function about(json: string, rows: readonly (readonly [expression: string, expected: Verdict])[]): void {
  test.each(rows)(`with ${json}: %s is %s`, (expression, expected) => {
    expect(verdict(expression, { input: plain(JSON.parse(json)) })).toBe(expected)
  })
}

describe('plain data', () => {
  about('{"text": "a", "flag": false, "list": ["x", "y", "x"], "inner": {"n": 1}}', [
    ['context.input.text == "a"', 'true'],
    ['context.input.flag', 'false'],
    ['context.input.list.containsAll(["y", "x"])', 'true'],
    ['context.input.list == ["x", "y"]', 'true'],
    ['context.input.inner == {n: 1}', 'true'],
    ['context.input.inner.n + 1 == 2', 'true'],
    ['context.input has inner.n', 'true'],
    ['context.input has inner.m', 'false'],
    ['context.input.list.contains(context.input.inner)', 'false'],
  ])
  about('{"int": 9007199254740991, "zero": -0, "big": 9007199254740992, "half": 0.5, "tenth": 0.1}', [
    ['context.input.int == 9007199254740991', 'true'],
    ['context.input.zero == 0', 'true'],
    ['context.input has big', 'true'],
    ['context.input.big == 1', 'error'],
    ['context.input.half == decimal("0.5")', 'true'],
    ['context.input.tenth.lessThan(decimal("0.2"))', 'true'],
    ['context.input.half == 0', 'false'],
  ])
  about('{"nothing": null, "fine": 0.00001, "list": [1, null], "deep": {"a": {"b": null}}}', [
    ['context.input has nothing', 'true'],
    ['context.input.nothing == 1', 'error'],
    ['context.input.fine == 1', 'error'],
    ['context.input.list.isEmpty()', 'false'],
    ['context.input.list.contains(1)', 'error'],
    ['[1].containsAny(context.input.list)', 'error'],
    ['context.input.deep has a.b', 'true'],
    ['context.input.deep.a == {b: 1}', 'error'],
    ['context.input.deep == context.input.deep', 'error'],
    ['[context.input.deep].contains(1)', 'error'],
    ['context.input.deep == 1', 'false'],
  ])
  about('{"__proto__": {"x": 1}, "constructor": 5}', [
    ['context.input has __proto__', 'true'],
    ['context.input.__proto__.x == 1', 'true'],
    ['context.input has x', 'false'],
    ['context.input.constructor == 5', 'true'],
    ['context.input has toString', 'false'],
    ['context.input.toString == 1', 'error'],
    ['context.input == {"__proto__": {x: 1}, constructor: 5}', 'true'],
  ])
  about('{"__entity": {"type": "User", "id": "alice"}, "e": {"__extn": {"fn": "ip", "arg": "::1"}}}', [
    ['context.input == principal', 'false'],
    ['context.input in principal', 'error'],
    ['context.input.__entity.id == "alice"', 'true'],
    ['context.input.e.isLoopback()', 'error'],
  ])

  it('is not read beyond what the policy asks for', () => {
    const input = {
      get secret(): never {
        throw new Error('read')
      },
      path: 'a',
    }
    expect(verdict('context.input.path == "a"', { input: plain(input) })).toBe('true')
  })

  it('may be nested deeper than the stack', () => {
    const input = plain(JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`))
    expect(verdict('context.input == []', { input })).toBe('error')
    expect(verdict('context.input.isEmpty()', { input })).toBe('false')
  })
})

describe('a name that someone put on every object', () => {
  it('is still not an attribute', () => {
    Object.assign(Object.prototype, { polluted: true })
    try {
      expect(verdict('context has polluted || principal has polluted', { input: {} })).toBe('false')
      expect(verdict('context.input.polluted', { input: {} })).toBe('error')
      expect(verdict('context.polluted', { polluted: false })).toBe('false')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'polluted')
    }
  })
})

describe('values made in JavaScript', () => {
  const context = {
    who: entity('Agent', 'a', { attrs: { trusted: true }, parents: [entity('Group', 'g')] }),
    named: reference('User', 'alice'),
    labels: set(['x', 'y']),
    at: datetimeFromMs(0),
    ip: parseIp('10.0.0.1') ?? null,
    big: 2n ** 63n - 1n,
    huge: 2n ** 63n,
    small: 5n,
    absent: undefined,
    weight: decimalFromNumber(1.5) ?? null,
  }
  test.each<readonly [string, Verdict]>([
    ['context.who.trusted && context.who in Group::"g"', 'true'],
    ['context.named == principal && context.named.age == 42', 'true'],
    ['context.labels.contains("y")', 'true'],
    ['context.at == datetime("1970-01-01")', 'true'],
    ['context.ip.isInRange(ip("10.0.0.0/8"))', 'true'],
    ['context.big == 9223372036854775807', 'true'],
    ['context.huge == 1', 'error'],
    ['context.small == 5', 'true'],
    ['context has absent', 'false'],
    ['context.absent == 1', 'error'],
    ['context.weight == decimal("1.5")', 'true'],
  ])('%s is %s', (expression, expected) => {
    expect(verdict(expression, context)).toBe(expected)
  })
})

describe('an entity', () => {
  it('is in its parents and theirs', () => {
    const top = entity('A', 'top')
    const bottom = entity('A', 'bottom', {
      parents: [entity('A', 'middle', { parents: [top] }), entity('B', 'x')],
    })
    expect([...bottom.ancestors].sort()).toEqual(['A::"middle"', 'A::"top"', 'B::"x"'])
  })

  it('has a uid that no other type and id share', () => {
    expect(entity('A', 'b::"c').uid).not.toBe(entity('A::b', 'c').uid)
    expect(entity('A', '').uid).toBe('A::""')
  })

  it('needs a type that Cedar can name', () => {
    for (const type of ['', 'A::', 'A B', '1A', 'A"', 'A:B'])
      expect(() => entity(type, 'x')).toThrow(RangeError)
  })
})

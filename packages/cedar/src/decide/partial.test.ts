import { describe, expect, it, test } from 'vitest'
import { entity } from '../values/entity.ts'
import { parseDatetime } from '../values/datetime.ts'
import { explain } from './explain.ts'
import { decidePartial, residuals } from './partial.ts'
import type { PartialOptions } from './unknown.ts'
import { ALICE, policySet, request } from '../testing/verdict.ts'
import type { RecordValue } from '../values/values.ts'

const LABELS = Array.from({ length: 40 }, (_, index) => `label-${index}`)
const ANY = '(principal, action, resource)'

function partial(text: string, context: RecordValue = {}, unknown = ['context.input']) {
  return decidePartial(policySet(text), request(context), { unknown })
}

describe('with part of the context unknown, a decision', () => {
  test.each([
    ['allow', `permit ${ANY};`],
    ['allow', `permit ${ANY} when { true || context.input.a };`],
    ['allow', `permit ${ANY}; permit ${ANY} when { context.input.a };`],
    ['allow', `permit ${ANY}; forbid ${ANY} when { context.input.a && false };`],
    ['allow', `permit ${ANY} when { if true then true else context.input };`],
    ['deny', ''],
    ['deny', `permit ${ANY} when { context.input.a && false };`],
    ['deny', `permit ${ANY} when { context.input.a }; forbid ${ANY};`],
    ['deny', `permit ${ANY} when { context.input.a && context.missing };`],
    ['deny', `permit ${ANY} when { if context.input.a then false else 1 };`],
    ['deny', `permit ${ANY} when { context.input.a == 1 && context.input.a == 2 };`],
    ['deny', `permit ${ANY} when { context.input.a == 1 && !(context.input has a) };`],
    ['deny', `permit ${ANY} when { context.input.a }; forbid ${ANY} when { context.input has a };`],
    [
      'deny',
      `permit ${ANY} when { context.input.a < 3 }; forbid ${ANY} unless { false && context.input.a };`,
    ],
    ['allow', `permit ${ANY} when { context has input }; permit ${ANY} unless { context has input };`],
    ['allow', `permit ${ANY}; forbid ${ANY} when { context.input != context.input };`],
    ['deny', `permit (principal, action, resource == File::"other") when { context.input.a };`],
    ['depends', `permit ${ANY} when { context.input.a };`],
    ['depends', `permit ${ANY} when { context has input };`],
    ['depends', `permit ${ANY} when { context.input.path like "/x/*" };`],
    ['depends', `permit ${ANY} when { context.input.a || true };`],
    ['depends', `permit ${ANY} unless { context.input.a == 1 };`],
    ['depends', `permit ${ANY} when { {a: context.input}.a == 1 };`],
    ['depends', `permit ${ANY} when { [context.input].contains(1) };`],
    ['depends', `permit ${ANY} when { context == context };`],
    ['depends', `permit ${ANY} when { context.input == User::"carol" && context.input.age > 1 };`],
    [
      'depends',
      `permit ${ANY} when { context.input.a == 1 }; permit ${ANY} unless { context.input has a };
       forbid ${ANY} when { context.input has a };`,
    ],
    ['depends', `permit ${ANY} when { [context].contains({input: 1}) };`],
    ['depends', `permit ${ANY} when { if context.input.a then true else false };`],
    ['depends', `permit ${ANY} when { principal is User in context.input };`],
    ['depends', `permit ${ANY} when { ip(context.input.a).isLoopback() };`],
    ['depends', `permit ${ANY}; forbid ${ANY} when { context.input.a };`],
  ])('is %s for %s', (expected, text) => {
    expect(partial(text, { input: 1 }).decision).toBe(expected)
    expect(partial(text).decision).toBe(expected)
  })

  it('says which policies are certain, possible, failing and possibly failing', () => {
    const text = `permit ${ANY}; permit ${ANY} when { context.input.a }; forbid ${ANY} when { 1 };
      forbid ${ANY} when { context has input }; forbid ${ANY} when { context.input.a && false };`
    expect(partial(text)).toEqual({
      decision: 'depends',
      determining: ['policy0'],
      possible: ['policy1', 'policy3'],
      errors: [{ policy: 'policy2', message: 'type error: expected a boolean, found a Long' }],
      possibleErrors: ['policy1', 'policy4'],
    })
  })

  it('takes a path into records, and its beginning where the path breaks off', () => {
    const text = `permit ${ANY} when { context.task.purpose == "x" && context.task.extra == 1 };`
    expect(partial(text, { task: { purpose: 'x' } }, ['context.task.extra']).decision).toBe('depends')
    expect(partial(text, { task: { purpose: 'y' } }, ['context.task.extra']).decision).toBe('deny')
    expect(partial(text, {}, ['context.task.extra']).decision).toBe('depends')
  })

  it('does not accept a path elsewhere, nor a type of what is known', () => {
    expect(() => partial('', {}, ['input'])).toThrow(RangeError)
    expect(() => partial('', {}, ['context.'])).toThrow(RangeError)
    const options = { unknown: ['principal'], types: { resource: 'File' } }
    expect(() => decidePartial(policySet(''), request(), options)).toThrow(RangeError)
  })
})

describe('with other parts unknown, a decision', () => {
  const decided = (text: string, options: PartialOptions): string =>
    decidePartial(policySet(text), request({ hour: 9 }), options).decision

  test.each([
    ['depends', 'resource', 'permit (principal, action, resource in Folder::"home");'],
    ['depends', 'resource', `permit ${ANY} when { resource.size < 100 };`],
    [
      'depends',
      'resource',
      'permit (principal, action, resource); forbid (principal, action, resource is Secret);',
    ],
    ['deny', 'resource', 'permit (principal == User::"bob", action, resource);'],
    ['deny', 'resource', `permit ${ANY} when { resource == principal && principal is File };`],
    ['deny', 'resource', `permit ${ANY} when { resource == "File" };`],
    ['deny', 'resource', `permit ${ANY} when { resource is File && resource + 1 == 2 };`],
    ['allow', 'resource', `permit ${ANY} when { resource in resource && resource == resource };`],
    ['depends', 'principal', 'permit (principal in Group::"staff", action, resource);'],
    ['depends', 'principal', `permit ${ANY} when { User::"carol".age > 18 };`],
    ['allow', 'principal', 'permit (principal, action, resource) when { context.hour < 12 };'],
    ['depends', 'action', 'permit (principal, action in [Action::"read"], resource);'],
    ['deny', 'action', `permit ${ANY} when { action is User };`],
    ['depends', 'context', `permit ${ANY} when { context.hour < 12 };`],
    ['deny', 'context', `permit ${ANY} when { context == 1 || context is User };`],
    ['depends', 'principal.age', `permit ${ANY} when { principal.age > 18 && principal.name == "Alice" };`],
    ['deny', 'principal.age', `permit ${ANY} when { principal.age > 18 && principal.name == "Bob" };`],
    ['depends', 'principal.manager.age', `permit ${ANY} when { principal.manager == User::"bob" };`],
    [
      'allow',
      'principal.age',
      'permit (principal in Org::"corp", action, resource) unless { principal.name == "x" };',
    ],
  ])('is %s without %s for %s', (expected, unknown, text) => {
    expect(decided(text, { unknown: [unknown] })).toBe(expected)
  })

  test.each([
    ['allow', 'File', 'permit (principal, action, resource is File);'],
    ['deny', 'File', 'permit (principal, action, resource is Folder);'],
    ['deny', 'File', 'permit (principal, action, resource == Folder::"home");'],
    ['depends', 'File', 'permit (principal, action, resource is File in Folder::"home");'],
  ])('is %s of a resource of type %s for %s', (expected, resource, text) => {
    expect(decided(text, { unknown: ['resource'], types: { resource } })).toBe(expected)
  })

  it('takes what is left out for unknown', () => {
    const { principal, action } = request()
    const set = policySet(
      'permit (principal, action, resource == File::"x"); forbid (principal, action, resource) when { context.a };',
    )
    expect(decidePartial(set, { principal, action }, {})).toMatchObject({
      decision: 'depends',
      possible: ['policy0', 'policy1'],
    })
    expect(decidePartial(policySet(`permit ${ANY};`), {}, {}).decision).toBe('allow')
  })

  it('takes an entity that the store knows for what it is there', () => {
    const text = `permit ${ANY} when { File::"a".size > 1 };`
    const store = (size: number) => new Map([['File::"a"', entity('File', 'a', { attrs: { size } })]])
    expect(decided(text, { unknown: ['resource'], entities: store(2) })).toBe('allow')
    expect(decided(text, { unknown: ['resource'], entities: store(1) })).toBe('deny')
    expect(decided(text, { unknown: ['resource'] })).toBe('depends')
  })
})

describe('what remains of a condition', () => {
  const remaining = (condition: string, options: PartialOptions): readonly string[] => {
    const set = policySet(`permit (principal is User, action, resource in Folder::"home") ${condition};`)
    const context = {
      hour: 9,
      day: parseDatetime('2026-11-22') ?? null,
      labels: LABELS,
      task: { id: 't' },
      long: 'x'.repeat(300),
    }
    return residuals(set, request(context), options).map(({ text }) => text)
  }

  test.each([
    ['when { context.hour < 12 && context.input.a == 1 }', 'context.input.a == 1'],
    ['when { context.hour > 12 || context.input.a == context.hour + 1 }', 'context.input.a == 10'],
    [
      'when { context.input.a } when { context.hour < 12 } unless { context.input.b }',
      'context.input.a && !context.input.b',
    ],
    [
      'unless { context.input.a == 1 || context.input.b > 2 }',
      '!(context.input.a == 1 || context.input.b > 2)',
    ],
    ['unless { !context.input.a }', 'context.input.a'],
    ['unless { context.input.a > 1 }', 'context.input.a <= 1'],
    ['unless { context.input.a >= 1 }', 'context.input.a < 1'],
    ['unless { context.input.a < 1 }', 'context.input.a >= 1'],
    ['unless { context.input.a <= 1 }', 'context.input.a > 1'],
    ['unless { context.input.a == 1 }', 'context.input.a != 1'],
    ['unless { context.input.a != 1 }', 'context.input.a == 1'],
    ['when { principal in context.input.groups }', 'User::"alice" in context.input.groups'],
    ['when { principal.manager in context.input.groups }', 'principal.manager in context.input.groups'],
    ['when { if context.hour < 12 then context.input.a else context.input.b }', 'context.input.a'],
    [
      'when { if context.input.a then context.hour < 12 else context.hour > 12 }',
      'if context.input.a then true else false',
    ],
    [
      'when { context.day < datetime(context.input.day) }',
      'datetime("2026-11-22") < datetime(context.input.day)',
    ],
    ['when { principal.labels.contains(context.input.a) }', '["a", "b"].contains(context.input.a)'],
    ['when { context.labels.contains(context.input.a) }', 'context.labels.contains(context.input.a)'],
    ['when { context.long == context.input.a }', 'context.long == context.input.a'],
    [
      'when { context.input.a && (context.input.b && context.input.a) }',
      'context.input.a && context.input.b',
    ],
    ['when { context has input.a && context has task }', 'context has input.a'],
    [
      'when { (context.hour == 9 && context.input.a) == context.input.b }',
      '(true && context.input.a) == context.input.b',
    ],
    [
      'when { context.input.a && context.missing > 1 && context.input.b }',
      'context.input.a && context.missing > 1',
    ],
    [
      'when { context.input.a || context.missing > 1 || context.input.b }',
      'context.input.a || context.missing > 1',
    ],
    ['when { context.input.a && context.hour > 12 && context.input.b }', 'context.input.a && false'],
  ])('%s, is %s', (condition, expected) => {
    expect(remaining(condition, { unknown: ['context.input'] })).toEqual([expected])
  })

  it('is nothing where all is certain', () => {
    for (const condition of ['', 'when { context.hour < 12 }', 'when { context.missing }'])
      expect(remaining(condition, { unknown: ['context.input'] })).toEqual([])
  })

  it('holds what of the scope is open', () => {
    const condition = 'when { resource.size < 100 && principal.age > 18 }'
    expect(remaining(condition, { unknown: ['resource'] })).toEqual([
      'resource in Folder::"home" && resource.size < 100',
    ])
    expect(remaining(condition, { unknown: ['principal', 'action'], types: { principal: 'User' } })).toEqual([
      'principal.age > 18',
    ])
    expect(remaining(condition, { unknown: ['resource.size'] })).toEqual(['resource.size < 100'])
  })
})

describe('conditions nested as deep as they may be', () => {
  const nested = (times: number, open: string, close: string): string =>
    `permit ${ANY} when { ${open.repeat(times)}context.input.a${close.repeat(times)} == 1 };`

  it.each([
    ['conditionals', nested(48, '(if (', ' == 1) then 1 else 2)')],
    [
      'tests of types',
      nested(
        30,
        '(if (if (',
        ' == 1) then principal else resource) is User in context.input.b then 1 else 2)',
      ),
    ],
    ['equations', nested(48, '(if (context.input.b == (', ')) then 1 else 2)')],
    ['conjunctions', nested(48, '(if (true && (', ' == 1 || false)) then 1 else context.input.c)')],
  ])('are gone through once: %s', (_what, text) => {
    const set = policySet(text)
    const unknown = { unknown: ['context.input'] }
    expect(decidePartial(set, request(), unknown).decision).toBe('depends')
    expect(residuals(set, request(), unknown)).toHaveLength(1)
    expect(explain(set, request({ input: { a: 5, b: ALICE, c: 2 } })).nearest).toHaveLength(1)
  })
})

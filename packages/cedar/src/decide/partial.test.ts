import { describe, expect, it, test } from 'vitest'
import { decidePartial } from './partial.ts'
import { policySet, request } from '../testing/verdict.ts'
import type { RecordValue } from '../values/values.ts'

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
    ['deny', `permit (principal, action, resource == File::"other") when { context.input.a };`],
    ['depends', `permit ${ANY} when { context.input.a };`],
    ['depends', `permit ${ANY} when { context has input };`],
    ['depends', `permit ${ANY} when { context.input.path like "/x/*" };`],
    ['depends', `permit ${ANY} when { context.input.a || true };`],
    ['depends', `permit ${ANY} unless { context.input.a == 1 };`],
    ['depends', `permit ${ANY} when { {a: context.input}.a == 1 };`],
    ['depends', `permit ${ANY} when { [context.input].contains(1) };`],
    ['depends', `permit ${ANY} when { context == context };`],
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

  it('does not accept a path elsewhere', () => {
    expect(() => partial('', {}, ['input'])).toThrow(RangeError)
    expect(() => partial('', {}, ['context.'])).toThrow(RangeError)
  })
})

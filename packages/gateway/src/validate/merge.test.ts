import { describe, expect, it } from 'vitest'
import type { Finding } from './finding.ts'
import { mergeFindings } from './merge.ts'

const finding = (rule: string, line: number, over: Partial<Finding> = {}): Finding => {
  const where = { file: 'a.cedar', line, column: 1 }
  return { rule, severity: 'warning', message: rule, policy: 'p', ...where, ...over }
}
const error = { severity: 'error' } as const
const rules = (engine: Finding[], linter: Finding[], unsure: string[] = []) =>
  mergeFindings(engine, linter, new Set(unsure)).map(({ rule, line }) => `${line} ${rule}`)

describe('findings of the engine and of the linter', () => {
  it('are in the order of the text', () => {
    expect(rules([finding('type', 3, error), finding('type', 1, error)], [finding('shadowed', 2)])).toEqual([
      '1 type',
      '2 shadowed',
      '3 type',
    ])
  })

  it('say the same thing once, in the words of the engine', () => {
    const linter = [
      finding('unguarded-attribute', 1, error),
      finding('different-types', 2),
      finding('different-types', 3),
    ]
    expect(mergeFindings([finding('impossible', 3)], linter.slice(2), new Set())).toMatchObject([
      { rule: 'different-types', severity: 'error', suggestion: 'compare values of one type' },
    ])
    expect(rules([finding('unguarded-attribute', 1, error), finding('type', 2, error)], linter)).toEqual([
      '1 unguarded-attribute',
      '2 type',
      '3 different-types',
    ])
    expect(
      rules([finding('type', 1, { ...error, policy: 'q' })], [finding('different-types', 1)]),
    ).toHaveLength(2)
  })

  it('say in the words of the linter why a policy never applies', () => {
    expect(rules([finding('impossible', 1)], [finding('never-applies', 2)])).toEqual(['2 never-applies'])
    expect(rules([finding('impossible', 1)], [finding('never-applies', 2, { policy: 'q' })])).toHaveLength(2)
  })

  it('do not say that a policy never applies when it has an error, or nobody knows', () => {
    expect(rules([finding('attribute', 1, error)], [finding('never-applies', 2)])).toEqual(['1 attribute'])
    expect(rules([finding('impossible', 1)], [finding('never-applies', 2)], ['p'])).toEqual([])
  })

  it('do not say that a scope lets nothing in when it names a server that is not there', () => {
    const scope = finding('scope', 1, error)
    expect(rules([scope, finding('name', 1, error)], [])).toEqual(['1 name'])
    expect(rules([scope], [finding('never-applies', 1)])).toEqual(['1 scope'])
  })
})

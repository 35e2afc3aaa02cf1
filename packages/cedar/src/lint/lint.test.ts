import { describe, expect, it, test } from 'vitest'
import { link } from '../policy/template.ts'
import { expectOnly, policies } from '../testing/linted.ts'
import { parsePolicies } from '../text/parse.ts'
import { entity } from '../values/entity.ts'
import { lint } from './lint.ts'

describe('ids', () => {
  const open = '(principal, action, resource == F::"x");'

  it('that stand twice are errors, and similar ones warnings', () => {
    const text = `@id("a") permit ${open}\n@id("a") forbid ${open}\n@id("A ") forbid ${open}`
    const found = lint(policies(text)).filter(({ rule }) => rule.endsWith('-id'))
    expect(found).toMatchObject([
      { rule: 'duplicate-id', severity: 'error', line: 2, policy: 'a' },
      { rule: 'similar-id', severity: 'warning', line: 3, policy: 'A ' },
    ])
    expect(found[0]?.message).toBe('the policy at a.cedar:1:1 has the id "a" too')
    expect(found[1]?.message).toBe('the id "A " is hard to tell from "a" at a.cedar:1:1')
  })

  it('that are missing are reported once, and not of a policy that is alone', () => {
    const text = `permit ${open}\n@id("b") forbid ${open}\nforbid ${open}`
    expect(lint(policies(text)).filter(({ rule }) => rule === 'missing-id')).toMatchObject([
      { line: 1, policy: 'policy0' },
    ])
    expect(lint(policies(`permit ${open}`))).toEqual([])
    expect(
      lint(policies(`@id("a") permit ${open} @id("b") permit (principal, action, resource == F::"y");`)),
    ).toEqual([])
  })
})

describe('a policy about everything', () => {
  test.each([
    'permit (principal, action, resource);',
    'permit (principal, action, resource) when { true };',
    'permit (principal, action, resource) unless { 1 > 2 };',
    'forbid (principal, action, resource);',
  ])('is reported: %s', (text) => expectOnly('unscoped', text, text.slice(0, 6)))

  test.each([
    'permit (principal is User, action, resource);',
    'permit (principal, action == Action::"a", resource);',
    'permit (principal, action, resource in F::"x");',
    'permit (principal, action, resource) when { context.a };',
    'forbid (principal, action, resource) unless { context has task };',
  ])('is not reported when it is about less: %s', (text) => expectOnly('unscoped', text, undefined))
})

describe('a pattern without a wildcard', () => {
  it('is reported, with the equality it stands for', () => {
    const [finding] = lint(policies('permit (principal, action, resource) when { context.a like "x\\*" };'))
    expect(finding).toMatchObject({ rule: 'like-without-wildcard', column: 55 })
    expect(finding?.suggestion).toBe('context.a == "x*", or a pattern with *')
  })

  it('is not reported with one', () => {
    expect(lint(policies('permit (principal, action, resource) when { context.a like "*" };'))).toEqual([])
  })
})

describe('findings', () => {
  it('stand in the order of the files, and of the places in each', () => {
    const one = parsePolicies('@id("a") permit (principal, action, resource);', { file: 'z.cedar' })
    const two = parsePolicies('@id("a") permit (principal, action, resource) when { 1 < "a" && 2 < "b" };', {
      file: 'b.cedar',
    })
    if (!one.ok || !two.ok) throw new Error('not read')
    const found = lint([...one.value, ...two.value]).map(
      ({ file, column, rule }) => `${file} ${column} ${rule}`,
    )
    expect(found).toEqual([
      'z.cedar 1 unscoped',
      'b.cedar 1 duplicate-id',
      'b.cedar 56 always-fails',
      'b.cedar 67 always-fails',
    ])
  })

  it('about a template are not repeated for its links', () => {
    const [template] = policies(
      '@id("t") permit (principal == ?principal, action, resource) when { context.a like "x" };',
    )
    if (template === undefined) throw new Error('no template')
    const links = ['x', 'y'].flatMap((id) => {
      const linked = link(template, id, { principal: entity('U', id) })
      return linked.ok ? [linked.value] : []
    })
    expect(lint([template, ...links]).map(({ rule }) => rule)).toEqual(['like-without-wildcard'])
  })

  it('may be about very long chains', () => {
    const tests = Array.from({ length: 2_000 }, (_, n) => `context has a${n} && context.a${n}`)
    const text = (chain: string): string => `permit (principal, action, resource) when { ${chain} };`
    expect(lint(policies(text(tests.join(' && '))))).toEqual([])
    expect(lint(policies(text(tests.map((each) => `(${each})`).join(' || '))))).toEqual([])
    const negated = tests.map((each) => `(!(${each.replace(' &&', ') ||')})`).join(' && ')
    expect(lint(policies(text(negated)))).toEqual([])
  })
})

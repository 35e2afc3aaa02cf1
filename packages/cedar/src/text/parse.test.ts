import { describe, expect, it, test } from 'vitest'
import { parsePolicies } from './parse.ts'
import type { Policy } from '../policy/syntax.ts'

function policies(text: string): Policy[] {
  const parsed = parsePolicies(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors))
  return parsed.value
}

const when = (expression: string): string => `permit (principal, action, resource) when { ${expression} };`

describe('a policy', () => {
  it('is named by @id, or by its number after the prefix', () => {
    const text = 'permit (principal, action, resource);\n@id("x") forbid (principal, action, resource);'
    const parsed = parsePolicies(`${text} permit (principal, action, resource);`, { idPrefix: 'base/' })
    expect(parsed.ok && parsed.value.map(({ id }) => id)).toEqual(['base/policy0', 'x', 'base/policy2'])
  })

  it('is named by its number alone where ids are positions', () => {
    const parsed = parsePolicies('@id("x") permit (principal, action, resource);', { ids: 'position' })
    const [policy] = parsed.ok ? parsed.value : []
    expect(policy?.id).toBe('policy0')
    expect(policy?.annotations.get('id')).toBe('x')
  })

  it('keeps its annotations, without a value as the empty string', () => {
    const [policy] = policies(
      '@id("x") @remedy("approval") @if @note("a\\nb") permit (principal, action, resource);',
    )
    expect([...(policy?.annotations ?? [])]).toEqual([
      ['id', 'x'],
      ['remedy', 'approval'],
      ['if', ''],
      ['note', 'a\nb'],
    ])
  })

  it('knows its effect, its scope and where it begins', () => {
    const text =
      '// first line\n  forbid (principal is A::B in C::"x", action in [Action::"a", N::Action::"b"], resource);'
    const parsed = parsePolicies(text, { file: 'base.cedar' })
    const [policy] = parsed.ok ? parsed.value : []
    expect(policy?.effect).toBe('forbid')
    expect(policy?.position).toEqual({ file: 'base.cedar', line: 2, column: 3 })
    expect(`// first line\n  ${policy?.text}`).toBe(text)
    expect(policy?.scope).toMatchObject({
      principal: { op: 'is', type: 'A::B', in: { uid: 'C::"x"' } },
      action: { op: 'in', entities: [{ uid: 'Action::"a"' }, { uid: 'N::Action::"b"' }] },
      resource: { op: 'any' },
    })
  })

  it('may be absent: an empty text is an empty list', () => {
    expect(policies(' // nothing')).toEqual([])
  })

  it('holds integers exactly', () => {
    const [policy] = policies(when('-9223372036854775808 == 9007199254740993'))
    expect(policy?.conditions[0]?.expression).toMatchObject({
      left: { value: -9223372036854775808n },
      right: { value: 9007199254740993n },
    })
  })

  it('keeps the offset of every node', () => {
    const text = when('context.input.limit <= 10')
    const [policy] = policies(text)
    const comparison = policy?.conditions[0]?.expression
    const left = comparison?.kind === 'binary' ? comparison.left : undefined
    expect(text.slice(comparison?.at).startsWith('<= 10')).toBe(true)
    expect(text.slice(left?.at).startsWith('limit')).toBe(true)
    expect(policy?.source.locate(left?.at ?? 0).column).toBe(text.indexOf('limit') + 1)
  })
})

describe('a mistake', () => {
  // The third column is where the complaint points to: what the text there begins with.
  const rows: readonly (readonly [mistake: string, text: string, place: string, says: RegExp])[] = [
    ['an unknown effect', 'allow (principal, action, resource);', 'allow', /permit or forbid/],
    ['a missing semicolon', 'permit (principal, action, resource)\n', '', /the end of the text/],
    ['a scope out of order', 'permit (action, principal, resource);', 'action', /principal/],
    ['an action of another type', 'permit (principal, action == A::"x", resource);', 'A::', /Action/],
    ['a set for a principal', 'permit (principal in [A::"x"], action, resource);', '[A', /entity/],
    ['an annotation twice', '@a @a permit (principal, action, resource);', 'a permit', /twice/],
    ['an empty id', '\n@id permit (principal, action, resource);', '@id', /@id/],
    ['a misspelt effect', 'premit (principal, action, resource);', 'premit', /write `permit`/],
    ['a misspelt part of the scope', 'permit (principal, acton, resource);', 'acton', /write `action`/],
    ['a misspelt when', 'permit (principal, action, resource) whne {};', 'whne', /write `when`/],
    ['a word for a sign', when('true and false'), 'and', /write `&&`/],
    ['half a sign', when('true & false'), '& ', /write `&&`/],
    ['single quotes', when("context.a == 'b'"), "'b'", /double quotes/],
    [
      'a comment of another language',
      '/* a */ permit (principal, action, resource);',
      '/*',
      /begin with `\/\/`/,
    ],
    ['a byte order mark', '\ufeffpermit (principal, action, resource);', '\ufeff', /\\u\{feff\}.*remove/],
    ['a division', when('1 / 2 == 3'), '/ 2', /not supported/],
    ['comparisons in a row', when('1 < 2 < 3'), '< 3', /parentheses/],
    ['a single equals sign', when('1 = 1'), '= 1', /==/],
    ['a reserved attribute', when('context.if'), 'if', /reserved.*`\["if"\]`/],
    ['the reserved namespace', when('__cedar::A::"x" == 1'), '__cedar', /reserved/],
    ['an unknown function', when('frob(1)'), 'frob', /no function/],
    ['a function of partial evaluation', when('unknown("x")'), 'unknown', /no function/],
    ['an unknown method', when('principal.frob(1)'), 'frob', /no method/],
    ['a method as a function', when('isIpv4(1)'), 'isIpv4', /method/],
    ['a function as a method', when('"x".ip()'), 'ip', /function/],
    ['a wrong number of arguments', when('[1].contains()'), 'contains', /1 argument/],
    ['a Long that is too large', when('9223372036854775808 == 1'), '9223', /64 bits/],
    ['a key twice', when('{a: 1, "a": 2} == 1'), '"a"', /twice/],
    ['a bad escape', when('"ab\\q" == "x"'), '\\q', /escape/],
    ['an escaped star in a string', when('"a\\*" == "x"'), '\\*', /escape/],
    ['a surrogate', when('"\\u{D800}" == "x"'), '\\u', /escape/],
    ['an unknown variable', when('foo == 1'), 'foo', /variable/],
    ['a misspelt variable', when('pricnipal == 1'), 'pricnipal', /did you mean `principal`/],
    ['a misspelt method', when('context.a.contians(1)'), 'contians', /did you mean `contains`/],
    ['a misspelt function', when('decimall("1.0") == 1'), 'decimall', /did you mean `decimal`/],
    ['a slot in a condition', when('principal == ?principal'), '?principal', /slot/],
    [
      'a slot in the wrong place',
      'permit (principal == ?resource, action, resource);',
      '?resource',
      /\?principal/,
    ],
    ['an unfinished string', when('"abc'), '"abc', /closing quote/],
    ['an unknown character', when('1 # 2'), '# 2', /character/],
    ['too many signs', when('!!!!!true'), '!!!!!', /4/],
    ['an if without parentheses', when('true && if true then true else true'), 'if', /parentheses/],
    ['an empty condition', when(''), '};', /expression/],
  ]
  test.each(rows)('%s is reported at its place', (_, text, place, says) => {
    const parsed = parsePolicies(text, { file: 'a.cedar' })
    if (parsed.ok) throw new Error('was accepted')
    expect(parsed.errors).toHaveLength(1)
    const { line = 0, column = 0 } = parsed.errors[0] ?? {}
    expect(parsed.errors[0]).toMatchObject({ file: 'a.cedar', message: expect.stringMatching(says) })
    const there = text.split('\n')[line - 1]?.slice(column - 1)
    expect(there?.slice(0, place.length || undefined)).toBe(place)
  })

  it('in one policy does not hide that in the next', () => {
    const parsed = parsePolicies('permit (;\npermit (principal, action, resource);\nforbid ();')
    expect(!parsed.ok && parsed.errors.map(({ line }) => line)).toEqual([1, 3])
  })
})

describe('deep nesting is reported, not a stack overflow', () => {
  const deep = 20_000
  const rows: readonly (readonly [string, string])[] = [
    ['parentheses', `${'('.repeat(deep)}1`],
    ['sets', `${'['.repeat(deep)}1`],
    ['conditionals', `${'if true then true else '.repeat(deep)}true`],
    ['sums', `1${' + 1'.repeat(deep)} == 1`],
    ['attributes', `context${'.a'.repeat(deep)}`],
    ['sums within sums', `${`(`.repeat(150)}1${`${' + 1'.repeat(150)})`.repeat(150)} == 1`],
    ['methods', `context${'.contains(1)'.repeat(deep)}`],
  ]
  test.each(rows)('%s', (_, expression) => {
    const parsed = parsePolicies(when(expression))
    expect(parsed).toMatchObject({ ok: false, errors: [{ message: 'nested too deeply' }] })
  })

  it('while long chains of && and || are not nested', () => {
    expect(policies(when(`true${' || false'.repeat(deep)}`))).toHaveLength(1)
  })
})

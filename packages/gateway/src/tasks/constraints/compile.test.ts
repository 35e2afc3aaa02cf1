import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../model/message.ts'
import { compileConstraints, type Sight } from './compile.ts'

const BLIND: Sight = { placeOf: () => undefined }

function check(
  constraints: Record<string, JsonObject>,
  args: JsonObject,
  others: 'allow' | 'refuse' = 'refuse',
): string | undefined {
  const compiled = compileConstraints(constraints, { others, sight: BLIND })
  if (!compiled.ok) throw new Error(compiled.error)
  const violation = compiled.value(args)
  return violation && `${violation.argument} ${violation.message}`
}

function fault(constraints: Record<string, JsonObject>): string | undefined {
  const compiled = compileConstraints(constraints, { others: 'refuse', sight: BLIND })
  return compiled.ok ? undefined : compiled.error
}

describe('constraints on the arguments of a tool', () => {
  const push = { remote: { const: 'origin' }, branch: { pattern: '^fix/' } }

  test('let through what is as they say, and arguments that are not there', () => {
    expect(check(push, { remote: 'origin', branch: 'fix/date' })).toBeUndefined()
    expect(check(push, {})).toBeUndefined()
  })

  test('name the argument and how it must be', () => {
    expect(check(push, { remote: 'evil' })).toBe('remote must be "origin"')
    expect(check(push, { branch: 'main' })).toBe('branch must match ^fix/')
    expect(check(push, { branch: 42 })).toBe('branch must be string')
    expect(check({ to: { items: { enum: ['a@b.c'] } } }, { to: ['a@b.c', 'x'] })).toBe(
      'to[1] must be "a@b.c"',
    )
    expect(check({ path: { within: ['/w/src', '/w/test'] } }, { path: '/w/srcs' })).toBe(
      'path must be within /w/src or /w/test',
    )
    expect(check({ url: { hosts: ['example.com'] } }, { url: 'https://example.com:8443/' })).toBe(
      'url must be a URL of example.com, and not at another port',
    )
    expect(check({ url: { hosts: ['example.com'] } }, { url: 'https://evil.example/' })).toBe(
      'url must be a URL of example.com',
    )
  })

  test('refuse arguments that they do not mention, unless those are allowed', () => {
    expect(check(push, { force: true })).toBe('force is not one that the grant mentions')
    expect(check(push, { force: true }, 'allow')).toBeUndefined()
  })

  test.each([
    'Path',
    'PATH',
    'pAth',
    'ｐath',
    'path\u200b',
    'path ',
    '_path',
    'path[]',
    'filePath',
    'FilePath',
    'file-path',
  ])('are not evaded by an argument that is spelt %s', (name) => {
    const limits = { path: { within: ['/w'] }, file_path: { within: ['/w'] } }
    expect(check(limits, { [name]: '/etc/passwd' }, 'allow')).toMatch(
      /is not spelt as the grant does: "(file_)?path"$/,
    )
    expect(check(limits, { path: '/w/a', [name]: '/etc/passwd' }, 'allow')).toMatch(/not spelt/)
    expect(check(limits, { path: '/w/a', file_path: '/w/b', paths: 1, pathname: 2 }, 'allow')).toBeUndefined()
  })

  test.each([
    { within: ['/w/secret'] },
    { hosts: ['internal.example'] },
    { tables: ['secret'] },
    { anyOf: [{ items: { within: ['/w/secret'] } }] },
    { not: { within: ['/w'] } },
  ])('turn nothing round that refuses what it cannot read: %j', (inner) => {
    expect(fault({ a: { not: inner } })).toMatch(/at .*not.*: .* below not or if/)
    expect(fault({ a: { if: inner, else: { const: 1 } } })).toMatch(/below not or if/)
    expect(fault({ a: { $defs: { x: inner }, not: { $ref: '#/$defs/x' } } })).toMatch(/below not or if/)
    expect(fault({ a: { properties: { not: { within: ['/w'] } } } })).toBeUndefined()
  })

  test('take no relative path for a path that a program would take for an option', () => {
    const here = { path: { within: ['.'] } }
    expect(check(here, { path: '--output=/etc/passwd' })).toMatch(/^path must be written with .\//)
    expect(check(here, { path: '-' })).toMatch(/^path must be/)
    expect(check(here, { path: './-notes' })).toBeUndefined()
    expect(check(here, { path: 'notes/-a' })).toBeUndefined()
  })

  test('take nothing for fine that patterns were too dear to look at, however often it comes', () => {
    const dear = { not: { pattern: `x*${'[a-f]{900}'.repeat(4)}` } }
    const path = { allOf: [...Array.from({ length: 16 }, () => dear), { not: { pattern: 'secret' } }] }
    const compiled = compileConstraints({ path }, { others: 'refuse', sight: BLIND })
    if (!compiled.ok) throw new Error(compiled.error)
    const args = { path: '/w/secret'.padEnd(512, '/') }
    for (let again = 0; again < 3; again++)
      expect(compiled.value(args)?.message).toMatch(/^are too long to be matched/)
    expect(compiled.value({ path: '/w/secret' })?.argument).toBe('path')
  })

  test('are an error where they are misspelt', () => {
    expect(fault({ a: { patern: 'x' } })).toMatch(/did you mean pattern/)
    expect(fault({ a: { items: { withn: ['/x'] } } })).toMatch(/"a": at items: .*did you mean within/)
    expect(fault({ a: { format: 'email' } })).toMatch(/say it with pattern/)
    expect(fault({ a: { minLength: '3' } })).toMatch(/"a": minLength must be integer/)
    expect(fault({ a: { pattern: '(?=x)' } })).toMatch(/linear time/)
    expect(fault({ a: { within: ['/x/../y'] } })).toMatch(/"a": within names "\/x\/\.\.\/y"/)
    expect(fault({ a: {}, b: { items: { hosts: 'x.example' } } })).toMatch(/"b": hosts must be a list/)
  })
})

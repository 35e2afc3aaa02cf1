import vm from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compilePattern } from './pattern.ts'
import { RE2JS } from 're2js'
import { translate } from './pattern-syntax.ts'

const plenty = () => ({ left: Number.POSITIVE_INFINITY })

function compiled(pattern: string) {
  const result = compilePattern(pattern, plenty())
  if (!result.ok) throw new Error(result.error)
  return result.value
}

/** Characters on which engines differ. */
const CHARACTERS = Array.from(
  'aAzZ09_-./\\^$[](){}|?*+:,&!=<>"\'~#@ \t\n\v\f\r\b\0\u0085\u00a0\u1680\u2028\u2029\ufeffſKßİıäé\u0301😀Ωω',
)
const text = fc.string({ unit: fc.constantFrom(...CHARACTERS), maxLength: 12 })

const ATOMS = [
  'a',
  'Z',
  '.',
  '\\s',
  '\\S',
  '\\d',
  '\\D',
  '\\w',
  '\\W',
  '\\b',
  '\\B',
  '^',
  '$',
  '[a-z]',
  '[^a-z]',
  '[\\s\\d-]',
  '[^\\S]',
  '[\\b]',
  '[]',
  '[^]',
  '[-a]',
  '[a-]',
  '[[:alpha:]',
  '[&&a]',
  '[\\w-]',
  '\\.',
  '\\/',
  '\\u00e4',
  '\\u{1F600}',
  '\\ud83d\\ude00',
  '\\x41',
  '\\cJ',
  '\\0',
  '\\t',
  '\\v',
  '\\p{L}',
  '\\P{Lu}',
  '\\p{Script=Greek}',
  '😀',
  'ä',
  '\\$',
  '\\-'.slice(1),
  ' ',
  '/',
  '[.]',
  '[\\]\\\\^]',
  '[^^]',
  '[😀-😁]',
  '[!--]',
  '[\\x21-\\u{2d}]',
]
const pattern = fc.letrec<{ one: string; many: string }>((tie) => ({
  one: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...ATOMS),
    fc
      .tuple(fc.constantFrom(...ATOMS), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,}', '*?', '+?'))
      .map(([a, q]) => (/^(\^|\$|\\[bB])$/.test(a) ? a : a + q)),
    tie('many').map((inner) => `(${inner})`),
    tie('many').map((inner) => `(?:${inner})*`),
    tie('many').map((inner) => `(?<n>${inner})?`),
  ),
  many: fc
    .array(tie('one'), { minLength: 1, maxLength: 4 })
    .chain((parts) => fc.constantFrom('', '|').map((by) => parts.join(by))),
})).many

const native = vm.createContext({ written: '', tried: '' })
const script = new vm.Script("new RegExp(written, 'u').test(tried)")

/** Undefined for what is no pattern there, such as one name for two groups, and where trying every way takes too long. */
function inEcmaScript(written: string, tried: string): boolean | undefined {
  try {
    return script.runInContext(Object.assign(native, { written, tried }), { timeout: 200 })
  } catch {
    return undefined
  }
}

describe('a pattern', () => {
  test('means in linear time what it means in ECMAScript', () => {
    fc.assert(
      fc.property(pattern, text, (written, tried) => {
        const expected = inEcmaScript(written, tried)
        if (expected === undefined) return
        const found = RE2JS.compile(translate(written).re2).test(tried)
        expect(found, `${written} on ${JSON.stringify(tried)}`).toBe(expected)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(a)\\1',
    '(?<x>a)\\k<x>',
    '(?i:a)',
    '(a{1000}){1000}',
    'a'.repeat(1001),
    '[',
    '\\Q',
    '\\u{d800}',
  ])('%s is an error', (written) => {
    expect(compilePattern(written, plenty()).ok).toBe(false)
  })

  test.each(['^(a+)+$', '^(a|a)*$', '(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$', 'a*a*a*a*a*a*b', 'x*x*x*y'])(
    '%s is not tried in every way',
    (written) => {
      const work = { left: 30_000_000 }
      const result = compilePattern(written, work)
      expect(result.ok && result.value.test(`${'a'.repeat(20_000)}!`)).toBe(false)
      expect(work.left).toBeGreaterThan(0)
    },
  )

  test('matches nothing once there was enough of it', () => {
    const work = { left: 100 }
    const result = compilePattern('^a', work)
    expect(result.ok && result.value.test('a'.repeat(99))).toBe(true)
    expect(result.ok && result.value.test('a'.repeat(99))).toBe(false)
    expect(work.left).toBeLessThan(0)
  })

  test('is found quickly or slowly with the same result', () => {
    const branches = compiled('^fix/[a-z0-9-]+$')
    for (const branch of ['fix/date', 'main', 'fix/', 'fix/a\n', `fix/${'a'.repeat(60_000)}`])
      expect(branches.test(branch)).toBe(/^fix\/[a-z0-9-]+$/u.test(branch))
  })
})

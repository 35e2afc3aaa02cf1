import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile } from '../compile/compile.ts'
import { parsePolicies } from '../text/parse.ts'
import { matchesScope } from '../compile/scope.ts'
import { mutate } from '../testing/mutate.ts'
import { Random } from '../testing/random.ts'
import { randomPolicy } from '../testing/random-policy.ts'
import { randomWorld } from '../testing/random-world.ts'

describe('the parser', () => {
  const answers = (text: string): void => {
    const parsed = parsePolicies(text)
    if (parsed.ok) return
    expect(parsed.errors.length).toBeGreaterThan(0)
    const lines = text.split('\n')
    for (const { line, column } of parsed.errors) {
      expect(line).toBeLessThanOrEqual(lines.length)
      expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1)
    }
  }

  it('answers any text, with errors inside the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), answers), { numRuns: 2000 })
  })

  it('answers any text made of its own tokens', () => {
    const token = fc.constantFrom(
      'permit',
      '(',
      ')',
      '{',
      '}',
      '[',
      ']',
      'when',
      'principal',
      ',',
      '"a"',
      '1',
      '-',
      '!',
    )
    const more = fc.constantFrom(
      'if',
      'then',
      'else',
      'has',
      'in',
      '.',
      '::',
      '==',
      '&&',
      ';',
      '@',
      'action',
      'resource',
    )
    const text = fc.array(fc.oneof(token, more), { maxLength: 60 }).map((tokens) => tokens.join(' '))
    fc.assert(fc.property(text, answers), { numRuns: 2000 })
  })

  it('answers texts that are nearly policies', () => {
    for (let seed = 0; seed < 1000; seed++) {
      const random = new Random(seed)
      answers(mutate(random, randomPolicy(random)))
    }
  })
})

describe('the index of a set', () => {
  it('finds exactly the policies whose scope matches, also what it remembers', () => {
    const text = Array.from({ length: 120 }, (_, seed) => randomPolicy(new Random(seed))).join('\n')
    const parsed = parsePolicies(text)
    const compiled = parsed.ok ? compile(parsed.value) : parsed
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
    const set = compiled.value
    let most = 0
    // Each world has the same names, but other parents.
    for (let seed = 0; seed < 400; seed++) {
      const { principal, action, resource } = randomWorld(new Random(seed)).request
      const expected = set.policies.filter(({ scope }) => matchesScope(scope, principal, action, resource))
      for (let time = 0; time < 2; time++) {
        const found = set.candidates(principal, action, resource).map(({ policy }) => policy)
        expect(found, `seed ${seed}`).toEqual(expected)
      }
      most = Math.max(most, expected.length)
    }
    expect(most).toBeGreaterThan(20)
  })
})

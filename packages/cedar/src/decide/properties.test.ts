import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile } from '../compile/compile.ts'
import { decide } from './decide.ts'
import { parsePolicies } from '../text/parse.ts'
import { decidePartial } from './partial.ts'
import { matchesScope } from '../compile/scope.ts'
import { mutate } from '../testing/mutate.ts'
import { Random } from '../testing/random.ts'
import { randomContextPolicy, randomPolicy } from '../testing/random-policy.ts'
import { randomValue, randomWorld } from '../testing/random-world.ts'
import type { RecordValue, Value } from '../values/values.ts'

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

describe('a partial decision', () => {
  const PATHS = ['a', 'b', 'c', 'n', 'rec', 'rec.a', 'c.b', 'constructor']

  it('holds for every completion', () => {
    const certain = { allow: 0, deny: 0, depends: 0 }
    for (let seed = 0; seed < 1000; seed++) {
      const random = new Random(seed * 31 + 7)
      const parsed = parsePolicies(
        Array.from({ length: 1 + random.below(3) }, () => randomContextPolicy(random)).join('\n'),
      )
      const compiled = parsed.ok ? compile(parsed.value) : parsed
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
      const { request, entities } = randomWorld(random)
      const paths = [random.pick(PATHS), ...random.some(2, () => random.pick(PATHS))]
      const unknown = paths.map((path) => `context.${path}`)
      const partial = decidePartial(compiled.value, request, { unknown, entities })
      certain[partial.decision]++
      for (let completion = 0; completion < 6; completion++) {
        const context = paths.reduce(
          (whole, path) => complete(random, whole, path.split('.')),
          request.context,
        )
        const { decision, determining, errors } = decide(compiled.value, { ...request, context }, entities)
        const message = `seed ${seed}, unknown ${unknown.join()}`
        if (partial.decision !== 'depends') expect(decision, message).toBe(partial.decision)
        expect([...partial.determining, ...partial.possible], message).toEqual(
          expect.arrayContaining([...determining]),
        )
        const failed = errors.map(({ policy }) => policy)
        expect(failed, message).toEqual(expect.arrayContaining(partial.errors.map(({ policy }) => policy)))
        const foreseen = [...partial.errors.map(({ policy }) => policy), ...partial.possibleErrors]
        expect(foreseen, message).toEqual(expect.arrayContaining(failed))
      }
    }
    // All three answers must be common, or soundness is empty.
    for (const count of Object.values(certain)) expect(count).toBeGreaterThan(100)
  })
})

/** The record with something else, or nothing, at the path. */
function complete(random: Random, record: RecordValue, [name = '', ...rest]: readonly string[]): RecordValue {
  const inner = Object.hasOwn(record, name) ? record[name] : undefined
  const isRecord = typeof inner === 'object' && inner !== null && Object.getPrototypeOf(inner) === null
  let value: Value | undefined
  if (rest.length > 0 && isRecord) value = complete(random, inner as RecordValue, rest)
  else value = random.chance(0.25) ? undefined : randomValue(random, 2).ours
  return Object.assign(Object.create(null), record, { [name]: value }) as RecordValue
}

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from './parse-json.ts'

/** Few characters, so that the spelling of one name often begins like another name. */
const character = fc.constantFrom('\\', '"', '/', 'u', '0', '6', '1', 'a', 'n', '\n', 'é', '漢', '😀')
const name = fc
  .oneof(
    fc.array(character, { maxLength: 5 }),
    fc.constantFrom(['__proto__'], ['0'], ['toString'], ['p\\u0'], ['path']),
  )
  .map((parts) => parts.join(''))

/** A text as JSON spells it, where `choices` says which characters are escaped though they need not be. */
function spelled(text: string, choices: readonly boolean[]): string {
  const parts = Array.from(text, (part, at) => {
    if (choices[at % choices.length] !== true) return JSON.stringify(part).slice(1, -1)
    const units = Array.from({ length: part.length }, (_, unit) => part.charCodeAt(unit))
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
  })
  return `"${parts.join('')}"`
}

/** A value, and a text that says it. */
type Said = readonly [value: unknown, text: string]
const space = fc.constantFrom('', '', ' ', '\n\t ', '\r\n')
const choices = fc.array(fc.boolean(), { minLength: 1, maxLength: 4 })
const text = fc.tuple(name, choices).map(([value, escapes]): Said => [value, spelled(value, escapes)])

const { said } = fc.letrec<{ said: Said }>((tie) => {
  const word = fc.constantFrom<Said>([1.5e3, '1.5e3'], [-0, '-0'], [true, 'true'], [null, 'null'])
  const array = fc
    .array(fc.tuple(space, tie('said'), space), { maxLength: 3 })
    .map(
      (items): Said => [
        items.map(([, [value]]) => value),
        `[${items.map(([before, [, inner], after]) => before + inner + after).join(',')}]`,
      ],
    )
  const object = fc
    .uniqueArray(fc.tuple(text, space, tie('said'), space), {
      maxLength: 4,
      selector: ([[value]]) => value,
    })
    .map((members): Said => {
      const value = {}
      for (const [[key], , [inner]] of members)
        Object.defineProperty(value, key as string, {
          value: inner,
          writable: true,
          enumerable: true,
          configurable: true,
        })
      const parts = members.map(
        ([[, raw], before, [, inner], after]) => `${raw}${before}:${after}${inner}${before}`,
      )
      return [value, `{${parts.join(',')}}`]
    })
  return { said: fc.oneof({ depthSize: 'small', maxDepth: 4 }, text, word, object, object, array) }
})

describe('parseJson', () => {
  test('gives what the text says, whatever was parsed before', () => {
    fc.assert(
      fc.property(said, space, ([value, json], around) => {
        expect(parseJson(around + json + around)).toEqual(value)
      }),
      { numRuns: 5000 },
    )
  })

  test.each([
    ['{"q":1,"\\\\":1}', '{"q":1,"\\n":2}', ['q', '\n']],
    ['{"name":1,"\\\\u00":1}', '{"name":1,"\\u006eame":2}', ['name']],
    ['{"a":1,"p\\\\u0":1}', '{"a":1,"p\\u0061th":2}', ['a', 'path']],
    ['[{"b":1,"\\\\":1}]', '[{"b":1,"\\"":2}]', undefined],
  ])('after %s, the names in %s are still its own', (primer, json, names) => {
    for (let round = 0; round < 3; round++) parseJson(primer)
    const value = parseJson(json)
    if (names === undefined) expect(value).toEqual([{ b: 1, '"': 2 }])
    else expect(Object.keys(value as object)).toEqual(names)
  })

  test('of several members with one name the last counts, as for JSON.parse', () => {
    expect(parseJson('{"\\n":1,"a":2,"\\u000a":3}')).toEqual({ '\n': 3, a: 2 })
  })

  test('__proto__, escaped or not, is a member like any other', () => {
    const value = parseJson('{"\\u005f_proto__":{"x":1},"y":{"__proto__":2}}') as object
    expect(Object.keys(value)).toEqual(['__proto__', 'y'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  test('reads as deep as JSON.parse does', () => {
    const depth = 100_000
    const json = `${'{"\\n":['.repeat(depth)}${']}'.repeat(depth)}`
    let value = parseJson(json)
    let levels = 0
    for (; Array.isArray(value) || typeof value === 'object'; levels++) {
      value = Array.isArray(value) ? value[0] : (value as Record<string, unknown>)['\n']
      if (value === undefined) break
    }
    expect(levels).toBe(2 * depth - 1)
  })

  test.each(['', '{', '{"\\n":}', '{"\\n":1,}', '{"\\x":1}', '"\\"', '[01]', '{"a":"\\"}'])(
    'refuses %s',
    (json) => {
      expect(() => parseJson(json)).toThrow(SyntaxError)
    },
  )
})

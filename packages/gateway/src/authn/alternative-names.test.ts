import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readAlternativeNames } from './alternative-names.ts'

/** As Node writes a name: as JSON where a character in it could be taken for the end. */
function write(type: string, value: string): string {
  const isSafe = /^[\x20-\x7e]*$/.test(value) && !/["\\,']/.test(value)
  return `${type}:${isSafe ? value : JSON.stringify(value)}`
}

const type = fc.constantFrom('URI', 'DNS', 'IP Address', 'email', 'DirName', 'Registered ID')
const value = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a, URI:spiffe://x/y', '", URI:z, DNS:"', '\\", URI:z', "it's", '', '\0', ':', ', '),
)

it('finds the names that were written, and no other', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(type, value)), (names) => {
      const of = (wanted: string) => names.filter(([each]) => each === wanted).map(([, text]) => text)
      const text = names.map(([each, its]) => write(each, its)).join(', ')
      expect(readAlternativeNames(text)).toEqual({ uris: of('URI'), dns: of('DNS') })
    }),
  )
})

it.each([
  'URI',
  'URI:a,b',
  'URI:a, ',
  'URI:"a',
  'URI:"a"b',
  'URI:a"b',
  'URI:"\\x"',
  ', URI:a',
  'URI:a\\',
  '1:a',
])('%s has no names, for it is not of that form', (text) =>
  expect(readAlternativeNames(text)).toBeUndefined(),
)

it('nothing written is no names', () => {
  expect(readAlternativeNames(undefined)).toEqual({ uris: [], dns: [] })
  expect(readAlternativeNames('')).toEqual({ uris: [], dns: [] })
})

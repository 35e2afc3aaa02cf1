import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rangesOf } from './addresses.ts'
import { clientAddress } from './forwarded.ts'

const isProxy = rangesOf(['10.0.0.0/8', '2001:db8:1::/48'])
const PEER = '10.0.0.1'
const ask = (...headers: string[]) => clientAddress(PEER, headers, isProxy)
const listed = (...lines: string[]) => ask(...lines.flatMap((line) => ['X-Forwarded-For', line]))
const told = (...lines: string[]) => ask(...lines.flatMap((line) => ['Forwarded', line]))

describe('X-Forwarded-For', () => {
  test.each<[string, string[], string]>([
    ['no header', [], PEER],
    ['one client', ['203.0.113.9'], '203.0.113.9'],
    ['what the client wrote before', ['198.51.100.1, 203.0.113.9'], '203.0.113.9'],
    ['proxies behind one another', ['203.0.113.9, 10.0.0.3, 10.0.0.2'], '203.0.113.9'],
    ['a proxy that somebody else names', ['10.0.0.9, 203.0.113.9, 10.0.0.2'], '203.0.113.9'],
    [
      'several lines, the last of which is the nearest',
      ['198.51.100.1', '203.0.113.9, 10.0.0.2'],
      '203.0.113.9',
    ],
    ['nothing but proxies', ['10.0.0.3, 10.0.0.2'], '10.0.0.3'],
    ['a port', ['203.0.113.9:4711'], '203.0.113.9'],
    ['IPv6', ['2001:db8::9'], '2001:db8::9'],
    ['IPv6 in brackets', ['[2001:DB8::9]'], '2001:db8::9'],
    ['IPv6 in brackets with a port', ['[2001:db8::9]:4711'], '2001:db8::9'],
    ['IPv4 mapped to IPv6', ['::ffff:203.0.113.9'], '203.0.113.9'],
    ['a proxy mapped to IPv6', ['203.0.113.9, ::ffff:10.0.0.2'], '203.0.113.9'],
    ['empty elements', [' , 203.0.113.9,, '], '203.0.113.9'],
    ['nothing in it', [''], PEER],
    ['nonsense that the client wrote', ['"><script>, for=x, 203.0.113.9'], '203.0.113.9'],
    [
      'a hundred hops',
      [`203.0.113.9, ${Array.from({ length: 100 }, (_, at) => `10.0.1.${at}`).join(', ')}`],
      '203.0.113.9',
    ],
  ])('%s', (_, lines, client) => {
    expect(listed(...lines)).toEqual({ ok: true, value: client })
  })

  test.each([
    'unknown',
    '_hidden',
    '203.0.113.9.',
    '203.0.113',
    '203.0.113.09',
    '203.0.113.9:port',
    '[203.0.113.9]',
    '[2001:db8::9',
    'fe80::1%eth0',
    '2001:db8::9]:1',
    'for=203.0.113.9',
    '203.0.113.9 198.51.100.1',
  ])('%s, where a proxy should have told the client: not known', (hop) => {
    expect(listed(hop).ok).toBe(false)
    expect(listed(`203.0.113.9, ${hop}, 10.0.0.2`).ok).toBe(false)
  })
})

describe('Forwarded', () => {
  test.each<[string, string[], string]>([
    ['one client', ['for=203.0.113.9'], '203.0.113.9'],
    [
      'other parameters, in any case',
      ['Proto=https;FOR="203.0.113.9:4711";by=_us;host="a,b;c"'],
      '203.0.113.9',
    ],
    ['IPv6', ['for="[2001:db8::9]:4711"'], '2001:db8::9'],
    ['what the client wrote before', ['for=198.51.100.1, for=203.0.113.9;proto=https'], '203.0.113.9'],
    ['a list and several lines', ['for=198.51.100.1', 'for=203.0.113.9, for=10.0.0.2'], '203.0.113.9'],
    ['escapes in quotes', ['for="203.0.113\\.9"'], '203.0.113.9'],
    ['an identifier before the client', ['for=_secret, for=unknown, for=203.0.113.9'], '203.0.113.9'],
  ])('%s', (_, lines, client) => {
    expect(told(...lines)).toEqual({ ok: true, value: client })
  })

  test.each([
    'for=unknown',
    'for=_hidden',
    'proto=https',
    'for=',
    'for="203.0.113.9',
    'for=203.0.113.9;for=198.51.100.1',
    'for=203.0.113.9 for=198.51.100.1',
    'for=203.0.113.9;',
    'for="x, for=203.0.113.9',
    'for="x, for="[2001:db8::9]"',
    '203.0.113.9',
  ])('%s: not known', (line) => {
    expect(told(line).ok).toBe(false)
  })
})

test('of both headers, one that the client wrote does not win', () => {
  const both = (list: string, element: string) => ask('X-Forwarded-For', list, 'Forwarded', element)
  expect(both('203.0.113.9', 'for=203.0.113.9')).toEqual({ ok: true, value: '203.0.113.9' })
  expect(both('203.0.113.9', 'for=198.51.100.1').ok).toBe(false)
  expect(both('198.51.100.1', 'for=203.0.113.9').ok).toBe(false)
  expect(both('203.0.113.9', 'nonsense').ok).toBe(false)
  expect(both('nonsense', 'for=203.0.113.9').ok).toBe(false)
})

/** What each hop adds: the address that it was called from, to what it was sent. */
test('whatever a client writes, the answer is where it called the outermost declared proxy from', () => {
  const outside = fc
    .oneof(fc.ipV4(), fc.ipV6())
    .filter((address) => !isProxy(address) && !address.includes('%'))
  const inside = fc.nat(255).map((last) => `10.0.7.${last}`)
  const written = fc.oneof(
    fc.string({ unit: 'grapheme-ascii' }),
    fc.ipV4(),
    inside,
    fc.constantFrom('', '"', 'for="'),
  )
  const spelled = (address: string, how: number) => {
    const isV6 = address.includes(':')
    if (how === 0) return address
    return isV6 ? `[${address}]${how === 1 ? ':80' : ''}` : `${address}${how === 1 ? ':80' : ''}`
  }
  fc.assert(
    fc.property(
      fc.array(written, { maxLength: 3 }),
      outside,
      fc.array(inside, { maxLength: 5 }),
      fc.record({ how: fc.array(fc.nat(2), { minLength: 1, maxLength: 5 }), inLines: fc.boolean() }),
      (forged, client, proxies, { how, inLines }) => {
        const added = [client, ...proxies].map((hop, at) => spelled(hop, how[at % how.length] ?? 0))
        const lines = inLines ? [...forged, ...added] : [[...forged, ...added].join(', ')]
        const expected = listed(spelled(client, 0))
        expect(listed(...lines)).toEqual(expected)
        // A quote that a client leaves open may make the header unreadable; it never makes it say another address.
        const elements = added.map((hop) => `for="${hop}"`)
        const answer = told(...(inLines ? [...forged, ...elements] : [[...forged, ...elements].join(', ')]))
        if (answer.ok) expect(answer).toEqual(expected)
      },
    ),
    { numRuns: 2000 },
  )
})

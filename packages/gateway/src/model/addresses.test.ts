import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLoopback, plainAddress, rangesOf } from './addresses.ts'

describe('isLoopback', () => {
  test.each([
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::FFFF:7f00:1',
    'LocalHost',
  ])('%s is this machine', (host) => expect(isLoopback(host)).toBe(true))
  test.each([
    '128.0.0.1',
    '0.0.0.0',
    '::',
    '::2',
    '127.1',
    '127.0.0.1.example',
    '::1%lo',
    '::7f00:1',
    'localhost.',
    '',
  ])('%s is not', (host) => expect(isLoopback(host)).toBe(false))
})

describe('plainAddress', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:C000:207', '192.0.2.7'],
    ['2001:DB8:0:0::7', '2001:db8::7'],
    ['::1', '::1'],
  ])('%s is %s', (text, plain) => expect(plainAddress(text)).toBe(plain))
  test.each([
    '',
    'unknown',
    '192.0.2',
    '192.0.2.07',
    '0x7f.0.0.1',
    'fe80::1%eth0',
    '[::1]',
    '::1 ',
    '::ffff:1.2.3.4.5',
  ])('%s is none', (text) => expect(plainAddress(text)).toBeUndefined())
  test('one spelling, which stays itself', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const plain = plainAddress(address)
        expect(plain).toBeDefined()
        expect(plainAddress(plain ?? '')).toBe(plain)
      }),
    )
  })
})

test('ranges hold their addresses however they are spelled', () => {
  const isIn = rangesOf(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'])
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '::ffff:a01:203', '192.0.2.7', '2001:DB8::1'])
    expect(isIn(address), address).toBe(true)
  for (const address of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '2001:db8::1%eth0', 'x', ''])
    expect(isIn(address), address).toBe(false)
})

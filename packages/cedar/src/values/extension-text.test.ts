import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { Datetime, Duration, parseDatetime, parseDuration } from './datetime.ts'
import { Decimal, parseDecimal } from './decimal.ts'
import { datetimeText, decimalText, durationText, ipText } from './extension-text.ts'
import { IpAddress, parseIp } from './ip.ts'
import { toLong } from './long.ts'

const longs = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => toLong(value) ?? 0)

const addresses = fc.oneof(
  fc.tuple(fc.constant<4>(4), fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.nat(32)),
  fc.tuple(fc.constant<6>(6), fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), fc.nat(128)),
)
const times = fc.oneof(
  fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }),
  fc.integer({ min: -700_000, max: 2_900_000 }).map((day) => day * 86_400_000),
)

describe('the text of an extension value', () => {
  it('is read back as the same value', () => {
    const check = <T>(values: fc.Arbitrary<T>, isReadBack: (value: T) => void): void =>
      fc.assert(fc.property(values, (value) => isReadBack(value)))
    check(longs, (long) => {
      expect(parseDecimal(decimalText(new Decimal(long)))).toEqual(new Decimal(long))
      expect(parseDuration(durationText(new Duration(long)))).toEqual(new Duration(long))
    })
    check(addresses, ([version, bits, prefix]) => {
      const address = new IpAddress(version, bits, prefix)
      expect(parseIp(ipText(address))).toEqual(address)
    })
    check(times, (epochMs) => {
      expect(parseDatetime(datetimeText(new Datetime(epochMs)) ?? '')).toEqual(new Datetime(epochMs))
    })
  })

  test.each([
    ['1.5', decimalText(new Decimal(15_000))],
    ['-0.0001', decimalText(new Decimal(-1))],
    ['1d2h3m4s5ms', durationText(new Duration(93_784_005))],
    ['0ms', durationText(new Duration(0))],
    ['10.0.0.0/8', ipText(new IpAddress(4, 10n << 24n, 8))],
    ['0:0:0:0:0:0:0:1', ipText(new IpAddress(6, 1n, 128))],
    ['2026-11-22', datetimeText(new Datetime(Date.UTC(2026, 10, 22)))],
    ['2026-11-22T10:00:00Z', datetimeText(new Datetime(Date.UTC(2026, 10, 22, 10)))],
    [undefined, datetimeText(new Datetime(253_402_300_800_000))],
    [undefined, datetimeText(new Datetime(2n ** 63n - 1n))],
  ])('is %s', (expected, text) => {
    expect(text).toBe(expected)
  })
})

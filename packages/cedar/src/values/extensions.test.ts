import { describe, expect, test } from 'vitest'
import { verdict } from '../testing/verdict.ts'
import type { Verdict } from '../testing/verdict.ts'

function table(rows: readonly (readonly [expression: string, expected: Verdict])[]): void {
  test.each(rows)('%s is %s', (expression, expected) => {
    expect(verdict(expression)).toBe(expected)
  })
}

/** Whether the constructor reads the text: a value equals itself. */
function reads(name: string, texts: readonly string[], expected: boolean): void {
  test.each(texts)(`${name}("%s") ${expected ? 'is read' : 'is an error'}`, (text) => {
    expect(verdict(`${name}("${text}") == ${name}("${text}")`)).toBe(expected ? 'true' : 'error')
  })
}

describe('decimal', () => {
  reads(
    'decimal',
    ['0.0', '-0.0', '1.2345', '00001.10', '922337203685477.5807', '-922337203685477.5808'],
    true,
  )
  reads(
    'decimal',
    ['1', '1.', '.1', '1.23456', '+1.0', '1.0 ', '', '922337203685477.5808', '1e3', '-'],
    false,
  )
  table([
    ['decimal("1.1").lessThan(decimal("1.11"))', 'true'],
    ['decimal("-1.1").lessThanOrEqual(decimal("-1.1"))', 'true'],
    ['decimal("1.0").greaterThan(decimal("-1.0"))', 'true'],
    ['decimal("1.0").greaterThanOrEqual(decimal("1.1"))', 'false'],
    ['decimal("1.0").lessThan(1)', 'error'],
    ['decimal("1.0").lessThan()', 'error'],
    ['decimal(1) == decimal("1.0")', 'error'],
    ['decimal("1.0", "2.0") == decimal("1.0")', 'error'],
  ])
})

describe('ip', () => {
  reads(
    'ip',
    ['0.0.0.0', '255.255.255.255/32', '1.2.3.4/0', '::', '::1', '1::', '1:2:3:4:5:6:7::', 'fe80::1/10'],
    true,
  )
  reads('ip', ['1:2:3:4:5:6:7:8', 'FFFF:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'], true)
  reads(
    'ip',
    ['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', '1.2.3.4/33', '1.2.3.4/01', '1.2.3.4/', ' ::1'],
    false,
  )
  reads(
    'ip',
    ['::ffff:1.2.3.4', '1::2::3', '12345::', ':1', '1:2:3:4:5:6:7:8:9', '::1/129', '::/+1', '1.2.3.4/32 '],
    false,
  )
  table([
    ['ip("10.1.2.3").isInRange(ip("10.0.0.0/8"))', 'true'],
    ['ip("10.0.0.0/8").isInRange(ip("10.0.0.0/9"))', 'false'],
    ['ip("10.255.0.0/16").isInRange(ip("10.1.1.1/8"))', 'true'],
    ['ip("10.1.2.3").isInRange(ip("::/0"))', 'false'],
    ['ip("1.2.3.4").isInRange(ip("9.9.9.9/0"))', 'true'],
    ['ip("fe80::1").isInRange(ip("fe80::/10"))', 'true'],
    ['ip("127.0.0.1").isLoopback()', 'true'],
    ['ip("::1").isLoopback()', 'true'],
    ['ip("::2").isLoopback()', 'false'],
    ['ip("224.0.0.1").isMulticast()', 'true'],
    ['ip("224.0.0.0/3").isMulticast()', 'false'],
    ['ip("ff02::1").isMulticast()', 'true'],
    ['ip("1.2.3.4").isIpv4()', 'true'],
    ['ip("1.2.3.4").isIpv6()', 'false'],
    ['"1.2.3.4".isIpv4()', 'error'],
    ['ip("1.2.3.4").isIpv4(1)', 'error'],
  ])
})

describe('datetime and duration', () => {
  reads(
    'datetime',
    ['0000-01-01', '9999-12-31', '2024-02-29', '2024-02-29T23:59:59.999Z', '2024-01-01T00:00:00-2359'],
    true,
  )
  reads(
    'datetime',
    ['2023-02-29', '2024-13-01', '2024-00-10', '24-01-01', '2024-1-1', '2024-01-01T00:00:00'],
    false,
  )
  reads(
    'datetime',
    ['2024-01-01T24:00:00Z', '2024-01-01T00:00:60Z', '2024-01-01T00:00:00+2400', '2024-01-01Z'],
    false,
  )
  reads(
    'datetime',
    ['2024-01-01T00:00:00.1Z', '2024-01-01T00:00:00+01:00', '2024-01-01t00:00:00Z', ''],
    false,
  )
  reads(
    'duration',
    ['1d2h3m4s5ms', '-1d', '0ms', '1d5ms', '106751991167d', '-9223372036854775808ms', '007s'],
    true,
  )
  reads(
    'duration',
    ['', '-', '1', '1h1d', '1.5h', '1 h', '+1h', '106751991168d', '9223372036854775808ms', '1w'],
    false,
  )
  table([
    ['datetime("1970-01-01").offset(duration("1d")) == datetime("1970-01-02")', 'true'],
    [
      'datetime("1970-01-01").offset(duration("9223372036854775807ms")).offset(duration("1ms")) == 1',
      'error',
    ],
    ['datetime("2024-01-02").durationSince(datetime("2024-01-01")) == duration("24h")', 'true'],
    ['datetime("1969-12-31T23:00:00Z").toDate() == datetime("1969-12-31")', 'true'],
    ['datetime("1969-12-31T23:00:00Z").toTime() == duration("23h")', 'true'],
    ['datetime("1969-12-31").toTime() == duration("0ms")', 'true'],
    ['datetime("2024-01-01T01:00:00+0200") == datetime("2023-12-31T23:00:00Z")', 'true'],
    ['duration("-1500ms").toSeconds() == -1', 'true'],
    ['duration("90m").toHours() == 1', 'true'],
    ['duration("3d").toDays() == 3', 'true'],
    ['duration("3m").toMinutes() == 3', 'true'],
    ['duration("9223372036854775807ms").toMilliseconds() == 9223372036854775807', 'true'],
    ['datetime("2024-01-01").offset(1) == 1', 'error'],
    ['duration("1d").toDate() == 1', 'error'],
    ['datetime("2024-01-01").toDate(1) == 1', 'error'],
  ])
})

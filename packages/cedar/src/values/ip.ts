// Cedar's ipaddr: an address and a prefix length, IPv4 or IPv6. Equality includes the prefix; no IPv4 inside IPv6 text.

import { Term } from './term.ts'

/** Longest text of an address with its prefix: eight groups of four digits, seven colons and `/128`. */
const MAX_TEXT = 43

export class IpAddress extends Term {
  readonly version: 4 | 6
  readonly bits: bigint
  readonly prefix: number

  constructor(version: 4 | 6, bits: bigint, prefix: number) {
    super()
    this.version = version
    this.bits = bits
    this.prefix = prefix
    Object.freeze(this)
  }

  override canonical(): string {
    return `i${this.version},${this.bits}/${this.prefix};`
  }

  /** Whether every address of this range lies in the other one. */
  isInRange(other: IpAddress): boolean {
    if (this.version !== other.version || this.prefix < other.prefix) return false
    const hostBits = BigInt((this.version === 4 ? 32 : 128) - other.prefix)
    return this.bits >> hostBits === other.bits >> hostBits
  }

  isLoopback(): boolean {
    return this.isInRange(this.version === 4 ? LOOPBACK_4 : LOOPBACK_6)
  }

  isMulticast(): boolean {
    return this.isInRange(this.version === 4 ? MULTICAST_4 : MULTICAST_6)
  }
}

const LOOPBACK_4 = new IpAddress(4, 127n << 24n, 8)
const LOOPBACK_6 = new IpAddress(6, 1n, 128)
const MULTICAST_4 = new IpAddress(4, 224n << 24n, 4)
const MULTICAST_6 = new IpAddress(6, 0xff00n << 112n, 8)

/** Reads `10.0.0.1`, `10.0.0.0/8`, `::1`, `fe80::/10`; undefined when the text is none of these. */
export function parseIp(text: string): IpAddress | undefined {
  if (text.length > MAX_TEXT) return undefined
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const version = address.includes(':') ? 6 : 4
  const bits = version === 4 ? parseV4(address) : parseV6(address)
  if (bits === undefined) return undefined
  const longest = version === 4 ? 32 : 128
  if (slash < 0) return new IpAddress(version, bits, longest)
  const prefix = text.slice(slash + 1)
  if (!/^(0|[1-9][0-9]{0,2})$/.test(prefix) || Number(prefix) > longest) return undefined
  return new IpAddress(version, bits, Number(prefix))
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let bits = 0n
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined
    bits = (bits << 8n) | BigInt(part)
  }
  return bits
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = (half: string): string[] => (half === '' ? [] : half.split(':'))
  const head = groups(halves[0] ?? '')
  const tail = groups(halves[1] ?? '')
  const given = head.length + tail.length
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined
  let bits = 0n
  for (const group of [...head, ...Array<string>(8 - given).fill('0'), ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined
    bits = (bits << 16n) | BigInt(`0x${group}`)
  }
  return bits
}

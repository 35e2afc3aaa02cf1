/** Addresses of the Internet Protocol: which are of this machine, which lie in ranges, and one spelling for each. */
import { BlockList, isIP, SocketAddress } from 'node:net'

/** Tells whether an address lies in some ranges. What is no address lies in none. */
export type Ranges = (address: string) => boolean

/** Addresses and CIDR ranges that were validated before. An IPv4 range has its addresses mapped to IPv6 in it as well. */
export function rangesOf(written: readonly string[]): Ranges {
  const list = new BlockList()
  for (const range of written) {
    const [base = '', bits] = range.split('/')
    const family = isIP(base) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(base, family)
    else list.addSubnet(base, Number(bits), family)
  }
  return (address) => {
    const family = isIP(address)
    // An address with a zone means something on one link only, so it is in no range.
    return family !== 0 && !address.includes('%') && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }
}

const isLoopbackAddress = rangesOf(['127.0.0.0/8', '::1'])

/** Whether only this machine can reach the address. Host names other than `localhost` are taken to be public. */
export function isLoopback(host: string): boolean {
  return isIP(host) === 0 ? host.toLowerCase() === 'localhost' : isLoopbackAddress(host)
}

/** The one spelling of an address, with IPv4 as IPv4 where it is mapped to IPv6; undefined when it is none, or has a zone. */
export function plainAddress(text: string): string | undefined {
  const family = isIP(text)
  if (family === 0 || text.includes('%')) return undefined
  if (family === 4) return text
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  return address.startsWith(MAPPED) && isIP(address.slice(MAPPED.length)) === 4
    ? address.slice(MAPPED.length)
    : address
}

const MAPPED = '::ffff:'

/**
 * Fetches addresses that strangers name, such as documents that tell of a client: HTTPS on its own port, no redirects,
 * and never an address that is not the public internet's. The address that was checked is the one that is connected to,
 * so a name that resolves to another one the next time gains nothing.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { Agent, buildConnector, fetch as undiciFetch } from 'undici'

const TIME_LIMIT_MS = 5000

/** Of IPv6 only what is routed at all, and in it no tunnel that ends at an IPv4 address. */
const ROUTED = new BlockList()
ROUTED.addSubnet('2000::', 3, 'ipv6')
const SPECIAL = new BlockList()
for (const range of [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...[
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
  ],
  ...['192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'],
  ...['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'],
]) {
  const [base = '', bits] = range.split('/')
  SPECIAL.addSubnet(base, Number(bits), isIPv6(base) ? 'ipv6' : 'ipv4')
}

/** Whether an address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !SPECIAL.check(address, 'ipv4')
  return family === 6 && ROUTED.check(address, 'ipv6') && !SPECIAL.check(address, 'ipv6')
}

/** With a problem there are no addresses, whatever the types of Node say. */
type Resolve = (name: string, take: (problem: Error | null, found?: readonly LookupAddress[]) => void) => void
const resolveAll: Resolve = (name, take) =>
  systemLookup(name, { all: true }, (problem, found) => take(problem, found))

/** What lies outside; the system's, but in tests. */
export interface Internet {
  readonly resolve: Resolve
  /** Makes what opens connections; `lookup` refuses names whose addresses are not public. */
  readonly connector: (lookup: LookupFunction) => buildConnector.connector
}

const SYSTEM: Internet = { resolve: resolveAll, connector: (lookup) => buildConnector({ lookup }) }

/** A `fetch` for such addresses; it rejects with the reason. */
export function createPublicFetch(internet: Partial<Internet> = {}) {
  const { resolve, connector } = { ...SYSTEM, ...internet }
  const lookup: LookupFunction = (name, { all }, take) => {
    resolve(name, (problem, found = []) => {
      const foreign = found.find(({ address }) => !isPublicAddress(address))
      const [first] = found
      if (problem !== null) return take(problem, '')
      if (first === undefined || foreign !== undefined) return take(notPublic(name), '')
      return all === true ? take(null, [...found]) : take(null, first.address, first.family)
    })
  }
  const dispatcher = new Agent({
    connect: connector(lookup),
    headersTimeout: TIME_LIMIT_MS,
    bodyTimeout: TIME_LIMIT_MS,
  })
  return async (address: string, init: RequestInit): Promise<Response> => {
    const url = new URL(address)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    if (url.protocol !== 'https:' || url.port !== '')
      throw new Error(`${address} is not https on its own port`)
    // Literal addresses are not looked up.
    if (isIP(host) !== 0 && !isPublicAddress(host)) throw notPublic(host)
    const response = await undiciFetch(url, {
      method: 'GET',
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([AbortSignal.timeout(TIME_LIMIT_MS), ...(init.signal ? [init.signal] : [])]),
      dispatcher,
    })
    return response
  }
}

function notPublic(name: string): Error {
  return new Error(`${name} is not an address of the public internet`)
}

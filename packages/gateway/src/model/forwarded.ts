/**
 * Whom a proxy speaks for. Only what proxies declared in the configuration have written is believed: from the end of
 * `X-Forwarded-For` (or of `Forwarded`, RFC 7239), where each adds the address that it was called from, back to the
 * first address that is not a declared proxy. What stands before that one, anybody may have written.
 *
 * Where it cannot be known, the request is refused. The proxy's own address instead would be worse: it lies within the
 * network, which policies are likely to trust more.
 */
import { type Ranges, plainAddress } from './addresses.ts'
import { err, ok, type Result } from './result.ts'

/**
 * The address of the client for which a declared proxy calls; the proxy's own when it names none.
 *
 * @param proxy Address of the declared proxy that is connected.
 * @param rawHeaders Name, value, name, value …, lines in the order in which they came.
 */
export function clientAddress(
  proxy: string,
  rawHeaders: readonly string[],
  isProxy: Ranges,
): Result<string, string> {
  const lists = linesOf(rawHeaders, 'x-forwarded-for')
  const elements = linesOf(rawHeaders, 'forwarded')
  const listed = lists.length === 0 ? undefined : firstForeign(proxy, hopsOfList(lists), isProxy)
  if (elements.length === 0) return listed ?? ok(proxy)
  const hops = hopsOfElements(elements)
  const told = hops === undefined ? err(UNREADABLE) : firstForeign(proxy, hops, isProxy)
  if (listed === undefined || !listed.ok || !told.ok) return listed?.ok === false ? listed : told
  // A proxy that writes one passes the other on as it came from outside, so neither can be preferred.
  return listed.value === told.value ? listed : err('X-Forwarded-For and Forwarded tell of two clients.')
}

const UNREADABLE = 'The header Forwarded cannot be read.'

/** From the last hop to the first; an address that cannot be read only matters where the walk comes to it. */
function firstForeign(
  proxy: string,
  hops: readonly (string | undefined)[],
  isProxy: Ranges,
): Result<string, string> {
  let client = proxy
  for (const hop of hops.toReversed()) {
    const address = hop === undefined ? undefined : addressOf(hop)
    if (address === undefined) return err('A proxy does not tell the address that it forwards for.')
    client = address
    if (!isProxy(address)) break
  }
  return ok(client)
}

/** Empty elements of a list count for nothing (RFC 9110, 5.6.1). */
function hopsOfList(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(',').map((hop) => hop.trim())).filter((hop) => hop !== '')
}

/** A token or a quoted string (RFC 9110, 5.6.2 and 5.6.4), and what follows it. */
const PAIR = /[ \t]*([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w:[\]-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|,|$)/y

/** What `for` says in each element, undefined where it is not there; no list when a line is not as RFC 7239, 4 says. */
function hopsOfElements(lines: readonly string[]): readonly (string | undefined)[] | undefined {
  const hops: (string | undefined)[] = []
  for (const line of lines) {
    let element = new Map<string, string>()
    for (let at = 0; at < line.length; at = PAIR.lastIndex) {
      PAIR.lastIndex = at
      const [, name, token, quoted, end] = PAIR.exec(line) ?? []
      const key = name?.toLowerCase()
      if (key === undefined || element.has(key)) return undefined
      element.set(key, token ?? (quoted ?? '').replace(/\\(.)/g, '$1'))
      if (end === ';') continue
      hops.push(element.get('for'))
      element = new Map()
    }
    if (element.size > 0 || /,[ \t]*$/.test(line)) return undefined
  }
  return hops
}

/** `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]`, `[2001:db8::7]:4711`; nothing else is an address. */
function addressOf(hop: string): string | undefined {
  const [, bracketed, inner] = /^(\[([^\]]*)\])(:\d{1,5})?$/.exec(hop) ?? []
  if (bracketed !== undefined) return inner?.includes(':') === true ? plainAddress(inner) : undefined
  const [, v4] = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(hop) ?? []
  return plainAddress(v4 ?? hop)
}

function linesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  const lines: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) lines.push(rawHeaders[at + 1] ?? '')
  }
  return lines
}

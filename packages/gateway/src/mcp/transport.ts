/**
 * What must hold of a request before anything in it is believed: one Host that names this listener, no foreign
 * Origin (DNS rebinding), no header that two parsers could read differently, and a plain origin-form target.
 * node:http lets repeated Host and Authorization lines and absolute-form targets through, so they are checked here.
 */
import type { Exchange } from '../model/exchange.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'

export interface HostRules {
  /** Exact Host values, lower case, with the port: `127.0.0.1:7070`. */
  readonly hosts: ReadonlySet<string>
  /** Exact Origin values, lower case: `http://127.0.0.1:7070`. */
  readonly origins: ReadonlySet<string>
}

/** Headers that must not come twice: each is read by someone to decide something. */
const SINGLE = new Set(
  [
    'host',
    'origin',
    'authorization',
    'content-length',
    'content-type',
    'content-encoding',
    'transfer-encoding',
  ].concat([
    'mcp-protocol-version',
    'mcp-session-id',
    'mcp-method',
    'mcp-name',
    'last-event-id',
    'accept',
    'expect',
    'upgrade',
  ]),
)

/** Refuses the first thing wrong with the request's head. */
export function checkTransport(exchange: Exchange, rules: HostRules): Result<void, Refusal> {
  const { repeatedHeaders, target } = exchange
  const repeated = repeatedHeaders.find((name) => SINGLE.has(name) || name.startsWith('mcp-param-'))
  if (repeated !== undefined) return bad(`The request has more than one ${repeated} header.`)
  if (!target.startsWith('/')) return bad('The request target must be a path, such as /mcp/files.')
  const host = exchange.header('host')
  if (host === undefined) return bad('The request has no Host header.')
  if (!rules.hosts.has(host.toLowerCase())) {
    return bad('The Host header does not name this gateway; add it to allowedHosts if it should.', 403)
  }
  const origin = exchange.header('origin')
  if (origin !== undefined && !rules.origins.has(origin.toLowerCase())) {
    return bad('This Origin may not call the gateway; add it to allowedOrigins if it should.', 403)
  }
  if (exchange.header('transfer-encoding') !== undefined && exchange.header('content-length') !== undefined) {
    return bad('The request has both Content-Length and Transfer-Encoding.')
  }
  if (exchange.header('upgrade') !== undefined) return bad('Protocol upgrades are not accepted.')
  const expectation = exchange.header('expect')
  if (expectation !== undefined && expectation.toLowerCase() !== '100-continue')
    return bad('No expectation but 100-continue can be met.', 417)
  return FINE
}

const FINE = ok(undefined)

function bad(message: string, status = 400): Result<void, Refusal> {
  return err(invalid(message, { status }))
}

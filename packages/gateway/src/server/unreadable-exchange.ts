/**
 * A request that is not well-formed HTTP: desync shapes, oversized heads, heads that do not arrive. There is no
 * message to judge, but it is refused and recorded like any other, and its connection ends.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { plainAddress } from '../model/addresses.ts'
import type { Exchange, Peer, ReplySink } from '../model/exchange.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err } from '../model/result.ts'

/** The exchange of such a request: all that is known is where it came from. */
export function unreadableExchange(socket: Socket, requestId: string, arrivedAtMs: number): Exchange {
  return {
    requestId,
    arrivedAtMs,
    method: '',
    target: '',
    rawHeaders: [],
    repeatedHeaders: [],
    header: () => undefined,
    peer: peerOf(socket),
    readBody: async () => err(invalid('The request could not be read.')),
    signal: AbortSignal.abort(),
    end: () => undefined,
    endedWith: undefined,
    place: undefined,
    reply: closingReply(socket),
  }
}

/** Where a connection comes from. */
export function peerOf(socket: Socket): Peer {
  const secure = 'encrypted' in socket && socket.encrypted === true
  const { remoteAddress } = socket
  return remoteAddress === undefined
    ? { transport: 'unix', secure }
    : { transport: 'tcp', address: plainAddress(remoteAddress) ?? remoteAddress, secure }
}

function closingReply(socket: Socket): ReplySink {
  return {
    send(status, headers, body) {
      if (!socket.writable) return 0
      const length = Buffer.byteLength(body)
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-length: ${length}\r\n`
      socket.end(`${head}${lines.join('')}\r\n${body}`, () => socket.destroy())
      return length
    },
    stream() {
      throw new Error('a request that could not be read has no stream')
    },
  }
}

/** What node:http found wrong. Undefined for connections that merely broke: nobody asked for anything. */
export function unreadable(problem: NodeJS.ErrnoException): Refusal | undefined {
  const code = problem.code ?? ''
  if (code === 'HPE_HEADER_OVERFLOW') return invalid('The headers are too large.', { status: 431 }, code)
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return invalid('The request did not arrive in time.', { status: 408 }, code)
  if (code.startsWith('HPE_')) {
    return invalid('The request is not well-formed HTTP.', {}, `${code}: ${problem.message}`)
  }
  return undefined
}

/** What the engine lets through although it is not the HTTP spoken here (RFC 9112, 2.3 and 6.1). */
export function unreadableHead(exchange: Exchange, httpVersion: string): Refusal | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return invalid('Use HTTP/1.1.', { status: 505 }, `HTTP/${httpVersion}`)
  const coding = exchange.header('transfer-encoding')
  if (coding === undefined) return undefined
  if (httpVersion === '1.0') return invalid('HTTP/1.0 has no transfer codings.', {}, coding)
  return coding.toLowerCase() === 'chunked'
    ? undefined
    : invalid('The only transfer coding accepted is chunked.', {}, coding)
}

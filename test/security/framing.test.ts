/**
 * Requests whose end two HTTP parsers could see in different places, and heads that they could read differently (A14).
 * Each carries a second call behind it; neither may reach the server.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { chunk, withLine, write } from '../fixtures/wire.ts'

let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway({
    config: 'limits: { bodyTimeoutSeconds: 1, headersTimeoutSeconds: 1 }',
  })
})
afterAll(() => gateway.close())

const BODY = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}'
const UNTIL_CLOSED = { replies: Number.POSITIVE_INFINITY, deadlineMs: 8000 }
const REFUSED = { status: 400, code: -32600, reason: 'invalid' } as const

/** Head lines of a good call, without the framing. */
function lines(): string[] {
  return gateway.legacy().headers.map(([name, value]) => `${name}: ${value}`)
}

/** A second call, complete, as it would be smuggled. */
function second(): string {
  return write({ ...gateway.legacy({ params: { name: 'smuggled', arguments: {} } }) }).toString('latin1')
}

/** A call with the given framing lines and body. */
function framed(framing: string[], body: string | Buffer, start = 'POST /mcp/files HTTP/1.1'): Buffer {
  const head = `${[start, ...lines(), ...framing].join('\r\n')}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])
}

const LENGTH = `Content-Length: ${BODY.length}`
const CHUNKED = 'Transfer-Encoding: chunked'
const chunked = Buffer.concat([chunk(BODY), chunk('')]).toString()

describe('framing', () => {
  test.each([
    ['by length', framed.bind(undefined, [LENGTH], BODY)],
    ['in one chunk', framed.bind(undefined, [CHUNKED], chunked)],
    [
      'in many chunks, with an extension and a trailer',
      () => {
        const parts = BODY.split('').map((letter) => chunk(letter, ';name=value').toString())
        return framed([CHUNKED], `${parts.join('')}0\r\nX-Trailer: 1\r\n\r\n`)
      },
    ],
  ])('control: %s passes', async (_title, bytes) => {
    expectAllowed(await gateway.send(bytes()))
  })

  test('control: two requests, one behind the other, are two calls, each judged', async () => {
    const { replies, decisions, requests } = await gateway.send(framed([LENGTH], BODY + second()), {
      replies: 2,
    })
    expect(replies.map(({ status }) => status)).toEqual([200, 200])
    expect(decisions.map(({ tool }) => tool)).toEqual(['files__echo', 'files__smuggled'])
    expect(requests).toHaveLength(2)
  })

  const cases: [string, () => Buffer][] = [
    ['a length and chunks', () => framed([LENGTH, CHUNKED], chunked + second())],
    ['chunks and a length', () => framed([CHUNKED, LENGTH], chunked + second())],
    ['a length of nothing and chunks', () => framed(['Content-Length: 0', CHUNKED], chunked + second())],
    [
      'chunks and a length, chunks in capitals',
      () => framed(['TRANSFER-ENCODING: CHUNKED', LENGTH], chunked + second()),
    ],
    ['two lengths, equal', () => framed([LENGTH, LENGTH], BODY + second())],
    ['two lengths, different', () => framed([LENGTH, 'Content-Length: 0'], BODY + second())],
    ['a list of lengths', () => framed([`${LENGTH}, ${BODY.length}`], BODY + second())],
    ['a length with a sign', () => framed([`Content-Length: +${BODY.length}`], BODY + second())],
    ['a length with a fraction', () => framed([`Content-Length: ${BODY.length}.0`], BODY + second())],
    [
      'a hexadecimal length',
      () => framed([`Content-Length: 0x${BODY.length.toString(16)}`], BODY + second()),
    ],
    ['a negative length', () => framed(['Content-Length: -1'], BODY + second())],
    ['an empty length', () => framed(['Content-Length: '], BODY + second())],
    ['a length beyond 64 bits', () => framed(['Content-Length: 18446744073709551616'], BODY + second())],
    ['an unknown coding', () => framed(['Transfer-Encoding: xchunked'], chunked + second())],
    [
      'chunked, then another coding',
      () => framed(['Transfer-Encoding: chunked, identity'], chunked + second()),
    ],
    ['identity', () => framed(['Transfer-Encoding: identity'], BODY + second())],
    ['identity and a length', () => framed(['Transfer-Encoding: identity', LENGTH], BODY + second())],
    ['chunked twice', () => framed(['Transfer-Encoding: chunked, chunked'], chunked + second())],
    ['two lines of chunked', () => framed([CHUNKED, CHUNKED], chunked + second())],
    ['gzip, then chunked', () => framed(['Transfer-Encoding: gzip, chunked'], chunked + second())],
    ['chunked in quotes', () => framed(['Transfer-Encoding: "chunked"'], chunked + second())],
    ['a tab within the coding', () => framed(['Transfer-Encoding: chun\tked'], chunked + second())],
    ['a vertical tab before it', () => framed(['Transfer-Encoding: \u000bchunked'], chunked + second())],
    ['space before the colon', () => framed(['Transfer-Encoding : chunked'], chunked + second())],
    [
      'space before the colon of a length',
      () => framed([`Content-Length : ${BODY.length}`], BODY + second()),
    ],
    ['space before the name', () => framed([` ${CHUNKED}`, LENGTH], chunked + second())],
    ['HTTP/1.0 with chunks', () => framed([CHUNKED], chunked + second(), 'POST /mcp/files HTTP/1.0')],
    ['a chunk size with a sign', () => framed([CHUNKED], `+${chunked}${second()}`)],
    ['a chunk size with 0x', () => framed([CHUNKED], `0x${chunked}${second()}`)],
    ['a chunk size beyond 64 bits', () => framed([CHUNKED], `f${'0'.repeat(16)}${chunked}${second()}`)],
    ['a chunk size with a space before', () => framed([CHUNKED], ` ${chunked}${second()}`)],
    ['an underscore in the chunk size', () => framed([CHUNKED], `1_0\r\n${chunked}${second()}`)],
    ['a chunk longer than its size', () => framed([CHUNKED], `1\r\n${BODY}\r\n0\r\n\r\n${second()}`)],
    ['chunks ended by line feeds', () => framed([CHUNKED], chunked.replaceAll('\r\n', '\n') + second())],
    [
      'a bare carriage return after the size',
      () => framed([CHUNKED], chunked.replace('\r\n', '\r') + second()),
    ],
    [
      'a line feed in a chunk extension',
      () => framed([CHUNKED], chunked.replace('\r\n', ';a=\nb\r\n') + second()),
    ],
    [
      'a chunk extension of 20 kB',
      () => framed([CHUNKED], chunked.replace('\r\n', `;${'a'.repeat(20_000)}\r\n`)),
    ],
    [
      'a NUL in a trailer',
      () => framed([CHUNKED], `${chunk(BODY).toString()}0\r\nX: a\0b\r\n\r\n${second()}`),
    ],
  ]
  test('chunks in HTTP/1.0: refused', async () => {
    expectRefused(
      await gateway.send(framed([CHUNKED], chunked, 'POST /mcp/files HTTP/1.0'), UNTIL_CLOSED),
      REFUSED,
    )
  })

  test.each(cases)('%s: refused, and what follows is not a request', async (_title, bytes) => {
    expectRefused(await gateway.send(bytes(), UNTIL_CLOSED), REFUSED)
  })
})

describe('heads', () => {
  const good = () => framed([LENGTH], BODY).toString('latin1')
  const cases: [string, () => string][] = [
    ['a folded line', () => good().replace('Accept: ', 'Accept:\r\n ')],
    ['a folded line that hides a header', () => good().replace('Accept: ', 'X-A: b\r\n Accept: ')],
    ['a fold with a tab', () => good().replace('Accept: ', 'Accept:\r\n\t')],
    ['a fold in Host', () => good().replace('Host: ', 'Host:\r\n ')],
    ['a line that begins with a fold', () => good().replace('\r\nHost', '\r\n Host')],
    ['line feeds alone', () => good().replaceAll('\r\n', '\n')],
    ['one line feed alone', () => good().replace('\r\nAccept', '\nAccept')],
    ['a line feed alone at the end', () => good().replace('\r\n\r\n', '\r\n\n')],
    ['a carriage return alone', () => good().replace('\r\nAccept', '\rAccept')],
    ['a carriage return in a value', () => good().replace('Accept: ', 'Accept: \r')],
    ['NUL in a value', () => good().replace('Accept: ', 'Accept: \0')],
    ['NUL in a name', () => good().replace('Accept', 'Acc\0ept')],
    ['DEL in a value', () => good().replace('Accept: ', 'Accept: \u007f')],
    ['space in a name', () => good().replace('Accept', 'Acc ept')],
    ['a name of nothing', () => good().replace('Accept', '')],
    ['a line without a colon', () => good().replace('Accept: ', 'Accept ')],
    ['a name that is not a token', () => good().replace('Accept', 'Acc(ept)')],
    ['a name that is not ASCII', () => good().replace('Accept', 'Acc\u00e9pt')],
    ['the protocol in lower case', () => good().replace('HTTP/1.1', 'http/1.1')],
    ['a protocol that there is none', () => good().replace('HTTP/1.1', 'HTTP/1.2')],
    ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a TLS greeting', () => '\u0016\u0003\u0001\u0002\0\u0001\0\u0001\ufffd\u0003\u0003'],
    ['a tab after the method', () => good().replace('POST ', 'POST\t')],
    ['a method in lower case', () => good().replace('POST', 'post')],
    ['a method that there is none', () => good().replace('POST', 'PWN')],
    ['a space in the target', () => good().replace('/mcp/files', '/mcp/fi les')],
    ['a NUL in the target', () => good().replace('/mcp/files', '/mcp/fi\0les')],
    ['DEL in the target', () => good().replace('/mcp/files', '/mcp/fi\u007fles')],
  ]
  test.each(cases)('%s: refused, and the connection ends', async (_title, text) => {
    expectRefused(await gateway.send(Buffer.from(text(), 'latin1'), UNTIL_CLOSED), REFUSED)
    expectRefused(await gateway.send(Buffer.from(text() + second(), 'latin1'), UNTIL_CLOSED), REFUSED)
  })

  test.each([
    ['HTTP/0.9 by name', () => good().replace('HTTP/1.1', 'HTTP/0.9')],
    ['HTTP/0.9 without a name', () => good().replace(' HTTP/1.1', '')],
    ['HTTP/2.0 by name', () => good().replace('HTTP/1.1', 'HTTP/2.0')],
  ])('%s: refused, and the connection ends', async (_title, text) => {
    expectRefused(await gateway.send(text(), UNTIL_CLOSED), { ...REFUSED, status: 505 })
    expectRefused(await gateway.send(text() + second(), UNTIL_CLOSED), { ...REFUSED, status: 505 })
  })

  test('control: HTTP/1.0 with a length passes, as proxies speak it', async () => {
    expectAllowed(await gateway.send(good().replace('HTTP/1.1', 'HTTP/1.0')))
  })

  test.each([
    ['an empty line before the request', () => `\r\n${good()}`],
    [
      'spaces around values',
      () => good().replace('Accept: ', 'Accept: \t  ').replace('stream\r\n', 'stream \t\r\n'),
    ],
    ['no space before values', () => good().replaceAll(/^([A-Za-z-]+): /gm, '$1:')],
    ['names in any case', () => good().replaceAll(/^[A-Za-z-]+:/gm, (name) => name.toUpperCase())],
  ])('control: %s passes', async (_title, text) => {
    expectAllowed(await gateway.send(Buffer.from(text(), 'latin1')))
  })
})

describe('things to switch to', () => {
  const good = () => gateway.legacy()
  test.each([
    ['CONNECT', 'CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n'],
    ['CONNECT to a path', 'CONNECT /mcp/files HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('%s: refused, and what follows is not forwarded', async (_title, head) => {
    expectRefused(await gateway.send(head + second(), UNTIL_CLOSED), REFUSED)
  })

  test.each([
    ['websocket', 'Upgrade', 'websocket'],
    ['h2c', 'Upgrade, HTTP2-Settings', 'h2c'],
    ['anything', 'upgrade', 'anything/1'],
    ['without Connection', 'keep-alive', 'h2c'],
  ])('Upgrade, %s: refused', async (_title, connection, protocol) => {
    const request = withLine(withLine(good(), 'Connection', connection), 'Upgrade', protocol)
    const bytes = Buffer.concat([write(request), Buffer.from(second())])
    expectRefused(await gateway.send(bytes, UNTIL_CLOSED), REFUSED)
  })

  test('an expectation that there is none: refused', async () => {
    expectRefused(await gateway.send(withLine(good(), 'Expect', '200-ok')), { ...REFUSED, status: 417 })
  })

  test('control: a body announced with Expect: 100-continue passes', async () => {
    expectAllowed(await gateway.send(withLine(good(), 'Expect', '100-continue')))
  })

  test.each([
    ['absolute form', () => `http://${gateway.host}/mcp/files`, 400],
    ['absolute form of somewhere else', () => 'http://example.com/mcp/files', 400],
    ['absolute form, https', () => `https://${gateway.host}/mcp/files`, 400],
    ['authority form', () => gateway.host, 400],
    ['asterisk form', () => '*', 400],
  ])('a target in %s: refused', async (_title, target, status) => {
    const seen = await gateway.send({ ...good(), target: target() }, UNTIL_CLOSED)
    expectRefused(seen, { ...REFUSED, status })
  })
})

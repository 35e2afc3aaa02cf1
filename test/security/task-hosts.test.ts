/** `hosts`: thousands of spellings of URLs, and clients that would fetch them: none goes where the task does not (C2). */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent as HttpAgent, get } from 'node:http'
import { Agent as HttpsAgent, get as getSecurely } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { parse } from 'node:url'
import fc from 'fast-check'
import { Agent, request } from 'undici'
import { describe, expect, test } from 'vitest'
import { compileConstraints } from '../../packages/gateway/src/tasks/constraints/compile.ts'

const HOSTS = ['example.com', '*.example.org', 'example.net:8443', '[2001:db8::1]', '192.0.2.7']
const compiled = compileConstraints(
  { url: { hosts: HOSTS } },
  { others: 'refuse', sight: { placeOf: () => undefined } },
)
if (!compiled.ok) throw new Error(compiled.error)
const check = compiled.value

/** The places that the task allows, for clients: `host:port`. */
function isAllowed(host: string, port: number): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  if (name === 'example.net') return port === 8443
  const isUsual = port === 80 || port === 443
  return (
    isUsual &&
    (['example.com', '2001:db8::1', '192.0.2.7'].includes(name) ||
      /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.example\.org$/.test(name))
  )
}

const of = <T>(...all: readonly T[]) => fc.constantFrom(...all)
const GOOD = [
  'example.com',
  'www.example.org',
  'a.b.example.org',
  'example.net:8443',
  '[2001:db8::1]',
  '192.0.2.7',
  'EXAMPLE.com',
  'example.com:443',
  'example.com:80',
  'example.net',
  'example.org',
  'a_b.example.org',
  'xn--bcher-kva.example.org',
]
const EVIL = [
  'evil.example',
  'example.com.evil.example',
  'evilexample.com',
  'example.org.evil',
  '127.0.0.1',
  '[::1]',
  'localhost',
  '169.254.169.254',
  'evil.example:8443',
]
const HOSTILE = [
  'example.com.',
  'example.com..',
  '.example.com',
  'example。com',
  'example．com',
  'ｅxample.com',
  'еxample.com',
  'exam\u00adple.com',
  'exa\u200bmple.com',
  'example.com\u3002',
  'faß.example.org',
  'bücher.example.org',
  'ﬁ.example.org',
  '192.0.2.07',
  '0300.0.2.7',
  '0xc0.0.2.7',
  '3221225991',
  '0xc0000207',
  '192.0.519',
  '192.512.7',
  '[::ffff:192.0.2.7]',
  '[::ffff:c000:207]',
  '[::192.0.2.7]',
  '[2001:db8:0::1]',
  '[2001:DB8::1]',
  '[2001:db8::0001]',
  '[2001:db8::1%25eth0]',
  '[2001:db8::1%eth0]',
  '[v1.x]',
  'example%2ecom',
  'example.com%2eevil.example',
  '%65xample.com',
  'example.com%00.evil.example',
  'example.com%23.evil.example',
  'example.com%40evil.example',
  '-.example.org',
  'xn--.example.org',
  'xn--a.example.org',
  '*.example.org',
  'example.com:',
  'example.com:0443',
  'example.com:+443',
  'example.com: 443',
  'example.com:443:80',
  'example.com:99999',
  'example.com:8443',
  'example.com:0',
  '127.1',
  '0',
  '127.0.0.1.',
  '①②⑦.0.0.1',
  '192.0.2.7.',
  'example.com\u0000',
  'example.com\ufeff',
]
const BETWEEN = [
  '@',
  ':@',
  '%40',
  '\\@',
  '/@',
  '?@',
  '#@',
  '\\',
  ';@',
  '&@',
  ' @',
  '\t@',
  '\n',
  '\r\n',
  '\0',
  '\\\\',
  '/',
  '#',
  '?',
  ';',
  ',',
  '|',
  '%5c',
  '%2f',
  '%5c@',
  '＠',
  '／',
  '＃',
  '？',
  '⁄',
  '。',
  '.',
  ':80@',
  ':443#@',
  ' ',
  '\u00a0',
  '\u2028',
  "'",
  '"',
  '<',
  '^',
  '`',
  '{',
  '[',
  ']',
  '_',
  '~',
  '!',
  '$',
  '(',
  '*',
  '+',
  '=',
]
const SCHEMES = [
  'https://',
  'http://',
  'https://',
  'http://',
  'HTTPS://',
  'https:/',
  'https:',
  'https:\\\\',
  'https:/\\',
  'https:///',
  '//',
  '\\\\',
  '/',
  ' https://',
  '\thttps://',
  'ht\ttps://',
  'https :// ',
  'ftp://',
  'file://',
  'javascript://',
  'data:text/html,https://',
  'ws://',
  'gopher://',
  'view-source:https://',
  'blob:https://',
  'url:https://',
  'http+unix://',
  '',
  '\u0001https://',
  'https:\n//',
  'ｈttps://',
]
const PATHS = [
  '',
  '/',
  '/a',
  '/a/../b',
  '//evil.example/',
  '/\\evil.example',
  '?x',
  '?@evil.example',
  '#@evil.example',
  '/@evil.example',
  '/a?u=https://evil.example/#x',
  ':80/',
  ':8443/',
  '/%2e%2e/',
  '/é',
  '\\',
  '/ ',
  '/\n',
  '\t',
  '.',
  './',
  '/;@evil.example',
  '\\@evil.example/',
]

const url = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(of(...GOOD), of('', '', ''), of('')) },
    {
      weight: 3,
      arbitrary: fc.tuple(of(...GOOD, ...EVIL, ...HOSTILE), of(...BETWEEN), of(...GOOD, ...EVIL, ...HOSTILE)),
    },
    { weight: 2, arbitrary: fc.tuple(of(...HOSTILE), of(''), of('')) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        of('user', 'user:pass', 'example.com', 'example.com:443'),
        of(...BETWEEN),
        of(...EVIL),
      ),
    },
    { weight: 1, arbitrary: fc.tuple(fc.string({ unit: 'binary', maxLength: 3 }), of('', '.'), of(...GOOD)) },
    {
      weight: 1,
      arbitrary: fc.tuple(of(...GOOD), fc.string({ unit: 'binary-ascii', maxLength: 3 }), of(...EVIL, '')),
    },
  )
  .chain((parts) =>
    fc.tuple(of(...SCHEMES), of(...PATHS)).map(([scheme, path]) => scheme + parts.join('') + path),
  )

interface Place {
  readonly host: string
  readonly port: number
}

const usualPort = (scheme: string) => (/^https/i.test(scheme) ? 443 : 80)

/** Readings of the authority by those who use no library, or an old one. */
const byHand: Readonly<Record<string, (url: string) => Place | undefined>> = {
  'RFC 3986, appendix B': (text) => hostOf(text, /^(([^:/?#]+):)?(\/\/([^/?#]*))?/.exec(text)?.[4] ?? ''),
  'until the first slash': (text) => hostOf(text, /^[a-z]+:\/\/([^/]*)/i.exec(text)?.[1] ?? ''),
  'after the last @ anywhere before a slash': (text) =>
    hostOf(
      text,
      text
        .replace(/^[a-z]+:\/\//i, '')
        .split('/')[0]
        ?.split('@')
        .at(-1) ?? '',
    ),
  'backslashes end it': (text) => hostOf(text, /^[a-z]+:[\\/]{2}([^\\/?#]*)/i.exec(text)?.[1] ?? ''),
  'unescaped first': (text) =>
    hostOf(text, /^[a-z]+:\/\/([^/?#]*)/i.exec(decodeURIComponent(text))?.[1] ?? ''),
  'compatible characters first': (text) =>
    hostOf(text, /^[a-z]+:\/\/([^/?#]*)/i.exec(text.normalize('NFKC'))?.[1] ?? ''),
  'legacy url.parse': (text) => {
    const { hostname, port, protocol } = parse(text)
    return { host: hostname ?? '', port: Number(port ?? usualPort(protocol ?? '')) }
  },
  WHATWG: (text) => {
    const { hostname, port, protocol } = new URL(text)
    return { host: hostname, port: port === '' ? usualPort(protocol) : Number(port) }
  },
}

function hostOf(text: string, authority: string): Place {
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const [, name = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(host) ?? []
  return { host: name, port: port === undefined || port === '' ? usualPort(text) : Number(port) }
}

/** Where clients would connect to; their connections are never made. */
const clients: Readonly<Record<string, (url: string) => Promise<Place>>> = {
  'node:http': (text) =>
    new Promise((resolve, reject) => {
      const stub = (options: { host?: string | null; port?: unknown }) => {
        resolve({ host: options.host ?? '', port: Number(options.port) })
        throw new Error('not connected')
      }
      const isSecure = /^https/i.test(text)
      const agent = isSecure ? new HttpsAgent() : new HttpAgent()
      agent.createConnection = stub as never
      ;(isSecure ? getSecurely : get)(text, { agent }).on('error', reject)
    }),
  undici: (text) =>
    new Promise((resolve, reject) => {
      const dispatcher = new Agent({
        connect: ({ hostname, port, protocol }, done) => {
          resolve({ host: hostname, port: Number(port || usualPort(protocol)) })
          done(new Error('not connected'), null)
        },
      })
      request(text, { dispatcher }).catch(reject)
    }),
}

describe('URLs of a task', () => {
  const urls = [...new Set(fc.sample(url, { numRuns: 20_000, seed: 20_261_123 }))]
  const accepted = urls.filter((each) => check({ url: each }) === undefined)

  test('of 20,000, those let through lead to the hosts of the task for whoever reads them', () => {
    const astray = accepted.flatMap((text) =>
      Object.entries(byHand).flatMap(([reader, read]) => {
        const place = read(text)
        return place !== undefined && isAllowed(place.host, place.port) ? [] : [{ text, reader, place }]
      }),
    )
    expect(astray.slice(0, 5)).toEqual([])
    expect(accepted.length).toBeGreaterThan(50)
  })

  test.each(Object.entries(clients))('%s connects to the hosts of the task', async (_, connect) => {
    for (const text of accepted) {
      const place = await connect(text)
      expect(isAllowed(place.host, place.port), `${text} → ${JSON.stringify(place)}`).toBe(true)
    }
  })

  test('a comparison of texts would let many go astray', () => {
    const naive = urls.filter((each) =>
      /^https?:\/\/(example\.com|[^/]*\.example\.org|192\.0\.2\.7)/.test(each),
    )
    const astray = naive.filter((text) =>
      Object.values(byHand).some((read) => {
        try {
          const place = read(text)
          return place !== undefined && !isAllowed(place.host, place.port)
        } catch {
          return false
        }
      }),
    )
    expect(astray.length).toBeGreaterThan(100)
  })

  test('so would any one parser alone', () => {
    const parsed = urls.filter((text) => {
      const place = URL.canParse(text) ? byHand['WHATWG']?.(text) : undefined
      return place !== undefined && isAllowed(place.host, place.port)
    })
    const otherwise = parsed.filter((text) => check({ url: text }) !== undefined)
    expect(otherwise.length).toBeGreaterThan(100)
  })

  const hasCurl = spawnSync('curl', ['--version']).status === 0
  test.skipIf(!hasCurl)('curl asks for the hosts of the task', async () => {
    const asked: string[] = []
    const proxy = createServer((socket) => {
      socket.once('data', (data) => {
        const [, secure, plain] = /^(?:CONNECT (\S+)|[^]*?\r\nHost: (\S+))/.exec(data.toString()) ?? []
        asked.push(secure ?? plain ?? '')
        socket.destroy()
      })
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    const { port } = proxy.address() as AddressInfo
    const some = accepted.filter((_, index) => index % Math.ceil(accepted.length / 25) === 0)
    for (const text of some) {
      const curl = spawn('curl', ['-sgx', `http://127.0.0.1:${port}`, '--noproxy', '', text])
      await once(curl, 'exit')
      const { host, port: at } = hostOf(text, asked.at(-1) ?? '')
      expect(isAllowed(host, at), `${text} → ${asked.at(-1)}`).toBe(true)
    }
    expect(asked).toHaveLength(some.length)
    proxy.close()
  })

  test.each([
    'https://example.com',
    'https://example.com/',
    'http://example.com/a/b?c=d&e=https://evil.example/#f',
    'HTTPS://Example.COM/x',
    'https://example.com:443/',
    'https://www.example.org/a%20b/ä',
    'https://a.b.c.example.org/@x',
    'https://example.net:8443/',
    'http://[2001:db8::1]/x',
    'http://192.0.2.7/x',
  ])('%s is let through', (text) => {
    expect(check({ url: text })).toBeUndefined()
  })

  test.each([
    ['https://example.org/', /must be a URL of/],
    ['https://example.net/', /must be a URL of/],
    ['https://example.com:8443/', /must be a URL of/],
    ['http://example.com:443/', /must be a URL of/],
    ['https://user@example.com/', /without a user name/],
    ['https://example.com@evil.example/', /without a user name/],
    ['https://example.com./', /without a dot at its end/],
    ['https://exämple.com/', /in ASCII/],
    ['https://example.com?x', /a \/ after the host/],
    ['https://example.com\\@evil.example/', /without backslashes/],
    ['https://example.com/\n', /without spaces and control characters/],
    ['http://3221225991/', /in its usual form: 192\.0\.2\.7/],
    ['http://[2001:db8:0::1]/', /in its usual form: \[2001:db8::1\]/],
    ['http://[::ffff:c000:207]/', /form of IPv6/],
    ['ftp://example.com/', /begins with https/],
    ['//example.com/', /begins with https/],
    ['example.com', /begins with https/],
    [['https://example.com/'], /written as a text/],
  ])('%s is refused, and it is said how to write it', (text, message) => {
    expect(check({ url: text })?.message).toMatch(message)
  })
})

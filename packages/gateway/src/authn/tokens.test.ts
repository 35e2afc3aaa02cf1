/** What is remembered of tokens and keys, and for how long; the clock and the issuer's answers are the test's. */
import { beforeEach, describe, expect, it } from 'vitest'
import { createKey, type SigningKey } from '../../../../test/fixtures/token-issuer.ts'
import { parseStrictJson } from '../mcp/strict-json.ts'
import type { TokenIssuer } from '../model/issuer.ts'
import { err, ok, type Result } from '../model/result.ts'
import { SignJWT } from 'jose'
import { Tokens } from './tokens.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const ROUTE = 'https://gate.example.com/mcp/files'
const CORP = 'https://idp.example.com'

let nowMs: number
let key: SigningKey
let published: readonly SigningKey[]
/** Instead of the keys. */
let answer: (() => Promise<Result<unknown, string>>) | undefined
let asked: string[]
let ended: (readonly string[])[]
let tokens: Tokens
beforeEach(async () => {
  nowMs = Date.parse('2026-05-01T08:00:00Z')
  key = await createKey('one')
  published = [key]
  answer = undefined
  asked = []
  ended = []
  tokens = create()
  tokens.replace([issuer()])
})

function create(maxRemembered?: number): Tokens {
  const made = new Tokens({
    now: () => nowMs,
    parseJson: (bytes) => parseStrictJson(bytes, { maxJsonDepth: 16, maxJsonMembers: 5000 }),
    onEnded: (names) => ended.push(names),
    fetchJson: (url) => {
      asked.push(url)
      return answer?.() ?? Promise.resolve(ok({ keys: published.map(({ jwk }) => jwk) }))
    },
    ...(maxRemembered === undefined ? {} : { maxRemembered }),
  })
  return made
}

function issuer(more: Partial<TokenIssuer> = {}): TokenIssuer {
  return {
    name: 'corp',
    issuer: CORP,
    audiences: [],
    jwks: `${CORP}/keys`,
    algorithms: ['ES256'],
    type: 'at+jwt',
    kind: 'user',
    agents: new Map(),
    clientProof: undefined,
    services: new Map(),
    subject: 'sub',
    subjectPrefix: '',
    groups: undefined,
    tags: new Map(),
    clients: [],
    requires: new Map(),
    scopes: [],
    enterprise: undefined,
    authorizes: true,
    ...more,
  }
}

function sign(claims: Record<string, unknown> = {}, by: SigningKey = key): Promise<string> {
  const exp = Math.floor(nowMs / 1000) + 600
  return new SignJWT({ iss: CORP, aud: ROUTE, sub: 'ada', jti: 'a', exp, ...claims })
    .setProtectedHeader({ alg: by.alg, kid: by.kid, typ: 'at+jwt' })
    .sign(by.privateKey)
}

const ask = async (token: string, resource = ROUTE) => (await tokens.find(token, resource)).kind
/** Whether the answer was there at once. */
const isRemembered = (token: string) => !(tokens.find(token, ROUTE) instanceof Promise)

describe('a token that was verified', () => {
  it('is known at once from then on, as the same caller, and its keys are fetched once', async () => {
    const token = await sign()
    expect(isRemembered(token)).toBe(false)
    const first = await tokens.find(token, ROUTE)
    const second = tokens.find(token, ROUTE)
    expect(second).toBe(first)
    expect(asked).toEqual([`${CORP}/keys`])
  })

  it('is held against the route each time', async () => {
    const token = await sign()
    expect(await ask(token)).toBe('known')
    expect(await ask(token, 'https://gate.example.com/mcp/db')).toBe('refused')
    expect(await ask(token)).toBe('known')
  })

  it('is good until it expires, and 30 seconds of leeway', async () => {
    const token = await sign()
    await ask(token)
    nowMs += 10 * MINUTE + 29_999
    expect(isRemembered(token)).toBe(true)
    nowMs += 1
    expect(isRemembered(token)).toBe(false)
    expect(await ask(token)).toBe('refused')
    tokens.check()
    expect(ended).toEqual([])
  })

  it('is forgotten by a reload, with the key kept', async () => {
    const token = await sign()
    await ask(token)
    expect(tokens.replace([issuer()])).toEqual([])
    expect(isRemembered(token)).toBe(false)
    answer = () => Promise.resolve(err('down'))
    expect(await ask(token)).toBe('known')
    expect(asked).toHaveLength(1)
  })

  it.each([
    ['is gone', []],
    ['requires more', [issuer({ requires: new Map([['x', []]]) })]],
  ])('is refused when its issuer %s, and that is told', async (_, issuers) => {
    const token = await sign()
    await ask(token)
    expect(tokens.replace(issuers)).toEqual(['corp'])
    expect(await ask(token)).toBe('refused')
  })

  it('while the configuration changes, is judged by the new one', async () => {
    const token = await sign()
    const asking = tokens.find(token, ROUTE)
    tokens.replace([])
    expect((await asking).kind).toBe('refused')
    expect(isRemembered(token)).toBe(false)
  })

  it('is one of so many', async () => {
    tokens = create(2)
    tokens.replace([issuer()])
    const three = await Promise.all(['a', 'b', 'c'].map((sub) => sign({ sub })))
    for (const token of three) await ask(token)
    expect(three.map(isRemembered)).toEqual([false, true, true])
  })

  it('without a name of its own is called after what was signed, however the signature is written', async () => {
    const token = await sign({ jti: undefined })
    const nameOf = async (written: string) => {
      const found = await tokens.find(written, ROUTE)
      return found.kind === 'known' ? found.caller.authentication.credential : found.kind
    }
    const name = await nameOf(token)
    expect(name).toMatch(/^corp\/sha256:/)
    expect(await nameOf(withOtherLastBits(token))).toBe(name)
    expect(await nameOf(withOtherHalf(token))).toBe(name)
    expect(await nameOf(await sign({ jti: undefined, sub: 'bob' }))).not.toBe(name)
  })

  it('is not remembered when it is not good', async () => {
    const token = await sign({ aud: undefined })
    expect(await ask(token)).toBe('refused')
    expect(isRemembered(token)).toBe(false)
  })
})

describe('keys', () => {
  it('that the issuer adds are fetched when a token needs one, once in 30 seconds', async () => {
    await ask(await sign())
    const next = await createKey('two')
    const token = await sign({}, next)
    nowMs += MINUTE
    expect(await ask(token)).toBe('refused')
    published = [key, next]
    nowMs += 29_999
    expect(await ask(token)).toBe('refused')
    expect(asked).toHaveLength(2)
    nowMs += 1
    expect(await ask(token)).toBe('known')
    expect(await ask(await sign())).toBe('known')
    expect(asked).toHaveLength(3)
  })

  it('are asked for by one fetch, however many wait', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, at) => sign({ sub: `u${at}` })))
    expect(new Set(await Promise.all(all.map((token) => ask(token))))).toEqual(new Set(['known']))
    expect(asked).toHaveLength(1)
  })

  it('that the issuer withdraws take their tokens along within five minutes, and streams are told', async () => {
    const token = await sign()
    await ask(token)
    published = [await createKey('two')]
    nowMs += 5 * MINUTE
    tokens.check()
    await settled()
    tokens.check()
    expect(ended).toEqual([['corp/a']])
    expect(await ask(token)).toBe('refused')
  })

  it('under a name that was used before are other keys', async () => {
    const token = await sign()
    await ask(token)
    published = [await createKey('one')]
    nowMs += 5 * MINUTE
    tokens.check()
    await settled()
    expect(await ask(token)).toBe('refused')
  })

  it('that stay keep their tokens when others come', async () => {
    const token = await sign()
    await ask(token)
    published = [key, await createKey('two')]
    nowMs += 5 * MINUTE
    tokens.check()
    await settled()
    tokens.check()
    expect(isRemembered(token)).toBe(true)
    expect(ended).toEqual([])
  })

  it('that are known keep working for a day while the issuer is down, and not longer', async () => {
    await ask(await sign())
    answer = () => Promise.resolve(err('down'))
    for (let hour = 0; hour < 23; hour++) {
      nowMs += 60 * MINUTE
      tokens.check()
      await settled()
      expect(await ask(await sign())).toBe('known')
    }
    nowMs += 60 * MINUTE
    expect(await ask(await sign())).toBe('unavailable')
    answer = undefined
    nowMs += 30_000
    expect(await ask(await sign())).toBe('known')
  })

  it('that are not known are not refused for good while the issuer is down', async () => {
    answer = () => Promise.resolve(err('down'))
    const token = await sign()
    expect(await tokens.find(token, ROUTE)).toEqual({ kind: 'unavailable', cause: 'issuer corp: down' })
    answer = undefined
    expect(await ask(token)).toBe('unavailable')
    nowMs += 30_000
    expect(await ask(token)).toBe('known')
  })

  it('are waited for by nobody whose key is known', async () => {
    await ask(await sign())
    answer = () => new Promise(() => undefined)
    nowMs += 5 * MINUTE
    tokens.check()
    expect(await ask(await sign())).toBe('known')
  })

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['no keys', { keys: [] }],
    ['a text', 'keys'],
    ['null', null],
    ['keys that are not keys', { keys: [null, 1, 'x', {}] }],
    ['secrets only', { keys: [{ kty: 'oct', k: 'c2VjcmV0', kid: 'one', alg: 'HS256' }] }],
    ['keys for encryption only', { keys: [{ kty: 'RSA', use: 'enc', kid: 'one', n: 'AQAB', e: 'AQAB' }] }],
    ['too many', { keys: Array.from({ length: 101 }, (_, at) => ({ kty: 'EC', kid: String(at) })) }],
  ])('are not taken from a document that holds %s', async (_, document) => {
    answer = () => Promise.resolve(ok(document))
    expect(await ask(await sign())).toBe('unavailable')
  })

  it.each<[string, object]>([
    ['too short', { kty: 'RSA', n: 'xjlCRBqkzIFvXKIbmk8u2A', e: 'AQAB', alg: 'RS256' }],
    ['not on the curve', { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', alg: 'ES256' }],
  ])('that are %s refuse the token, and are no failure of the gateway', async (_, broken) => {
    answer = () => Promise.resolve(ok({ keys: [{ ...broken, kid: 'one' }] }))
    tokens.replace([issuer({ algorithms: ['ES256', 'RS256'] })])
    expect(await ask(await sign())).toBe('refused')
  })

  it('survive a clock that is set back', async () => {
    await ask(await sign())
    nowMs -= DAY
    expect(await ask(await sign())).toBe('known')
  })
})

describe('discovery', () => {
  const oidc = `${CORP}/realms/a/.well-known/openid-configuration`
  const oauth = `${CORP}/.well-known/oauth-authorization-server/realms/a`
  const realm = `${CORP}/realms/a`
  let documents: Record<string, unknown>
  beforeEach(() => {
    documents = {}
    tokens.replace([issuer({ issuer: realm, jwks: undefined })])
    answer = () => {
      const document = documents[asked.at(-1) ?? '']
      return Promise.resolve(document === undefined ? err('not there') : ok(document))
    }
    documents[`${CORP}/certs`] = { keys: [key.jwk] }
  })
  const metadata = { issuer: realm, jwks_uri: `${CORP}/certs` }

  it.each([
    ['OpenID Connect', oidc],
    ['OAuth', oauth],
  ])('finds the keys by the metadata of %s', async (_, place) => {
    documents[place] = metadata
    expect(await ask(await sign({ iss: realm }))).toBe('known')
    expect(asked.at(-1)).toBe(`${CORP}/certs`)
  })

  it.each([
    ['of another issuer', { ...metadata, issuer: CORP }],
    ['of almost this issuer', { ...metadata, issuer: `${realm}/` }],
    ['without keys', { issuer: realm }],
    ['with keys over http', { ...metadata, jwks_uri: 'http://idp.example.com/certs' }],
    ['with keys on this machine', { ...metadata, jwks_uri: 'http://127.0.0.1:9/certs' }],
    ['with keys in a file', { ...metadata, jwks_uri: 'file:///etc/passwd' }],
  ])('does not take metadata %s', async (_, document) => {
    documents[oidc] = document
    expect(await ask(await sign({ iss: realm }))).toBe('unavailable')
    expect(asked).toEqual([oidc, oauth])
  })
})

/** Fetches that nobody waits for have ended. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** The same signature: the last character of its 86 stands for two bits alone. */
function withOtherLastBits(token: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + digits.charAt(digits.indexOf(token.slice(-1)) ^ 1)
}

/** Another signature of the same: s of ECDSA may as well be n - s (P-256). */
function withOtherHalf(token: string): string {
  const at = token.lastIndexOf('.') + 1
  const bytes = Buffer.from(token.slice(at), 'base64url')
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const other = order - BigInt(`0x${bytes.toString('hex', 32)}`)
  bytes.write(other.toString(16).padStart(64, '0'), 32, 'hex')
  return token.slice(0, at) + bytes.toString('base64url')
}

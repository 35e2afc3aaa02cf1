/**
 * The webhook of approvals, against receivers that listen: whoever verifies it by the specification of Standard Webhooks
 * believes it and nothing else, and no receiver, however it behaves, holds a call or learns more than it is told.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { readWebhookKey, sendWebhook } from '../../packages/gateway/src/server/webhook.ts'
import { eventually, startWatchedGateway, type WatchedGateway } from '../fixtures/watched-gateway.ts'

interface Received {
  readonly id: string
  readonly timestamp: string
  readonly signature: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** What listens, and what it was sent. */
let receiver: Server
let url: string
let received: Received[] = []
let elsewhere: string[] = []
let answer: (response: ServerResponse, attempt: number) => void
const SECRET = `whsec_${randomBytes(32).toString('base64')}`

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.url !== '/hook') {
        elsewhere.push(request.url ?? '')
        return response.end()
      }
      const header = (name: string) => String(request.headers[name])
      received.push({
        id: header('webhook-id'),
        timestamp: header('webhook-timestamp'),
        signature: header('webhook-signature'),
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      })
      return answer(response, received.length)
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`
  vi.stubEnv('APPROVALS_SECRET', SECRET)
})
afterEach(() => {
  received = []
  elsewhere = []
})
afterAll(async () => {
  vi.unstubAllEnvs()
  receiver.closeAllConnections()
  await new Promise((resolve) => receiver.close(resolve))
})

const well = (response: ServerResponse) => response.writeHead(204).end()

/** As a receiver does it that knows the specification and nothing of us. */
function isGenuine(
  { id, timestamp, signature, body }: Received,
  secret: string,
  nowMs = Date.now(),
): boolean {
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > 300) return false
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`, 'utf8').digest()
  return signature.split(' ').some((each) => {
    const [version, encoded = ''] = each.split(',')
    const given = Buffer.from(encoded, 'base64')
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
}

describe('with a gateway', () => {
  let gateway: WatchedGateway
  beforeAll(async () => {
    gateway = await startWatchedGateway({
      config: `approvals: { webhook: { url: '${url}', secret: 'env:APPROVALS_SECRET' } }`,
      policies: `@id("all") permit (principal, action, resource);
@id("asked") @remedy("approval") forbid (principal, action == Action::"files__deploy", resource)
unless { context has approval };`,
    })
  })
  afterAll(() => gateway.close())

  /** Makes a call that has to wait for a person; returns the id of its approval. */
  async function ask(version: string): Promise<string> {
    const params = { name: 'deploy', arguments: { version } }
    const { replies, requests } = await gateway.send(
      gateway.modern({ key: gateway.key('ada', 'helper'), params }),
    )
    expect(requests).toHaveLength(0)
    return /approvals approve (a-[a-z2-7]+) /.exec(replies[0]?.body.toString() ?? '')?.[1] ?? 'none'
  }

  test('whoever asked, for what and where to answer arrives, signed as the specification has it', async () => {
    answer = well
    const id = await ask('é ünï 1')
    await eventually(() => expect(received).toHaveLength(1))
    const [message] = received as [Received]
    expect(isGenuine(message, SECRET)).toBe(true)
    expect(isGenuine({ ...message, body: message.body.replace('ada', 'eve') }, SECRET)).toBe(false)
    expect(isGenuine({ ...message, id: 'a-other' }, SECRET)).toBe(false)
    expect(isGenuine(message, SECRET, Date.now() + 600_000)).toBe(false)
    expect(isGenuine(message, `whsec_${randomBytes(32).toString('base64')}`)).toBe(false)
    expect(message.id).toBe(id)
    expect(message.headers['content-type']).toBe('application/json')
    const body = JSON.parse(message.body) as { timestamp: string }
    expect(Date.now() - Date.parse(body.timestamp)).toBeLessThan(60_000)
    expect(body).toEqual({
      type: 'approval.asked',
      timestamp: body.timestamp,
      data: {
        id,
        state: 'pending',
        principal: 'User::"ada"',
        agent: 'helper',
        task: null,
        action: 'files__deploy',
        resource: 'Tool::"files__deploy"',
        input: { version: 'é ünï 1' },
        why: 'Policy "asked" forbids this call.',
        labels: [],
        path: [],
        unaccounted: [],
        askedAt: body.timestamp,
        goodUntil: expect.any(String) as string,
        decidedBy: null,
        url: `${gateway.origin}/approvals/${id}`,
      },
    })
    await ask('é ünï 1')
    await ask('2')
    await eventually(() => expect(received).toHaveLength(2)) // not again for what waits already
    expect(JSON.stringify(received[0]?.headers)).not.toContain(SECRET.slice(6, 20))
  })

  test('a receiver that never answers holds no call, and one that fails is tried again with the same id', async () => {
    let held: ServerResponse | undefined
    answer = (response, attempt) => {
      if (attempt === 1) held = response
      else if (attempt === 2) response.writeHead(500).end()
      else well(response)
    }
    await ask('held') // its reply is here before the receiver has answered
    await eventually(() => expect(held?.writableEnded).toBe(false))
    const id = await ask('fails')
    await eventually(() => expect(received).toHaveLength(3))
    held?.end()
    expect(received.slice(1).map((each) => each.id)).toEqual([id, id])
    expect(received.every((each) => isGenuine(each, SECRET))).toBe(true)
    expect(received[2]?.body).toBe(received[1]?.body)
  })

  test('a secret that is of no use is told at the start and at each question, without what it is', async () => {
    answer = well
    vi.stubEnv('APPROVALS_SECRET', 'not base64, and secret')
    expect(await gateway.reload({ policies: '@id("none") permit (principal, action, resource);' })).toEqual(
      [],
    )
    vi.stubEnv('APPROVALS_SECRET', SECRET)
    const told = gateway.log.filter((line) => line.includes('approvals.webhook.secret'))
    expect(told).toEqual([expect.stringContaining('env:APPROVALS_SECRET must be base64') as string])
    expect(gateway.log.join('')).not.toContain('and secret')
    expect(received).toEqual([])
  })
})

describe('a message', () => {
  const never = new AbortController().signal
  const secret = { kind: 'env', name: 'APPROVALS_SECRET' } as const
  const message = { id: 'a-x', body: { type: 'approval.asked' } }
  const send = (to = url, stopped = never) =>
    sendWebhook({ url: to, secret }, message, { waitsMs: [0, 20, 20], timeoutMs: 150, stopped })

  test.each([301, 302, 303, 307, 308])('is not carried on by a redirect (%i)', async (status) => {
    answer = (response) => response.writeHead(status, { location: '/elsewhere' }).end()
    expect(await send()).toMatch(`answered with HTTP ${status}, and redirects are not followed`)
    expect(received).toHaveLength(3)
    expect(elsewhere).toEqual([])
  })

  test.each([1, 1_000_000])(
    'has arrived once the status says so: %i bytes that do not end',
    async (bytes) => {
      answer = (response) => {
        response.writeHead(200, { 'content-type': 'text/plain' })
        response.write('x'.repeat(bytes))
      }
      expect(await send()).toBeUndefined()
      expect(received).toHaveLength(1)
    },
  )

  test('is given up after a few attempts, of which none lasts', async () => {
    answer = () => undefined
    const begin = performance.now()
    expect(await send()).toBe('approvals.webhook: a-x did not arrive, the receiver did not answer in time')
    expect(performance.now() - begin).toBeLessThan(5000)
    expect(received).toHaveLength(3)
  })

  test('that nobody takes says why, and not the address, which may be a secret itself', async () => {
    const nobody = 'http://127.0.0.1:1/hooks/T0000/secret'
    expect(await send(nobody)).toBe(
      'approvals.webhook: a-x did not arrive, the receiver cannot be reached (ECONNREFUSED)',
    )
  })

  test('is not tried again once the gateway stops', async () => {
    const stopped = new AbortController()
    answer = () => stopped.abort()
    await send(url, stopped.signal)
    expect(received).toHaveLength(1)
  })

  const bytes = randomBytes(24)
  test.each<[string, string, boolean]>([
    ['base64', bytes.toString('base64'), true],
    ['whsec_ before it', `whsec_${bytes.toString('base64')}`, true],
    ['a line that ends', `${bytes.toString('base64')}\n`, true],
    ['no padding', randomBytes(32).toString('base64').replace(/=+$/, ''), true],
    ['nothing', '', false],
    ['only the prefix', 'whsec_', false],
    ['a word', 'hunter2', false],
    ['a sentence of many bytes', 'correct horse battery staple, and then some more of it', false],
    ['too few bytes', randomBytes(16).toString('base64'), false],
    ['hexadecimal with dashes', `${bytes.toString('hex')}-`, false],
    ['base64url', Buffer.alloc(24, 0xff).toString('base64url'), false],
  ])('has a key of a secret of %s: %s', (_, text, isGood) => {
    vi.stubEnv('OTHER_SECRET', text)
    const key = readWebhookKey({ secret: { kind: 'env', name: 'OTHER_SECRET' } })
    expect(key.ok).toBe(isGood)
    if (!key.ok && text !== '') expect(key.error).not.toContain(text)
  })

  test('is not sent with a secret that is not there', async () => {
    answer = well
    for (const missing of [
      { kind: 'env', name: 'NOT_SET' },
      { kind: 'file', path: '/nowhere/at/all' },
    ] as const)
      expect(
        await sendWebhook({ url, secret: missing }, message, {
          waitsMs: [0],
          timeoutMs: 100,
          stopped: never,
        }),
      ).toMatch(/^approvals\.webhook\.secret: .* cannot be read or is empty$/)
    expect(received).toEqual([])
  })
})

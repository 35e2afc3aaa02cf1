import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../test/fixtures/oauth/server.ts'
import type { Happening } from './ports.ts'

const recorded: Happening[] = []
let isOnRecord = true
let server: TestServer
let client: string
beforeAll(async () => {
  server = await startTestServer({
    record: async (_request, happening) => {
      recorded.push(happening)
      return isOnRecord
    },
  })
  client = await server.register()
})
afterAll(() => server.close())
beforeEach(() => {
  isOnRecord = true
  recorded.length = 0
})

const newCode = async () => (await server.consent(client)).searchParams.get('code') ?? ''
const lastRecorded = (event: Happening['event']) => recorded.findLast((each) => each.event === event)

describe('on record is', () => {
  it('a token that is given: to whom, for whom, by which grant, for what, and its name in the entries of calls', async () => {
    const { body } = await server.token(server.exchange(client, await newCode()))
    const [, claims = ''] = String(body['access_token']).split('.')
    const { jti } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { jti: string }
    expect(lastRecorded('token')).toEqual({
      event: 'token',
      result: 'done',
      account: 'alice',
      client,
      detail: `authorization_code for ${server.resource()}, tokens local/${jti.split('.')[0]}.*`,
    })
  })

  it('a token that is refused, with the reason', async () => {
    await server.token(server.exchange(client, 'guessed'))
    expect(lastRecorded('token')).toMatchObject({ result: 'refused', client, account: null })
    expect(lastRecorded('token')?.detail).toContain('invalid_grant')
  })

  it('a client that registers itself, and one that may not', async () => {
    const made = await server.register()
    expect(lastRecorded('registration')).toMatchObject({ result: 'done', client: made })
    await expect(server.register({ redirect_uris: ['javascript:alert(1)'] })).rejects.toThrow(
      'invalid_redirect_uri',
    )
    expect(lastRecorded('registration')).toMatchObject({ result: 'refused', client: null })
  })

  it('no credential', async () => {
    const code = await newCode()
    const { body } = await server.token(server.exchange(client, code))
    for (const secret of [code, body['access_token'], body['refresh_token']]) {
      expect(JSON.stringify(recorded)).not.toContain(secret)
    }
  })
})

describe('while nothing can be put on record', () => {
  it('no token is given', async () => {
    const code = await newCode()
    isOnRecord = false
    const { status, body } = await server.token(server.exchange(client, code))
    expect(status).toBe(503)
    expect(body).toMatchObject({ error: 'temporarily_unavailable' })
    expect(JSON.stringify(body)).not.toContain('token"')
  })

  it('no client is told its id', async () => {
    isOnRecord = false
    await expect(server.register()).rejects.toThrow('temporarily_unavailable')
  })
})

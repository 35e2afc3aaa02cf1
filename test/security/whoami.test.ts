/** Who a caller is, told to them alone: by the same judgement as a call, on record, and nothing reaches a server. */
import { chmodSync, renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTokenIssuer, type TokenIssuer } from '../fixtures/token-issuer.ts'
import { expectRefused, startWatchedGateway, type WatchedGateway } from '../fixtures/watched-gateway.ts'
import type { WireRequest } from '../fixtures/wire.ts'

let corp: TokenIssuer
let gateway: WatchedGateway
beforeAll(async () => {
  corp = await startTokenIssuer()
  gateway = await startWatchedGateway({
    config: `identity:
  issuers:
    - { name: corp, issuer: '${corp.url}', groups: groups, tags: { department: dept } }
`,
    policies: '@id("alice") permit (principal == User::"alice", action, resource);',
  })
})
afterAll(async () => {
  await gateway.close()
  await corp.close()
})

function whoami(credential: string | undefined, path = '/mcp/files', method = 'GET'): WireRequest {
  const authorization = credential === undefined ? [] : [['Authorization', `Bearer ${credential}`] as const]
  return { method, target: `/whoami${path}`, headers: [['Host', gateway.host], ...authorization], body: '' }
}

async function answered(credential: string, path?: string): Promise<Record<string, unknown>> {
  const { replies, decisions, requests } = await gateway.send(whoami(credential, path))
  expect(replies).toHaveLength(1)
  expect(replies[0]).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
  expect(requests).toEqual([])
  const told = JSON.parse(replies[0]?.body ?? '') as Record<string, unknown>
  expect(decisions).toMatchObject([
    { decision: 'allow', method: 'whoami', principal: told['principal'], policies: [] },
  ])
  expect(JSON.stringify([told, decisions])).not.toContain(credential)
  return told
}

const token = (claims: object = {}) =>
  corp.sign({ sub: 'ada', aud: `${gateway.origin}/mcp/files`, client_id: 'ide', ...claims })

describe('a caller is told who they are', () => {
  test('by an API key, on every route and on none', async () => {
    for (const path of ['', '/mcp', '/mcp/files', '/mcp/nowhere'])
      expect(await answered(gateway.alice, path)).toEqual({
        principal: 'User::"alice"',
        authentication: { method: 'api-key', credential: expect.any(String) },
      })
  })

  test('by a token of an issuer outside, with what policies see of them', async () => {
    const exp = Math.floor(Date.now() / 1000) + 600
    const claims = { groups: ['staff'], dept: 'research', acr: 'mfa', auth_time: 1_700_000_000, exp }
    expect(await answered(await token({ ...claims, act: { sub: 'planner' } }))).toMatchObject({
      principal: 'User::"corp/ada"',
      agent: expect.stringMatching(/^Agent::"corp\//),
      delegation: expect.any(Array),
      groups: ['Group::"corp/staff"'],
      tags: { department: 'research' },
      authentication: {
        method: 'token',
        issuer: 'corp',
        client: 'ide',
        strength: 'mfa',
        at: '2023-11-14T22:13:20.000Z',
        goodUntil: new Date((exp + 30) * 1000).toISOString(),
      },
    })
  })
})

describe('nobody is told', () => {
  test.each([
    ['without a credential', async () => undefined],
    ['with a key that is not known', async () => `${gateway.alice.slice(0, -4)}AAAA`],
    ['with a token for another route', () => token({ aud: `${gateway.origin}/mcp/db` })],
    [
      'with one for this question, which is no route',
      () => token({ aud: `${gateway.origin}/whoami/mcp/files` }),
    ],
    ['with one that has expired', () => token({ exp: Math.floor(Date.now() / 1000) - 60 })],
  ])('%s', async (_title, make) => {
    expectRefused(await gateway.send(whoami(await make())), { status: 401, reason: 'unauthenticated' })
  })

  test('by another page, nor under another name of the gateway', async () => {
    const { headers, ...request } = whoami(gateway.alice)
    const origin = ['Origin', 'https://evil.example'] as const
    expectRefused(await gateway.send({ ...request, headers: [...headers, origin] }), {
      status: 403,
      reason: 'invalid',
    })
    const renamed = [['Host', 'evil.example'] as const, ...headers.slice(1)]
    expectRefused(await gateway.send({ ...request, headers: renamed }), { status: 403, reason: 'invalid' })
  })

  test('who does not ask with GET', async () => {
    const seen = await gateway.send(whoami(gateway.alice, '/mcp/files', 'DELETE'))
    expectRefused(seen, { status: 405, reason: 'invalid' })
    expect(seen.replies[0]?.headers['allow']).toBe('GET')
  })

  test.each(['/', '/mcp/', '/mcp/files/x', '/mcp/files?x=1', 'x'])('at /whoami%s', async (path) => {
    const { replies, decisions } = await gateway.send(whoami(gateway.alice, path))
    expect(replies[0]?.status).toBeGreaterThanOrEqual(400)
    expect(decisions).toMatchObject([{ decision: 'deny' }])
  })

  test('while it cannot be put on record', async () => {
    const log = join(gateway.folder, 'data', 'audit', 'audit.jsonl')
    const aside = join(gateway.folder, 'aside')
    renameSync(log, aside)
    symlinkSync('/dev/full', log)
    try {
      const response = await fetch(`${gateway.origin}/whoami/mcp/files`, {
        headers: { authorization: `Bearer ${gateway.alice}` },
      })
      expect(response.status).toBe(503)
      expect(await response.text()).not.toContain('alice')
    } finally {
      renameSync(aside, log)
      chmodSync(log, 0o600)
    }
  })
})

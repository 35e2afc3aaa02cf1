/** What a resource server has to refuse besides single tokens, and what it must not do with good ones. */
import { expect } from 'vitest'
import { expectAllowed, expectRefused } from '../../fixtures/watched-gateway.ts'
import { withHeader, withLine, withoutHeader, type WireRequest } from '../../fixtures/wire.ts'
import type { Requirement } from './requirement.ts'
import type { World } from './world.ts'

const REFUSED = { status: 401, code: -31000, reason: 'unauthenticated' } as const
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

async function goodRequest(world: World): Promise<WireRequest> {
  return world.gateway.legacy({ key: await world.good() })
}

const honest = async (world: World) => {
  expectAllowed(await world.gateway.send(await goodRequest(world)))
}

const metadataOf = (world: World, path: string): WireRequest => ({
  method: 'GET',
  target: WELL_KNOWN + path,
  headers: [['Host', world.gateway.host]],
  body: '',
})
const honestMetadata = async (world: World) => {
  const { replies } = await world.gateway.send(metadataOf(world, '/mcp/files'))
  expect(JSON.parse(replies[0]?.body ?? '')).toMatchObject({ resource: world.route() })
}

export const requestRequirements: readonly Requirement[] = [
  {
    where: 'MCP authorization, Token Requirements; RFC 6750, 2.3',
    must: 'no token in the query of an address',
    attempt: 'a good one, with and without the header',
    honest,
    async attack(world) {
      const token = await world.good()
      const request = world.gateway.legacy({ key: token })
      for (const each of [request, withoutHeader(request, 'Authorization')]) {
        const seen = await world.gateway.send({ ...each, target: `/mcp/files?access_token=${token}` })
        expectRefused(seen, REFUSED)
        expect(JSON.stringify([seen.decisions, seen.replies, world.gateway.log])).not.toContain(token)
      }
    },
  },
  {
    where: 'RFC 6750, 2',
    must: 'one way of showing a token in a request',
    attempt: 'in two headers',
    honest,
    async attack(world) {
      const token = await world.good()
      const twice = withLine(world.gateway.legacy({ key: token }), 'Authorization', `Bearer ${token}`)
      expectRefused(await world.gateway.send(twice), { status: 400, reason: 'invalid' })
    },
  },
  {
    where: 'MCP authorization, Token Requirements; RFC 6750, 2.1',
    must: 'a token is shown as Bearer',
    attempt: 'under the scheme Token',
    honest,
    async attack(world) {
      const request = withHeader(world.gateway.legacy(), 'Authorization', `Token ${await world.good()}`)
      expectRefused(await world.gateway.send(request), REFUSED)
    },
  },
  {
    where: 'MCP authorization, Token Requirements',
    must: 'every request of a session brings its token',
    attempt: 'a session that was opened with one, without it',
    honest,
    async attack(world) {
      const clientInfo = { name: 't', version: '1' }
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
      const key = await world.good()
      const opened = await world.gateway.send(world.gateway.legacy({ key, method: 'initialize', params }))
      const session = opened.replies[0]?.headers['mcp-session-id'] ?? ''
      const request = world.gateway.legacy({ key, session })
      expectAllowed(await world.gateway.send(request))
      expectRefused(await world.gateway.send(withoutHeader(request, 'Authorization')), REFUSED)
    },
  },
  {
    where: 'MCP authorization, Token Handling; RFC 9700, 4.9.2',
    must: 'the token of a client is not passed on',
    attempt: 'a look at what the server behind was sent',
    honest,
    async attack(world) {
      const token = await world.good()
      const { rawHeaders, body } = expectAllowed(await world.withToken(token))
      const seen = `${rawHeaders.join('\n')}\n${body.toString()}`
      for (const each of token.split('.')) expect(seen).not.toContain(each)
    },
  },
  {
    where: 'MCP authorization, Error Handling; RFC 9728, 5.1',
    must: 'without a token: 401, and where to get one',
    attempt: 'a call without a token',
    honest,
    async attack(world) {
      const seen = await world.gateway.send(withoutHeader(await goodRequest(world), 'Authorization'))
      expectRefused(seen, REFUSED)
      expect(seen.replies[0]?.headers['www-authenticate']).toContain(
        `resource_metadata="${world.gateway.origin}${WELL_KNOWN}/mcp/files"`,
      )
    },
  },
  {
    where: 'RFC 9728, 3.3',
    must: 'metadata tells of the resource that was asked about, by its one name',
    attempt: 'under the Host of somebody else',
    honest: honestMetadata,
    async attack(world) {
      const request = metadataOf(world, '/mcp/files')
      const { replies } = await world.gateway.send(withHeader(request, 'Host', 'evil.example'))
      expect(replies[0]?.status).toBe(403)
      expect(replies[0]?.body).not.toContain('evil.example')
    },
  },
  {
    where: 'MCP authorization, Refresh Tokens',
    must: 'resources do not ask for offline_access',
    attempt: 'a look at the challenge and the metadata',
    honest: honestMetadata,
    async attack(world) {
      const { replies } = await world.gateway.send(metadataOf(world, '/mcp/files'))
      const { replies: challenged } = await world.gateway.send(
        withoutHeader(world.gateway.legacy(), 'Authorization'),
      )
      expect(JSON.stringify([replies, challenged])).not.toContain('offline_access')
    },
  },
]

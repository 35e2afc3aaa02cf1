/** What policies see of callers whose issuer says more than a name. */
import { checkEntity, checkRequest, resolveSchema } from '@tollgate/cedar'
import { describe, expect, it } from 'vitest'
import { type Caller, createCaller, type Known } from '../model/caller.ts'
import type { Query } from '../model/decision.ts'
import { decide } from './decide.ts'
import { Policies } from './policies.ts'
import { isReachable } from './reach.ts'
import { contextOf, requestOf } from './request.ts'
import { gatewaySchema } from './schema.ts'

const signedInMs = Date.parse('2026-05-01T08:00:00Z')

function caller(known?: Known, id = 'corp/ada'): Caller {
  const authentication = {
    method: 'token',
    credential: 'corp/1',
    issuer: 'corp',
    atMs: signedInMs,
    strength: 'mfa',
    client: 'ide',
    clientProof: 'private_key_jwt',
    bound: 'dpop',
    scopes: ['files:read', 'mcp'],
  } as const
  return createCaller(
    { type: 'User', id },
    { agent: { type: 'Agent', id: 'corp/ide' }, delegation, known },
    authentication,
  )
}

const delegation = {
  depth: 1,
  chain: [
    { type: 'Agent', id: 'corp/planner' },
    { type: 'Agent', id: 'corp/ide' },
  ],
}

const engineers: Known = {
  groups: [{ type: 'Group', id: 'corp/engineering' }],
  tags: { department: 'research' },
}

function load(text: string): Policies {
  const loaded = Policies.load([{ file: 'test.cedar', text }], {
    environment: 'dev',
    toolFacts: () => undefined,
  })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  return loaded.value
}

function query(by: Caller): Query {
  return {
    requestId: 'r',
    caller: by,
    server: 'files',
    method: 'tools/call',
    manner: 'rule',
    target: { action: 'files__read', resource: { type: 'Tool', id: 'files__read' } },
    alsoTargets: [],
    subject: 'files__read',
    input: {},
    source: { transport: 'tcp', ip: '127.0.0.1' },
    protocolVersion: '2025-11-25',
    sessionStartedAtMs: undefined,
  }
}

describe('a caller that an issuer knows', () => {
  const when = (condition: string) => `permit (principal, action, resource) when { ${condition} };`
  it.each([
    ['its groups', 'permit (principal in Group::"corp/engineering", action, resource);'],
    ['its tags', when('principal.hasTag("department") && principal.getTag("department") == "research"')],
    ['the issuer', when('context.source.authentication.issuer == "corp"')],
    ['the strength', when('context.source.authentication.strength == "mfa"')],
    ['the time of the sign-in', when('context.source.authentication.at == datetime("2026-05-01T08:00:00Z")')],
    ['the client', when('context.source.client == "ide"')],
    ['how the client proved itself', when('context.source.authentication.clientProof == "private_key_jwt"')],
    ['what the token is bound to', when('context.source.authentication.bound == "dpop"')],
    ['what the token is good for', when('context.source.authentication.scopes.contains("files:read")')],
    ['how often the work was handed on', when('context.delegation.depth == 1')],
    ['who had it before', when('context.delegation.chain.contains(Agent::"corp/planner")')],
    ['the agent', when('context.agent == Agent::"corp/ide"')],
  ])('is told from others by %s', (_, text) => {
    const policies = load(text)
    expect(decide(policies, query(caller(engineers)), signedInMs).effect).toBe('allow')
    const key = createCaller({ type: 'User', id: 'corp/ada' }, {}, { method: 'api-key' })
    expect(decide(policies, query(key), signedInMs).effect).toBe('deny')
  })

  it('reaches a server by its groups, and no more once another token has none', () => {
    const policies = load('permit (principal in Group::"corp/engineering", action, resource);')
    expect(isReachable(policies, caller(engineers), 'files')).toBe(true)
    expect(isReachable(policies, caller({ groups: [], tags: {} }), 'files')).toBe(false)
    expect(isReachable(policies, caller(engineers), 'files')).toBe(true)
  })

  it('is as the schema says', () => {
    const schema = resolveSchema([
      gatewaySchema({ servers: new Map([['files', [{ name: 'read' }]]]), policies: [] }).fragment,
    ])
    if (!schema.ok) throw new Error(JSON.stringify(schema.errors))
    const inquiry = { policies: load(''), query: query(caller(engineers)), nowMs: signedInMs }
    const request = requestOf(inquiry, inquiry.query.target, contextOf(inquiry))
    expect(checkEntity(schema.value, request.principal)).toEqual([])
    expect(checkRequest(schema.value, request)).toEqual([])
  })
})

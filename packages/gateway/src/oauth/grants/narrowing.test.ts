import fc from 'fast-check'
import type { JWTPayload } from 'jose'
import { describe, expect, it } from 'vitest'
import { delegationOf, MAX_DELEGATION_DEPTH } from '../../authn/delegation.ts'
import { callerOf } from '../../authn/token-caller.ts'
import { LOCAL_ISSUER, type TokenIssuer } from '../../model/issuer.ts'
import { ACCESS_TOKEN_TYPE, narrow, type NarrowingRequest } from './narrowing.ts'

const own = {
  name: LOCAL_ISSUER,
  issuer: 'https://gate.example',
  kind: 'user',
  subject: 'sub',
  subjectPrefix: '',
  agents: new Map([['principal_type', ['agent']]]),
  services: new Map([['principal_type', ['service']]]),
  tags: new Map(),
  clients: ['client_id'],
} as unknown as TokenIssuer
const NOW = 1_000_000

const name = fc.constantFrom('a', 'b', 'c', 'd', 'https://app.example/client')
const route = fc.constantFrom('https://gate.example/mcp/files', 'https://gate.example/mcp/db')
const scopes = fc
  .uniqueArray(fc.constantFrom('mcp', 'read', 'write'), { minLength: 1 })
  .map((all) => all.join(' '))

/** The claims of one of our tokens, whoever it is for and however often it was handed on. */
const subject: fc.Arbitrary<JWTPayload> = fc
  .record({
    sub: name,
    principal_type: fc.constantFrom(undefined, 'agent', 'service'),
    actors: fc.array(name, { maxLength: MAX_DELEGATION_DEPTH }),
    aud: route,
    scope: scopes,
    left: fc.integer({ min: -5, max: 2000 }),
    client: name,
    more: fc.constantFrom({}, { acr: 'phr', auth_time: 5 }, { groups: ['x'] }),
  })
  .map(({ sub, principal_type: kind, actors, left, client, more, ...rest }) => {
    const act = actors.reduce<object | undefined>(
      (inner, actor) => ({ sub: actor, ...(inner === undefined ? {} : { act: inner }) }),
      undefined,
    )
    const isItself = kind !== undefined
    return {
      ...rest,
      ...more,
      iss: own.issuer,
      sub,
      jti: 'x.y',
      exp: NOW + left,
      client_id: actors.at(-1) ?? (isItself ? sub : client),
      ...(isItself ? { principal_type: kind } : {}),
      ...(act === undefined ? {} : { act, ...(isItself ? {} : { first_client_id: client }) }),
    }
  })
const request: fc.Arbitrary<NarrowingRequest & { scope: string | undefined }> = fc.record({
  scope: fc.option(scopes, { nil: undefined }),
  resource: fc.option(route, { nil: undefined }),
  audience: fc.option(route, { nil: undefined }),
  requested_token_type: fc.constantFrom(undefined, ACCESS_TOKEN_TYPE),
})

/** What the resource server makes of the claims. */
function callerBy(claims: JWTPayload) {
  const caller = callerOf(claims, own, { fallbackId: 'x' })
  if (!caller.ok) throw new Error(caller.error)
  return caller.value
}

describe('what a client may have of a token', () => {
  it('is never more than the token gives, for the same principal, with everyone named in order', () => {
    let exchanged = 0
    fc.assert(
      fc.property(subject, request, name, (claims, asked, actor) => {
        const made = narrow(claims, asked, actor, NOW)
        if (!made.ok) return
        exchanged++
        const { audience, scope, expiresAt } = made.value
        expect(audience).toBe(claims['aud'])
        const given = String(claims['scope']).split(' ')
        expect(scope.split(' ').every((each) => given.includes(each))).toBe(true)
        if (asked.scope !== undefined)
          expect(scope.split(' ').toSorted()).toEqual(asked.scope.split(' ').toSorted())
        expect(expiresAt).toBeLessThanOrEqual(claims.exp ?? 0)
        expect(expiresAt - NOW).toBeLessThanOrEqual(600)
        expect(expiresAt).toBeGreaterThan(NOW)

        const issued = {
          ...made.value.claims,
          iss: own.issuer,
          sub: made.value.subject,
          jti: 'x.z',
          exp: expiresAt,
          client_id: actor,
        }
        const [before, after] = [callerBy(claims), callerBy(issued)]
        expect(after.principal).toEqual(before.principal)
        expect(after.agent?.id).toBe(`local/${actor}`)
        expect(after.delegation?.depth).toBe((before.delegation?.depth ?? 0) + 1)
        const isItself = claims['principal_type'] !== undefined && claims['act'] === undefined
        const chain =
          before.delegation?.chain ??
          (isItself ? [] : [{ type: 'Agent', id: `local/${String(claims['client_id'])}` }])
        expect(after.delegation?.chain).toEqual([...chain, { type: 'Agent', id: `local/${actor}` }])
        expect(after.authentication.strength).toBe(before.authentication.strength)
        expect(after.authentication.atMs).toBe(before.authentication.atMs)
        expect(made.value.claims['groups']).toEqual(claims['groups'])
      }),
      { numRuns: 2000 },
    )
    expect(exchanged).toBeGreaterThan(100)
  })

  it('is nothing where more is asked for, the token is over, or it was handed on too often', () => {
    let refused = 0
    fc.assert(
      fc.property(subject, request, name, (claims, asked, actor) => {
        const given = String(claims['scope']).split(' ')
        const wider =
          asked.scope !== undefined && !asked.scope.split(' ').every((each) => given.includes(each))
        const elsewhere = [asked.resource, asked.audience].some(
          (each) => each !== undefined && each !== claims['aud'],
        )
        const told = delegationOf(claims, own)
        const isDeep = told.ok && (told.value?.depth ?? 0) >= MAX_DELEGATION_DEPTH
        const isOver = (claims.exp ?? 0) <= NOW
        const must = wider || elsewhere || isDeep || isOver || claims['client_id'] === actor
        if (must) refused++
        expect(narrow(claims, asked, actor, NOW).ok).toBe(!must)
      }),
      { numRuns: 2000 },
    )
    expect(refused).toBeGreaterThan(100)
  })

  it.each([
    [
      'another kind of token',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
    ],
    ['an ID token', { requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, 'invalid_request'],
    ['several routes', { resource: ['https://gate.example/mcp/files'] }, 'invalid_target'],
    ['no scope at all', { scope: ' ' }, 'invalid_scope'],
  ])('is not %s', (_title, asked, error) => {
    const claims = {
      iss: own.issuer,
      sub: 'ada',
      aud: 'https://gate.example/mcp/files',
      exp: NOW + 60,
      client_id: 'ide',
      scope: 'mcp',
    }
    expect(narrow(claims, {}, 'b', NOW)).toMatchObject({ ok: true })
    expect(narrow(claims, asked, 'b', NOW)).toMatchObject({ ok: false, error: { error } })
    const bound = { ...claims, cnf: { jkt: 'x' } }
    expect(narrow(bound, {}, 'b', NOW)).toMatchObject({ ok: false, error: { error: 'invalid_request' } })
  })
})

/**
 * `tollgate` as a client of authorization servers, by the library: where to log in (RFC 9728, RFC 8414), a good token
 * (RFC 6749, 6), and its end (RFC 7009).
 */
import {
  processResourceDiscoveryResponse,
  resourceDiscoveryRequest,
  allowInsecureRequests,
} from 'oauth4webapi'
import * as openid from 'openid-client'
import { err, ok, type Result } from '../model/result.ts'
import { COMMAND_LINE } from '../oauth/built-in-client.ts'
import { isSafe } from './login-place.ts'
import type { Login, Logins, Place } from './logins.ts'
import { EXIT, type ExitCode, harmless } from './terminal.ts'

/** Why a command cannot go on: a sentence, and what to leave with. */
export interface Problem {
  readonly message: string
  readonly exit: ExitCode
}

/** What was found out about where to log in. */
export interface Door {
  readonly resource: string
  readonly issuer: string
  readonly clientId: string
  readonly scope: string | undefined
  readonly config: openid.Configuration
}

export interface DoorOptions {
  readonly issuer?: string
  readonly clientId?: string
}

/** Asked for again when it would end within this time. */
const MARGIN_MS = 30_000

/** The address of a server, which its tokens are for. */
function resourceOf({ gateway, server }: Place): string {
  return `${gateway}/mcp/${server}`
}

/** Finds out where to log in for a server. */
export async function findDoor(place: Place, options: DoorOptions): Promise<Result<Door, Problem>> {
  const resource = new URL(resourceOf(place))
  const told = await attempt(`the gateway at ${place.gateway} does not say where to log in`, async () => {
    // oxlint-disable-next-line typescript/no-deprecated -- plain http stays on this machine: see isSafe
    const response = await resourceDiscoveryRequest(resource, { [allowInsecureRequests]: isSafe(resource) })
    return processResourceDiscoveryResponse(resource, response)
  })
  if (!told.ok) return told
  const { authorization_servers: issuers = [], scopes_supported: scopes } = told.value
  const issuer = chooseIssuer(issuers, place, options)
  if (!issuer.ok) return issuer
  const clientId = options.clientId ?? COMMAND_LINE.client_id
  const config = await connect(issuer.value, clientId)
  if (!config.ok) return config
  // The gateway gives what there is to whoever names no scope; an issuer outside has to be told what is for the gateway.
  const scope = issuer.value === place.gateway ? undefined : scopes?.join(' ')
  return ok({ resource: resource.href, issuer: issuer.value, clientId, scope, config: config.value })
}

/** The built-in client is known to the gateway alone; elsewhere the operator has registered another. */
function chooseIssuer(
  issuers: readonly string[],
  { gateway }: Place,
  { issuer, clientId }: DoorOptions,
): Result<string, Problem> {
  const others = issuers.filter((each) => each !== gateway)
  const named = issuers.map((each) => harmless(each)).join(', ')
  if (issuer !== undefined)
    return issuers.includes(issuer)
      ? ok(issuer)
      : failed(`the gateway does not name ${issuer}, but: ${named}`)
  if (clientId === undefined && issuers.includes(gateway)) return ok(gateway)
  if (clientId === undefined)
    return failed(`log in at ${named} with a client that is known there: --client-id`)
  const [first] = others.length === 0 ? issuers : others
  if (first === undefined || others.length > 1) return failed(`say where to log in with --issuer: ${named}`)
  return ok(first)
}

/** Learns where the endpoints of an issuer are. */
async function connect(issuer: string, clientId: string): Promise<Result<openid.Configuration, Problem>> {
  const url = URL.parse(issuer)
  if (url === null || !isSafe(url)) return failed(`${harmless(issuer)} is neither https nor on this machine`)
  // oxlint-disable-next-line typescript/no-deprecated -- plain http stays on this machine: see isSafe
  const execute = url.protocol === 'http:' ? [openid.allowInsecureRequests] : []
  const discover = (algorithm: 'oauth2' | 'oidc') =>
    openid.discovery(url, clientId, undefined, openid.None(), { algorithm, execute })
  return attempt(`${harmless(issuer)} does not say where its endpoints are`, () =>
    discover('oauth2').catch(() => discover('oidc')),
  )
}

/** A token that is good for a while, refreshed where it is not. */
export async function freshLogin(place: Place, logins: Logins): Promise<Result<Login, Problem>> {
  const known = goodOf(place, logins)
  if (!known.ok || known.value !== undefined) return known as Result<Login, Problem>
  return logins.locked(async () => {
    const meanwhile = goodOf(place, logins) // somebody else may have refreshed it
    if (!meanwhile.ok || meanwhile.value !== undefined) return meanwhile as Result<Login, Problem>
    return refresh(place, logins)
  })
}

/** The login of a place if its token is good; undefined when it has to be refreshed. */
function goodOf(place: Place, logins: Logins): Result<Login | undefined, Problem> {
  const found = logins.find(place)
  if (!found.ok) return failed(found.error)
  if (found.value === undefined) return needsLogin(place, 'You are not logged in')
  return ok(found.value.expiresAtMs - Date.now() > MARGIN_MS ? found.value : undefined)
}

async function refresh(place: Place, logins: Logins): Promise<Result<Login, Problem>> {
  const found = logins.find(place)
  const login = found.ok ? found.value : undefined
  if (login?.refreshToken === undefined) return needsLogin(place, 'The login has expired')
  const { refreshToken } = login
  const config = await connect(login.issuer, login.clientId)
  if (!config.ok) return config
  try {
    const tokens = await openid.refreshTokenGrant(config.value, refreshToken, { resource: resourceOf(place) })
    const next = toLogin(login, tokens)
    const kept = logins.replace(place, next)
    return kept.ok ? ok(next) : failed(kept.error)
  } catch (problem) {
    if (!(problem instanceof openid.ResponseBodyError) || problem.error !== 'invalid_grant')
      return failed(`the token cannot be refreshed now: ${explain(problem)}`)
    logins.replace(place, undefined)
    return needsLogin(place, 'The login has ended at the server')
  }
}

/** What is kept of an answer of the token endpoint. An issuer that gives no other refresh token leaves the old one good. */
export function toLogin(
  {
    gateway,
    server,
    issuer,
    clientId,
    refreshToken: former,
  }: Place & Omit<Login, 'accessToken' | 'expiresAtMs'>,
  tokens: openid.TokenEndpointResponse,
): Login {
  const refreshToken = tokens.refresh_token ?? former
  return {
    gateway,
    server,
    issuer,
    clientId,
    accessToken: tokens.access_token,
    expiresAtMs: Date.now() + (tokens.expires_in ?? 300) * 1000,
    ...(refreshToken === undefined ? {} : { refreshToken }),
  }
}

/** Ends a login at its server: the refresh token, and with it what came of it. */
export async function revoke(login: Login): Promise<Result<void, Problem>> {
  const config = await connect(login.issuer, login.clientId)
  if (!config.ok) return config
  if (config.value.serverMetadata().revocation_endpoint === undefined)
    return failed(`${harmless(login.issuer)} does not let clients revoke tokens`)
  return attempt('the tokens were not revoked', () =>
    openid.tokenRevocation(config.value, login.refreshToken ?? login.accessToken),
  )
}

/** What went wrong, in words of whoever said it. */
export function explain(problem: unknown): string {
  if (problem instanceof openid.ResponseBodyError) {
    const { error, error_description: description } = problem
    return harmless(description === undefined ? error : `${error}: ${description}`)
  }
  const { message, cause } = problem as Error & { cause?: NodeJS.ErrnoException }
  const isOffline = problem instanceof TypeError && cause !== undefined
  return harmless(isOffline ? `it cannot be reached (${cause.code ?? cause.message})` : message)
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<Result<T, Problem>> {
  try {
    return ok(await work())
  } catch (problem) {
    return failed(`${what}: ${explain(problem)}`)
  }
}

function failed(message: string): Result<never, Problem> {
  return err({ message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.`, exit: EXIT.failed })
}

function needsLogin({ gateway, server }: Place, why: string): Result<never, Problem> {
  const message = `${why}, to ${server} at ${gateway}: tollgate login --gateway ${gateway} --server ${server}`
  return err({ message, exit: EXIT.needsLogin })
}

/** `tollgate login`, `logout` and `token`: a person at a terminal, who says yes in a browser, here or on another device. */
import type { Command } from 'commander'
import type { DeviceAuthorizationResponse, TokenEndpointResponse } from 'openid-client'
import { err, ok, type Result } from '../model/result.ts'
import { type JsonOptions, leaving, takesJson } from './command.ts'
import type { Door, DoorOptions, Problem } from './login-client.ts'
import { findPlace, type PlaceOptions, takesPlace } from './login-place.ts'
import { Logins, type Place } from './logins.ts'
import { EXIT, type ExitCode, harmless, print, printJson, say } from './terminal.ts'

type CommonOptions = PlaceOptions & JsonOptions

/** Registers the commands. */
export function addLogin(program: Command): void {
  takesJson(takesPlace(program.command('login')))
    .description('get access to a server in your own name; a browser, here or elsewhere, says yes')
    .option('--server <name>', 'the server; not needed where there is only one')
    .option('--issuer <url>', 'where to log in, if the gateway names several places')
    .option('--client-id <id>', 'a client that is known there; not needed at the gateway itself')
    .action(leaving(login))
  takesJson(takesPlace(program.command('token')))
    .description('print an access token for a server, refreshed if need be, for scripts and curl')
    .argument('[server]', 'the server; not needed where there is only one')
    .action(leaving(token))
  takesJson(takesPlace(program.command('logout')))
    .description('end a login, here and at the server that gave it')
    .argument('[server]', 'the server; not needed where there is only one')
    .action(leaving(logout))
}

async function login(options: CommonOptions & DoorOptions & { readonly server?: string }): Promise<ExitCode> {
  const place = await findPlace(options.server, options)
  if (!place.ok) return place.error
  const { findDoor, revoke, toLogin } = await import('./login-client.ts')
  const door = await findDoor(place.value, options)
  if (!door.ok) return give(door.error)
  const tokens = await askPerson(door.value)
  if (!tokens.ok) return give(tokens.error)
  const { issuer, clientId } = door.value
  const made = toLogin({ ...place.value, issuer, clientId }, tokens.value)
  const logins = new Logins(process.env)
  const former = await logins.locked(async () => {
    const before = logins.find(place.value)
    const kept = logins.replace(place.value, made)
    return kept.ok ? before : kept
  })
  if (!former.ok) return give({ message: former.error, exit: EXIT.failed })
  // Nobody can log out of what is no longer kept. It ends by itself where it cannot be ended now.
  if (former.value !== undefined) await revoke(former.value)
  const { server, gateway } = place.value
  if (options.json) printJson({ gateway, server, issuer, clientId, expiresAt: showTime(made.expiresAtMs) })
  else say(`You are logged in to ${server} at ${gateway}. As whom: tollgate whoami ${server}`)
  return EXIT.ok
}

/** Shows the code and waits until a person has answered, the code has expired, or whoever waits has had enough. */
async function askPerson({
  config,
  resource,
  scope,
  issuer,
}: Door): Promise<Result<TokenEndpointResponse, Problem>> {
  const openid = await import('openid-client')
  const { explain } = await import('./login-client.ts')
  if (config.serverMetadata().device_authorization_endpoint === undefined)
    return err({ message: `${harmless(issuer)} has no logins by code (RFC 8628).`, exit: EXIT.failed })
  const stop = new AbortController()
  const onInterrupt = () => stop.abort()
  process.once('SIGINT', onInterrupt)
  try {
    const fields = scope === undefined ? { resource } : { resource, scope }
    const asked = await openid.initiateDeviceAuthorization(config, fields)
    showCode(asked)
    const expiry = AbortSignal.timeout(asked.expires_in * 1000)
    const signal = AbortSignal.any([stop.signal, expiry])
    return ok(await openid.pollDeviceAuthorizationGrant(config, asked, { resource }, { signal }))
  } catch (problem) {
    if (stop.signal.aborted)
      return err({ message: 'Stopped; you are not logged in.', exit: EXIT.interrupted })
    const { error, code } = problem as { error?: string; code?: string }
    if (error === 'access_denied')
      return err({ message: 'The answer in the browser was no.', exit: EXIT.failed })
    if (error === 'expired_token' || code === 'OAUTH_TIMEOUT')
      return err({ message: 'The code has expired. Log in again for another.', exit: EXIT.failed })
    return err({ message: `The login did not work: ${explain(problem)}.`, exit: EXIT.failed })
  } finally {
    process.off('SIGINT', onInterrupt)
  }
}

function showCode({
  verification_uri: address,
  verification_uri_complete: complete,
  user_code: code,
  expires_in: seconds,
}: DeviceAuthorizationResponse): void {
  say(`Open        ${harmless(address)}`)
  say(`and enter   ${harmless(code)}`)
  if (complete !== undefined) say(`or open     ${harmless(complete)}`)
  say(`Waiting for your answer there, for ${Math.ceil(seconds / 60)} minutes; Ctrl-C stops.`)
}

async function token(server: string | undefined, options: CommonOptions): Promise<ExitCode> {
  const place = await findPlace(server, options)
  if (!place.ok) return place.error
  const { freshLogin } = await import('./login-client.ts')
  const found = await freshLogin(place.value, new Logins(process.env))
  if (!found.ok) return give(found.error)
  const { accessToken, expiresAtMs } = found.value
  if (options.json) printJson({ ...place.value, accessToken, expiresAt: showTime(expiresAtMs) })
  else print(accessToken)
  return EXIT.ok
}

async function logout(server: string | undefined, options: CommonOptions): Promise<ExitCode> {
  const place = await findPlace(server, options)
  if (!place.ok) return place.error
  const logins = new Logins(process.env)
  const removed = await logins.locked(async () => {
    const found = logins.find(place.value)
    if (!found.ok || found.value === undefined) return found
    const gone = logins.replace(place.value, undefined)
    return gone.ok ? found : gone
  })
  if (!removed.ok) return give({ message: removed.error, exit: EXIT.failed })
  const where = showPlace(place.value)
  if (removed.value === undefined) {
    say(`You were not logged in to ${where}.`)
    return EXIT.ok
  }
  const { revoke } = await import('./login-client.ts')
  const revoked = await revoke(removed.value)
  if (options.json) printJson({ ...place.value, revoked: revoked.ok })
  if (revoked.ok) say(`You are logged out of ${where}.`)
  else
    say(
      `The login to ${where} is deleted here, but still good at the server. ${revoked.error.message} ` +
        `Whoever runs the gateway can end it: tollgate client revoke ${harmless(removed.value.clientId)} --person <name>`,
    )
  return revoked.ok ? EXIT.ok : EXIT.failed
}

function showPlace({ gateway, server }: Place): string {
  return `${server} at ${gateway}`
}

function showTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** Says what is wrong, and leaves so. */
export function give({ message, exit }: Problem): ExitCode {
  say(message)
  return exit
}

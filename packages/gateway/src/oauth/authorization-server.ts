/**
 * The authorization server as the gateway mounts it: which path is whose. The library answers its own endpoints, the
 * pages are ours, and anything else under `/oauth/` is not there.
 */
import { createHash, createHmac } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { SignInConfig } from '../config/config.ts'
import type { Standing } from '../model/caller.ts'
import { Attempts } from './sign-in/attempts.ts'
import { DeviceLimits, missLostSessions, targetOf } from './sign-in/device.ts'
import { queryOf, send, sendJson, sendPage, setSafeHeaders } from './http.ts'
import { Interactions } from './sign-in/interactions.ts'
import { ICON_PATH, messagePage, SCRIPT_PATH, STYLE_PATH } from './pages/pages.ts'
import { METADATA_PATH, tellWhatIsTrue } from './metadata.ts'
import { PASSKEY_SCRIPT } from './pages/passkey-script.ts'
import { Passkeys } from './sign-in/passkeys.ts'
import { ScryptPasswords } from './sign-in/passwords.ts'
import { type EnterpriseOptions, registerEnterprise } from './grants/enterprise.ts'
import { putOnRecord } from './on-record.ts'
import type { AddressOf, OauthStore, RecordHappening, Revoked, Routes, TokenTasks } from './ports.ts'
import { revokeAccessTokens } from './grants/revoke-access-token.ts'
import { type ApprovalAnswers, ApprovalPages } from './approvals.ts'
import { APPROVALS, PATHS } from './paths.ts'
import { createProvider } from './provider.ts'
import { ICON, STYLE } from './pages/style.ts'
import { CALLBACK_PATH, type ProviderFetch, UpstreamSignIn } from './sign-in/upstream-sign-in.ts'
import { registerTokenExchange } from './grants/token-exchange.ts'
import { Welcome } from './sign-in/welcome.ts'

export interface AuthorizationServerOptions {
  /** Where people and clients find the gateway: scheme, host and port, no slash at the end. */
  readonly issuer: string
  readonly store: OauthStore
  /** Private JWKs, the signing one first. */
  readonly keys: readonly object[]
  readonly cookieKey: string
  readonly routes: Routes
  /** What servers ask for on every operation, any of them. */
  readonly scopes: readonly string[]
  /** Whether clients may register themselves. */
  readonly registration: boolean
  /** Whether clients may be told of by a document at their own address. */
  readonly metadataDocuments: boolean
  /** Calls that wait for a person; undefined: none do here. */
  readonly approvals?: () => ApprovalAnswers
  /** What a token would say of a person. */
  standingOf(account: string): Standing
  /** The provider that people sign in through, where there is one. */
  readonly signIn?: UpstreamSettings | undefined
  fetch(url: string, init: RequestInit): Promise<Response>
  readonly addressOf: AddressOf
  now(): number
  randomBytes(count: number): Buffer
  /** What verifies the word of identity providers; undefined: it is not taken. */
  readonly idJags: EnterpriseOptions['idJags']
  readonly revoked: Revoked
  readonly tasks: TokenTasks
  readonly record: RecordHappening
  /** Tells operators. */
  note(text: string): void
}

export interface UpstreamSettings {
  readonly settings: SignInConfig
  secret(): string | undefined
  fetch: ProviderFetch
}

const HOUR_SECONDS = 3600
const QUARTER_SECONDS = 15 * 60
/** How often a program that shows a code may ask whether there is an answer. */
const POLL_SECONDS = 2
/** Clients that registered themselves and are still let in. */
const MAX_REGISTERED = 1000

export class AuthorizationServer {
  readonly #options: AuthorizationServerOptions
  readonly #provider: Provider
  readonly #answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
  readonly #interactions: Interactions
  readonly #welcome: Welcome
  readonly #approvals: ApprovalPages | undefined
  readonly #registrations = new Attempts(30, HOUR_SECONDS)
  readonly #allRegistrations = new Attempts(300, HOUR_SECONDS)
  readonly #fetches = new Attempts(60, 60)
  readonly #beginnings = new Attempts(300, QUARTER_SECONDS)
  readonly #allBeginnings = new Attempts(3000, QUARTER_SECONDS)
  readonly #deviceLimits: DeviceLimits

  constructor(options: AuthorizationServerOptions) {
    this.#options = options
    this.#deviceLimits = new DeviceLimits(options.addressOf)
    const passwords = new ScryptPasswords(options.randomBytes)
    const hashGrant = (grantId: string) => createHash('sha256').update(grantId).digest('base64url')
    const isWelcome = (account: string) => this.#isWelcome(account)
    this.#provider = createProvider({
      ...options,
      isWelcome,
      nonceSecret: createHmac('sha256', options.cookieKey).update('nonces of DPoP').digest(),
      mayFetch: () => this.#fetches.take('', options.now()),
      renderError: sendError,
      hashGrant,
    })
    this.#provider.on('device_authorization.success', (_ctx, answer: { interval?: number }) => {
      answer.interval = POLL_SECONDS
    })
    tellWhatIsTrue(this.#provider)
    missLostSessions(this.#provider)
    putOnRecord(this.#provider, { record: options.record, hashGrant })
    revokeAccessTokens(this.#provider, options)
    registerTokenExchange(this.#provider, options)
    registerEnterprise(this.#provider, options)
    this.#provider.on('server_error', (_ctx, error: Error) =>
      options.note(`authorization server: ${error.stack ?? error.message}`),
    )
    // Without a listener the framework writes to the terminal by itself.
    const application: EventEmitter = this.#provider
    application.on('error', (error: Error) => options.note(`authorization server: ${error.message}`))
    this.#answer = this.#provider.callback()
    const passkeys = new Passkeys(options)
    const upstream =
      options.signIn === undefined ? undefined : new UpstreamSignIn({ ...options, ...options.signIn })
    this.#interactions = new Interactions({
      ...options,
      provider: this.#provider,
      passwords,
      passkeys,
      upstream,
      isWelcome,
    })
    this.#welcome = new Welcome({ ...options, passwords, passkeys })
    const { approvals: answers } = options
    this.#approvals =
      answers === undefined
        ? undefined
        : new ApprovalPages({ ...options, answers, provider: this.#provider, passkeys, isWelcome })
  }

  /** Whether a request is for this server, by its path alone. */
  static owns(target: string): boolean {
    const path = pathOf(target)
    return path.startsWith('/oauth/') || path.startsWith(APPROVALS) || path === METADATA_PATH
  }

  /** Answers a request whose Host and Origin were checked. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSafeHeaders(response)
    const path = pathOf(request.url ?? '')
    const [, , folder, name, rest] = path.split('/')
    if (path === STYLE_PATH) return sendFile(response, 'text/css; charset=utf-8', STYLE)
    if (path === SCRIPT_PATH) return sendFile(response, 'text/javascript; charset=utf-8', PASSKEY_SCRIPT)
    if (path === ICON_PATH) return sendFile(response, 'image/svg+xml', ICON)
    if (folder === 'interaction' && name !== undefined && rest === undefined)
      return this.#interactions.handle(request, response, name)
    if (folder === 'interaction' && name !== undefined && rest === 'return')
      return this.#interactions.comeBack(request, response, name)
    if (path === CALLBACK_PATH) return this.#interactions.forward(response, queryOf(request))
    if (folder === 'welcome' && name !== undefined && rest === undefined)
      return this.#welcome.handle(request, response, name)
    if (path.startsWith(APPROVALS) && this.#approvals !== undefined) {
      this.#standFor(request)
      return this.#approvals.handle(request, response, path)
    }
    if (!isLibrarys(path)) return sendPage(response, 404, messagePage('Not found', 'There is nothing here.'))
    if (path === PATHS.registration && request.method === 'POST') {
      const refusal = this.#refuseRegistration(this.#options.addressOf(request))
      if (refusal !== undefined) return sendJson(response, 429, refusal)
    }
    if (isBeginning(path, request.method) && !this.#mayBegin(this.#options.addressOf(request)))
      return path === PATHS.pushed_authorization_request
        ? sendJson(response, 429, TOO_MANY_BEGUN)
        : sendPage(response, 429, TOO_MANY)
    if (this.#deviceLimits.refuse(request, response, path, this.#options.now())) return
    if (path === PATHS.code_verification) request.url = targetOf(request.url ?? '')
    this.#standFor(request)
    await this.#answer(request, response)
  }

  /** Whether they can sign in, and their provider, where they have one, is the one there is. */
  #isWelcome(account: string): boolean {
    const { signIn, store } = this.#options
    const told = store.people.toldOf(account)
    const isKnown = told === undefined || told.issuer === signIn?.settings.tellsOf.issuer
    return isKnown && store.people.isActive(account)
  }

  /** The scheme and host that the library builds addresses from are those of the configuration, not the caller's. */
  #standFor({ headers }: IncomingMessage): void {
    const { host, protocol } = new URL(this.#options.issuer)
    for (const name of Object.keys(headers)) {
      if (name.startsWith('x-forwarded-')) Reflect.deleteProperty(headers, name)
    }
    headers['x-forwarded-host'] = host
    headers['x-forwarded-proto'] = protocol.slice(0, -1)
  }

  /** What strangers ask for is kept until they have signed in or it has expired, so they cannot ask for any amount. */
  #mayBegin(address: string): boolean {
    const nowMs = this.#options.now()
    return this.#beginnings.take(address, nowMs) && this.#allBeginnings.take('', nowMs)
  }

  #refuseRegistration(address: string): object | undefined {
    const nowMs = this.#options.now()
    const tooFast = !this.#registrations.take(address, nowMs) || !this.#allRegistrations.take('', nowMs)
    const tooMany = this.#options.store.clients.countRegistered() >= MAX_REGISTERED
    if (!tooFast && !tooMany) return undefined
    return {
      error: 'temporarily_unavailable',
      error_description: tooFast
        ? 'too many registrations; try again in an hour'
        : 'too many clients are registered; the operator can revoke some: tollgate client list',
    }
  }
}

function pathOf(target: string): string {
  const end = target.indexOf('?')
  return end < 0 ? target : target.slice(0, end)
}

const LIBRARYS: readonly string[] = [
  PATHS.authorization,
  PATHS.token,
  PATHS.jwks,
  PATHS.registration,
  PATHS.revocation,
  PATHS.pushed_authorization_request,
  PATHS.device_authorization,
  PATHS.code_verification,
  METADATA_PATH,
]

function isLibrarys(path: string): boolean {
  return LIBRARYS.includes(path) || /^\/oauth\/(authorize|device)\/[A-Za-z0-9_-]+$/.test(path)
}

/** Whether something is kept for a while because of such a request, whoever makes it. */
function isBeginning(path: string, method: string | undefined): boolean {
  if (path === PATHS.code_verification) return method !== 'POST'
  return path === PATHS.authorization || path === PATHS.pushed_authorization_request
}

const TOO_MANY = messagePage('Too many attempts', 'Wait a quarter of an hour and try again.')
const TOO_MANY_BEGUN = {
  error: 'temporarily_unavailable',
  error_description: 'too many requests were begun; try again in a quarter of an hour',
}

function sendFile(response: ServerResponse, type: string, text: string): void {
  response.setHeader('cache-control', 'public, max-age=3600')
  send(response, 200, type, text)
}

/** What the browser shows when it cannot be sent back to a client. */
function sendError(ctx: KoaContextWithOIDC, error: string, description: string | undefined): void {
  const why = description === undefined ? error : `${description} (${error})`
  ctx.type = 'html'
  ctx.body = messagePage(
    'This did not work',
    `The program that sent you here made a request that cannot be met: ${why}. Go back to it and try again.`,
  )
}

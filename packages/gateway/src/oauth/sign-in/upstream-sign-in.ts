/**
 * Signing in through a provider (OpenID Connect, authorization code with PKCE). Nobody is sent there before they have
 * pressed a button on our own page, which names the client that asks and where its answer goes: the provider knows this
 * gateway and not the client, and may remember a yes that was given to another one (MCP, confused deputy). What is sent
 * along is kept for minutes, is good once, and belongs to the interaction, whose page only one browser can open.
 */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  clockTolerance,
  type Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  type IDToken,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import { isName, missing } from '../../authn/claims.ts'
import { callerOf, LEEWAY_SECONDS } from '../../authn/token-caller.ts'
import type { SignInConfig } from '../../config/config.ts'
import { err, ok, type Result } from '../../model/result.ts'
import type { OauthStore, ToldPerson } from '../ports.ts'

export type ProviderFetch = (
  address: string,
  options: { method: string; headers: Record<string, string>; body: string | undefined },
) => Promise<Response>

export interface UpstreamSignInOptions {
  readonly settings: SignInConfig
  /** The gateway's own address. */
  readonly issuer: string
  readonly store: OauthStore
  /** The client's secret; undefined when it cannot be read. Asked only where one is configured. */
  secret(): string | undefined
  fetch: ProviderFetch
  now(): number
  note(text: string): void
}

/** Whom the provider signed in, how and when. */
export interface UpstreamPerson {
  readonly accountId: string
  readonly acr?: string
  readonly amr?: string[]
  /** Seconds since 1970. */
  readonly ts: number
}

/** Why nobody is signed in: a sentence for the person, and the status of the page that has it. */
export interface NotSignedIn {
  readonly problem: string
  readonly status: number
}

export const CALLBACK_PATH = '/oauth/callback'
const KIND = 'UpstreamSignIn'
const STATE_MS = 10 * 60_000
/** How long the provider's metadata is good without asking again. */
const METADATA_MS = 60 * 60_000
/** Of groups and tags as JSON: they travel in every access token, and heads of requests are bounded. */
const MAX_TOLD_LENGTH = 4096

export class UpstreamSignIn {
  readonly #options: UpstreamSignInOptions
  #found: { readonly atMs: number; readonly configuration: Promise<Configuration> } | undefined

  constructor(options: UpstreamSignInOptions) {
    this.#options = options
  }

  /** What people know the provider by. */
  get label(): string {
    return this.#options.settings.label
  }

  /** Where to send the person of this interaction. `anew`: whoever is signed in there is not who is meant. */
  async start(uid: string, { anew }: { anew: boolean }): Promise<Result<string, NotSignedIn>> {
    const { settings, issuer, store, now } = this.#options
    try {
      const configuration = await this.#configuration()
      const [state, nonce, verifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()]
      const address = buildAuthorizationUrl(configuration, {
        redirect_uri: issuer + CALLBACK_PATH,
        scope: settings.tellsOf.scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(anew ? { prompt: 'login' } : {}),
      })
      const expiresAtMs = now() + STATE_MS
      store.artifacts.put(KIND, state, { for: uid, nonce, verifier, expiresAtMs }, expiresAtMs)
      return ok(address.href)
    } catch (problem) {
      return this.#failed(problem)
    }
  }

  /** The interaction that an answer of the provider belongs to; undefined when nobody waits for it. */
  interactionOf(answer: URLSearchParams): string | undefined {
    const kept = this.#options.store.artifacts.find(KIND, answer.get('state') ?? '')
    return typeof kept?.['for'] === 'string' && kept['consumed'] === undefined ? kept['for'] : undefined
  }

  /** Takes the answer in the browser of the interaction, and asks the provider whom it means. */
  async finish(answer: URLSearchParams, uid: string): Promise<Result<UpstreamPerson, NotSignedIn>> {
    const { issuer, store, now } = this.#options
    const state = answer.get('state') ?? ''
    const kept = store.artifacts.find(KIND, state)
    const isTheirs = kept?.['for'] === uid && Number(kept['expiresAtMs']) > now()
    if (!isTheirs || !store.artifacts.consume(KIND, state, now())) return err(EXPIRED)
    try {
      const configuration = await this.#configuration()
      const back = new URL(issuer + CALLBACK_PATH)
      back.search = answer.toString()
      const tokens = await authorizationCodeGrant(configuration, back, {
        expectedState: state,
        expectedNonce: String(kept['nonce']),
        pkceCodeVerifier: String(kept['verifier']),
        idTokenExpected: true,
      })
      return this.#admit(tokens.claims())
    } catch (problem) {
      return this.#failed(problem)
    }
  }

  /** Whom the ID token tells of, if they are let in; what it says of them is noted. */
  #admit(claims: IDToken | undefined): Result<UpstreamPerson, NotSignedIn> {
    const { settings, store, now } = this.#options
    if (claims === undefined) return this.#refused('there is no ID token')
    const lacking = missing(claims, settings.tellsOf.requires)
    if (lacking !== undefined) return this.#refused(`the claim ${lacking} is not as required`)
    const caller = callerOf(claims, settings.tellsOf, { fallbackId: '' })
    if (!caller.ok) return this.#refused(caller.error)
    const { principal, known } = caller.value
    const told: ToldPerson = {
      account: principal.id,
      issuer: settings.tellsOf.issuer,
      label: [claims['name'], claims['preferred_username'], claims['email']].find(isLabel),
      groups: known?.groups.map(({ id }) => id) ?? [],
      tags: known?.tags ?? {},
    }
    if (JSON.stringify([told.groups, told.tags]).length > MAX_TOLD_LENGTH)
      return this.#refused(`groups and tags of ${told.account} are more than ${MAX_TOLD_LENGTH} characters`)
    if (!store.people.noteTold(told, now()))
      return this.#refused(`${told.account} was removed, or belongs to another provider`)
    const { acr, amr, auth_time: at } = claims
    const nowSeconds = Math.floor(now() / 1000)
    return ok({
      accountId: told.account,
      ...(isName(acr) ? { acr } : {}),
      ...(Array.isArray(amr) && amr.every(isName) ? { amr } : {}),
      ts: typeof at === 'number' ? Math.min(Math.trunc(at), nowSeconds) : nowSeconds,
    })
  }

  #configuration(): Promise<Configuration> {
    const nowMs = this.#options.now()
    if (this.#found === undefined || nowMs - this.#found.atMs > METADATA_MS)
      this.#found = { atMs: nowMs, configuration: this.#discover() }
    return this.#found.configuration
  }

  async #discover(): Promise<Configuration> {
    const { settings, fetch: ask } = this.#options
    const issuer = new URL(settings.tellsOf.issuer)
    const configuration = await discovery(
      issuer,
      settings.clientId,
      { [clockTolerance]: LEEWAY_SECONDS },
      this.#proof(),
      {
        [customFetch]: (address, { method, headers, body }) =>
          ask(address, {
            method,
            headers,
            body: body instanceof URLSearchParams ? body.toString() : undefined,
          }),
        execute: [
          enableNonRepudiationChecks,
          // Only the configuration can name such an issuer, and only on this machine.
          // oxlint-disable-next-line typescript/no-deprecated -- so that it stands out
          ...(issuer.protocol === 'http:' ? [allowInsecureRequests] : []),
        ],
      },
    )
    return configuration
  }

  /** As RFC 6749, 2.3.1 has it; in the body only where the provider wants nothing else. */
  #proof(): Parameters<typeof discovery>[3] {
    const { settings, secret } = this.#options
    if (settings.clientSecret === undefined) return None()
    const value = secret()
    if (value === undefined || value === '') throw new Error('its clientSecret cannot be read')
    const [basic, post] = [ClientSecretBasic(value), ClientSecretPost(value)]
    return (as, client, body, headers) => {
      const { token_endpoint_auth_methods_supported: methods } = as
      const wantsPost = methods?.includes('client_secret_basic') === false
      return (wantsPost ? post : basic)(as, client, body, headers)
    }
  }

  #refused(why: string): Result<never, NotSignedIn> {
    this.#note(why)
    const problem = `${this.label} says who you are, but that does not let you in here. Ask whoever runs this gateway.`
    return err({ problem, status: 403 })
  }

  #failed(problem: unknown): Result<never, NotSignedIn> {
    // It may be the metadata that is old, or the secret.
    this.#found = undefined
    this.#note(reasonOf(problem))
    return err({
      problem: `Signing in through ${this.label} did not work. Try again in a moment.`,
      status: 502,
    })
  }

  #note(why: string): void {
    this.#options.note(`sign-in through ${this.#options.settings.tellsOf.name}: ${why}`)
  }
}

const EXPIRED: NotSignedIn = {
  problem: 'That sign-in was used already, or took too long. Try again.',
  status: 400,
}

function isLabel(value: unknown): value is string {
  return isName(value) && value.length <= 100
}

/** Errors of the library say little, and what caused them may hold what was sent. */
function reasonOf(problem: unknown): string {
  if (!(problem instanceof Error)) return 'it failed'
  const parts = [problem.message, problem.cause instanceof Error ? problem.cause.message : undefined]
  const { error } = problem as { error?: unknown }
  return [...parts, typeof error === 'string' ? error.slice(0, 100) : undefined]
    .filter((part) => part !== undefined)
    .join(': ')
}

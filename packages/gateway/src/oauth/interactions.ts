/**
 * Signing in and saying yes: `/oauth/interaction/{uid}`. The library says which of the two is due, and keeps what was
 * asked for; a form counts only with the cookie of its interaction and the token that its page held.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InteractionResults, Provider } from 'oidc-provider'
import { Attempts } from './attempts.ts'
import { isLoopbackRedirect } from './client-rules.ts'
import { isForeign, readForm, sendPage } from './http.ts'
import { consentPage, messagePage, signInPage } from './pages.ts'
import { MAX_PASSWORD_LENGTH, TooBusy } from './passwords.ts'
import type { Offered, OauthStore, Passwords, Routes } from './ports.ts'
import { fillGrant, SCOPE, serverOf } from './resources.ts'

export interface InteractionsOptions {
  readonly issuer: string
  readonly provider: Provider
  readonly store: OauthStore
  readonly passwords: Passwords
  readonly routes: Routes
  readonly cookieKey: string
  now(): number
}

type Details = Awaited<ReturnType<Provider['interactionDetails']>>

/** One request about one interaction. */
interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly details: Details
  readonly client: ClientFacts
}

interface ClientFacts {
  readonly clientId: string
  readonly name: string
  readonly documentHost: string | undefined
  readonly redirects: readonly string[]
  readonly redirectUri: string
}

const QUARTER_SECONDS = 15 * 60
const TOO_MANY = 'Too many attempts. Wait a quarter of an hour and try again.'

export class Interactions {
  readonly #options: InteractionsOptions
  readonly #attemptsByName = new Attempts(6, QUARTER_SECONDS)
  readonly #attemptsByAddress = new Attempts(60, QUARTER_SECONDS)

  constructor(options: InteractionsOptions) {
    this.#options = options
  }

  /** Shows what is due, or takes the answer. */
  async handle(request: IncomingMessage, response: ServerResponse, uid: string): Promise<void> {
    const asked = await this.#find(request, response, uid)
    if (asked === undefined) return sendPage(response, 400, EXPIRED)
    if (request.method === 'GET') return this.#show(asked)
    if (request.method !== 'POST') return sendPage(response, 405, NO_METHOD)
    const form = await readForm(request)
    if (form === undefined || isForeign(request) || !this.#isOurs(uid, form.get('csrf')))
      return sendPage(response, 403, FOREIGN)
    const action = form.get('action')
    if (action === 'deny') return this.#finish(asked, DENIED)
    const { name } = asked.details.prompt
    if (name === 'login' && action === 'sign-in') return this.#signIn(asked, form)
    if (name === 'consent' && action === 'allow') return this.#allow(asked)
    return sendPage(response, 400, EXPIRED)
  }

  /** The interaction of the path, if the browser has its cookie and its client is still let in. */
  async #find(request: IncomingMessage, response: ServerResponse, uid: string): Promise<Asked | undefined> {
    const { provider } = this.#options
    try {
      const details = await provider.interactionDetails(request, response)
      const client = await provider.Client.find(String(details.params['client_id']))
      if (details.uid !== uid || client === undefined) return undefined
      const documentHost = 'clientIdMetadataDocument' in client ? new URL(client.clientId).host : undefined
      const facts: ClientFacts = {
        clientId: client.clientId,
        name: client.clientName ?? documentHost ?? 'A program without a name',
        documentHost,
        redirects: client.redirectUris ?? [],
        redirectUri: String(details.params['redirect_uri']),
      }
      return { request, response, details, client: facts }
    } catch {
      return undefined // no cookie, expired, or somebody else signed in since
    }
  }

  async #show(asked: Asked): Promise<void> {
    if (asked.details.prompt.name === 'login') return this.#showSignIn(asked, 200)
    const due = await this.#due(asked)
    if (due === undefined) return this.#finish(asked, NOT_THERE)
    const { details, client, response } = asked
    const text = consentPage({
      csrf: this.#csrf(details.uid),
      person: due.person,
      client,
      redirectHost: hostOf(client.redirectUri),
      isLoopback: isLoopbackRedirect(client.redirectUri),
      server: due.offered.server,
      tools: due.offered.tools,
      givenAtMs: this.#options.store.consents.givenAtMs(due.consent),
    })
    sendPage(response, 200, text, leadsTo(client))
  }

  /** What is asked of whom; undefined when it is nothing this person has. */
  async #due({ details, client }: Asked) {
    const { issuer, routes, store } = this.#options
    const person = details.session?.accountId
    const resource = details.params['resource']
    const server = serverOf(resource, issuer)
    if (person === undefined || server === undefined || !store.people.isActive(person)) return undefined
    const offered: Offered | undefined = await routes.offeredTo(person, server)
    if (offered === undefined) return undefined
    const consent = { account: person, clientId: client.clientId, resource: String(resource), scope: SCOPE }
    return { person, offered, consent }
  }

  #showSignIn({ response, details, client }: Asked, status: number, problem?: string, name?: string): void {
    const text = signInPage({
      csrf: this.#csrf(details.uid),
      client: client.name,
      redirectHost: hostOf(client.redirectUri),
      name:
        name ?? (typeof details.params['login_hint'] === 'string' ? details.params['login_hint'] : undefined),
      problem,
    })
    sendPage(response, status, text, leadsTo(client))
  }

  async #signIn(asked: Asked, form: URLSearchParams): Promise<void> {
    const { store, passwords, now } = this.#options
    const name = (form.get('name') ?? '').trim().slice(0, 64)
    const password = (form.get('password') ?? '').slice(0, MAX_PASSWORD_LENGTH * 4)
    const key = name.toLowerCase()
    const nowMs = now()
    const address = asked.request.socket.remoteAddress ?? ''
    const mayTry = this.#attemptsByAddress.take(address, nowMs) && this.#attemptsByName.take(key, nowMs)
    if (!mayTry) return this.#showSignIn(asked, 429, TOO_MANY, name)
    try {
      if (!(await passwords.verify(password, store.people.passwordOf(name))))
        return this.#showSignIn(asked, 401, 'The name or the password is wrong.', name)
    } catch (thrown) {
      if (!(thrown instanceof TooBusy)) throw thrown
      return this.#showSignIn(asked, 503, 'Too many people sign in just now. Try again in a moment.', name)
    }
    this.#attemptsByName.clear(key)
    return this.#finish(asked, { login: { accountId: name, remember: false, acr: 'password', amr: ['pwd'] } })
  }

  async #allow(asked: Asked): Promise<void> {
    const { provider, store, now } = this.#options
    const due = await this.#due(asked)
    if (due === undefined) return this.#finish(asked, NOT_THERE)
    const { clientId, name, documentHost, redirects } = asked.client
    const { account, resource } = due.consent
    const grant = new provider.Grant({ accountId: account, clientId })
    fillGrant(grant, resource)
    const grantId = await grant.save()
    if (documentHost !== undefined) store.clients.note({ clientId, kind: 'document', name, redirects }, now())
    store.consents.remember(due.consent, now())
    return this.#finish(asked, { consent: { grantId } })
  }

  async #finish({ request, response }: Asked, result: InteractionResults): Promise<void> {
    const mergeWithLastSubmission = result.consent !== undefined
    await this.#options.provider.interactionFinished(request, response, result, { mergeWithLastSubmission })
  }

  #csrf(uid: string): string {
    return createHmac('sha256', this.#options.cookieKey).update(`csrf ${uid}`).digest('base64url')
  }

  #isOurs(uid: string, token: string | null): boolean {
    const [given, expected] = [Buffer.from(token ?? ''), Buffer.from(this.#csrf(uid))]
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

const DENIED = { error: 'access_denied', error_description: 'the person did not allow it' }
/** The same for a server that is not there and one that the person can do nothing on. */
const NOT_THERE = { error: 'invalid_target', error_description: 'there is no such resource' }

const EXPIRED = messagePage(
  'This page has expired',
  'Go back to the program that sent you here and connect again.',
)
const FOREIGN = messagePage(
  'This did not come from here',
  'The form was not sent by this page; nothing was done.',
)
const NO_METHOD = messagePage('Not like this', 'This page takes forms only.')

function hostOf(uri: string): string {
  return URL.parse(uri)?.host ?? uri
}

function leadsTo({ redirectUri }: ClientFacts): readonly string[] {
  const origin = URL.parse(redirectUri)?.origin
  return origin === undefined || origin === 'null' ? [] : [origin]
}

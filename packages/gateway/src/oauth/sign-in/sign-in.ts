/** Signing in on the page of an interaction: with a password, with a passkey, or through a provider. */
import type { InteractionResults } from 'oidc-provider'
import { type Asked, leadsTo, pathOf, redirectHostOf } from './asked.ts'
import { Attempts } from './attempts.ts'
import { APPROVALS_CLIENT } from '../built-in-client.ts'
import { isLoopbackRedirect } from '../client-rules.ts'
import { sendJson, sendPage } from '../http.ts'
import type { Passkeys } from './passkeys.ts'
import { MAX_PASSWORD_LENGTH, TooBusy } from './passwords.ts'
import type { AddressOf, OauthStore, Passwords, RecordHappening } from '../ports.ts'
import { serverOf } from '../resources.ts'
import { leavingPage, signInPage } from '../pages/sign-in-pages.ts'
import type { UpstreamSignIn } from './upstream-sign-in.ts'

export interface SignInOptions {
  /** The gateway's own address. */
  readonly issuer: string
  readonly store: OauthStore
  readonly passwords: Passwords
  readonly passkeys: Passkeys
  readonly record: RecordHappening
  readonly addressOf: AddressOf
  /** Where there is one. */
  readonly upstream: UpstreamSignIn | undefined
  now(): number
}

/** Who signed in, when known; undefined when the browser was answered already. */
export type SignedIn = NonNullable<InteractionResults['login']> | undefined

/** What the page says besides, and the status it is sent with. */
interface Said {
  readonly status: number
  readonly problem?: string
  readonly name?: string
}

/** In the last result of an interaction: whoever was there wants to be somebody else. */
export const SWITCHED = 'switched'

const QUARTER_SECONDS = 15 * 60
const TOO_MANY = 'Too many attempts. Wait a quarter of an hour and try again.'

export class SignIn {
  readonly #options: SignInOptions
  readonly #attemptsByName = new Attempts(6, QUARTER_SECONDS)
  readonly #attemptsByAddress = new Attempts(60, QUARTER_SECONDS)
  readonly #challengesByAddress = new Attempts(120, QUARTER_SECONDS)

  constructor(options: SignInOptions) {
    this.#options = options
  }

  /** Shows the page. */
  show(asked: Asked, { status, problem, name }: Said = { status: 200 }): undefined {
    const { response, details, client, csrf } = asked
    const { login_hint: hint, resource } = details.params
    const { passkeys, upstream, store, issuer } = this.#options
    const isLocal = upstream === undefined || store.people.hasLocal()
    const hasPasskeys = isLocal && passkeys.areOffered
    const text = signInPage({
      csrf,
      action: pathOf(asked),
      asker: {
        client,
        redirectHost: redirectHostOf(client),
        isLoopback: isLoopbackRedirect(client.redirectUri ?? ''),
        server: serverOf(resource, issuer) ?? '',
        isOwn: client.clientId === APPROVALS_CLIENT,
      },
      provider: upstream?.label,
      isRefused: status === 403,
      isLocal,
      hasPasskeys,
      name: name ?? (typeof hint === 'string' ? hint : undefined),
      problem,
    })
    sendPage(response, status, text, { leadsTo: leadsTo(client), hasScript: hasPasskeys })
    return undefined
  }

  /** Takes what the page was answered with; undefined when that was none of its buttons. */
  take(action: string | null, asked: Asked, form: URLSearchParams): Promise<SignedIn> | undefined {
    const { areOffered } = this.#options.passkeys
    if (action === 'sign-in') return this.#byPassword(asked, form)
    if (action === 'passkey-options' && areOffered) return this.#sendOptions(asked, form)
    if (action === 'passkey' && areOffered) return this.#byPasskey(asked, form)
    if (action === 'continue') return this.#leave(asked, form)
    return undefined
  }

  /** Takes what the provider said, in the browser that was sent there. */
  async comeBack(asked: Asked, answer: URLSearchParams): Promise<SignedIn> {
    const { upstream, now } = this.#options
    if (upstream === undefined) return this.show(asked)
    if (!this.#attemptsByAddress.take(this.#options.addressOf(asked.request), now()))
      return this.show(asked, { status: 429, problem: TOO_MANY })
    const person = await upstream.finish(answer, asked.details.uid)
    if (!person.ok) {
      await this.#recordFailure(asked, '', `through ${upstream.label}, with status ${person.error.status}`)
      return this.show(asked, person.error)
    }
    return { ...person.value, remember: false }
  }

  /** A page in between, for browsers hold redirects after a form to where the form may go, and providers have many hosts. */
  async #leave(asked: Asked, form: URLSearchParams): Promise<undefined> {
    const { upstream, now } = this.#options
    if (upstream === undefined) return this.show(asked)
    if (!this.#challengesByAddress.take(this.#options.addressOf(asked.request), now()))
      return this.show(asked, { status: 429, problem: TOO_MANY })
    const { params, lastSubmission, uid } = asked.details
    const { prompt } = params
    const isAsked = typeof prompt === 'string' && prompt.split(' ').includes('login')
    const anew = isAsked || lastSubmission?.[SWITCHED] === true || form.has('anew')
    const address = await upstream.start(uid, { anew })
    if (!address.ok) return this.show(asked, address.error)
    sendPage(asked.response, 200, leavingPage({ label: upstream.label, address: address.value }))
    return undefined
  }

  async #byPassword(asked: Asked, form: URLSearchParams): Promise<SignedIn> {
    const { store, passwords, now } = this.#options
    const name = nameIn(form)
    const password = (form.get('password') ?? '').slice(0, MAX_PASSWORD_LENGTH * 4)
    const key = name.toLowerCase()
    const nowMs = now()
    const mayTry =
      this.#attemptsByAddress.take(this.#options.addressOf(asked.request), nowMs) &&
      this.#attemptsByName.take(key, nowMs)
    if (!mayTry) return this.show(asked, { status: 429, problem: TOO_MANY, name })
    try {
      if (!(await passwords.verify(password, store.people.passwordOf(name)))) {
        await this.#recordFailure(asked, name, 'wrong name or password')
        return this.show(asked, { status: 401, problem: 'The name or the password is wrong.', name })
      }
    } catch (thrown) {
      if (!(thrown instanceof TooBusy)) throw thrown
      const problem = 'Too many people sign in just now. Try again in a moment.'
      return this.show(asked, { status: 503, problem, name })
    }
    this.#attemptsByName.clear(key)
    return { accountId: name, remember: false, acr: 'password', amr: ['pwd'] }
  }

  async #sendOptions(asked: Asked, form: URLSearchParams): Promise<undefined> {
    const { passkeys, now } = this.#options
    const name = nameIn(form)
    if (!this.#challengesByAddress.take(this.#options.addressOf(asked.request), now()))
      return sendJson(asked.response, 429, { problem: TOO_MANY }) as undefined
    const options = await passkeys.requestOptions(name === '' ? undefined : name, asked.details.uid)
    return sendJson(asked.response, 200, options) as undefined
  }

  async #byPasskey(asked: Asked, form: URLSearchParams): Promise<SignedIn> {
    const { passkeys, now } = this.#options
    if (!this.#attemptsByAddress.take(this.#options.addressOf(asked.request), now()))
      return this.show(asked, { status: 429, problem: TOO_MANY })
    const signedIn = await passkeys.verify(form.get('credential') ?? '', asked.details.uid)
    if (signedIn === undefined) {
      await this.#recordFailure(asked, '', 'a passkey that is not known, or not in time')
      const problem = 'This passkey is not known here, or the page was open for too long. Try again.'
      return this.show(asked, { status: 401, problem })
    }
    return { ...signedIn, remember: false }
  }

  /** Names that nobody has may be anything, a password in the wrong field too, and are not written down. */
  async #recordFailure({ request, client }: Asked, name: string, detail: string): Promise<void> {
    const account = this.#options.store.people.isActive(name) ? name : null
    const { clientId } = client
    await this.#options.record(request, {
      event: 'sign-in',
      result: 'refused',
      account,
      client: clientId,
      detail,
    })
  }
}

function nameIn(form: URLSearchParams): string {
  return (form.get('name') ?? '').trim().slice(0, 64)
}

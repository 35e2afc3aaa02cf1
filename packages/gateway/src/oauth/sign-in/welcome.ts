/** The link that a new person gets, `/oauth/welcome/{secret}`: looking at it changes nothing, using it ends it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Attempts } from './attempts.ts'
import { isForeign, readForm, sendJson, sendPage } from '../http.ts'
import { messagePage, NO_RECORD } from '../pages/pages.ts'
import type { Passkeys } from './passkeys.ts'
import { passwordFault, TooBusy } from './passwords.ts'
import type { AddressOf, OauthStore, Passwords, RecordHappening } from '../ports.ts'
import { welcomePage } from '../pages/sign-in-pages.ts'

export interface WelcomeOptions {
  readonly store: OauthStore
  readonly passwords: Passwords
  readonly passkeys: Passkeys
  readonly record: RecordHappening
  readonly addressOf: AddressOf
  now(): number
}

/** Somebody at the page of a link that is good. */
interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly link: string
  /** Whose link it is. */
  readonly name: string
}

export class Welcome {
  readonly #options: WelcomeOptions
  readonly #attempts = new Attempts(60, 15 * 60)

  constructor(options: WelcomeOptions) {
    this.#options = options
  }

  /** Shows the page, or sets what was chosen on it. */
  async handle(request: IncomingMessage, response: ServerResponse, link: string): Promise<void> {
    const { store, addressOf, now } = this.#options
    if (!this.#attempts.take(addressOf(request), now())) return sendPage(response, 429, TOO_MANY)
    const name = store.people.findByLink(link, now())
    if (name === undefined) return sendPage(response, 404, GONE)
    if (request.method !== 'POST') return this.#show(response, { name })
    const form = await readForm(request)
    if (form === undefined || isForeign(request)) return sendPage(response, 403, GONE)
    const { passkeys } = this.#options
    const action = passkeys.areOffered ? form.get('action') : null
    if (action === 'passkey-options')
      return sendJson(response, 200, await passkeys.creationOptions(name, link))
    const visit = { request, response, link, name }
    if (action === 'passkey') return this.#setPasskey(visit, form)
    const password = form.get('password') ?? ''
    const problem =
      password === form.get('again') ? passwordFault(password, name) : 'The two passwords differ.'
    if (problem !== undefined) return this.#show(response, { name, problem })
    return this.#setPassword(visit, password)
  }

  #show(response: ServerResponse, view: { name: string; problem?: string }): void {
    const hasPasskeys = this.#options.passkeys.areOffered
    const text = welcomePage({ ...view, hasPasskeys })
    sendPage(response, view.problem === undefined ? 200 : 422, text, { hasScript: hasPasskeys })
  }

  async #setPasskey(visit: Visit, form: URLSearchParams): Promise<void> {
    const { response, link, name } = visit
    const { store, passkeys, now } = this.#options
    const made = await passkeys.verifyNew(form.get('credential') ?? '', link)
    if (made !== undefined && !(await this.#isRecorded(visit, 'a passkey')))
      return sendPage(response, 503, NO_RECORD)
    const done = made !== undefined && store.people.useLinkForPasskey(link, made, now()) !== undefined
    if (done) return sendPage(response, 200, PASSKEY_DONE)
    const problem = 'This passkey could not be taken, or the page was open for too long. Try again.'
    return this.#show(response, { name, problem })
  }

  async #setPassword(visit: Visit, password: string): Promise<void> {
    const { response, link } = visit
    const { store, passwords, now } = this.#options
    try {
      const hashed = await passwords.hash(password)
      if (!(await this.#isRecorded(visit, 'a password'))) return sendPage(response, 503, NO_RECORD)
      const done = store.people.useLink(link, hashed, now()) !== undefined
      return done ? sendPage(response, 200, DONE) : sendPage(response, 404, GONE)
    } catch (thrown) {
      if (!(thrown instanceof TooBusy)) throw thrown
      return sendPage(response, 503, TOO_MANY)
    }
  }

  #isRecorded({ request, name: account }: Visit, detail: string): Promise<boolean> {
    const happening = { event: 'credential', result: 'done', account, client: null, detail } as const
    return this.#options.record(request, happening)
  }
}

const GONE = messagePage(
  'This link is not good',
  'It was used, has expired, or was replaced by a newer one. Ask whoever sent it for another.',
)
const TOO_MANY = messagePage('Too many attempts', 'Wait a quarter of an hour and open the link again.')
const NEXT = 'Go back to the program you want to use and connect; sign in when asked.'
const DONE = messagePage('Your password is set', NEXT)
const PASSKEY_DONE = messagePage('Your passkey is set', NEXT)

/** The link that a new person gets, `/oauth/welcome/{secret}`: looking at it changes nothing, using it ends it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Attempts } from './attempts.ts'
import { isForeign, readForm, sendPage } from './http.ts'
import { messagePage, welcomePage } from './pages.ts'
import { passwordFault, TooBusy } from './passwords.ts'
import type { OauthStore, Passwords } from './ports.ts'

export interface WelcomeOptions {
  readonly store: OauthStore
  readonly passwords: Passwords
  now(): number
}

export class Welcome {
  readonly #options: WelcomeOptions
  readonly #attempts = new Attempts(60, 15 * 60)

  constructor(options: WelcomeOptions) {
    this.#options = options
  }

  /** Shows the form, or sets the password. */
  async handle(request: IncomingMessage, response: ServerResponse, link: string): Promise<void> {
    const { store, now } = this.#options
    if (!this.#attempts.take(request.socket.remoteAddress ?? '', now()))
      return sendPage(response, 429, TOO_MANY)
    const name = store.people.findByLink(link, now())
    if (name === undefined) return sendPage(response, 404, GONE)
    if (request.method !== 'POST') return sendPage(response, 200, welcomePage({ name }))
    const form = await readForm(request)
    if (form === undefined || isForeign(request)) return sendPage(response, 403, GONE)
    const password = form.get('password') ?? ''
    const problem =
      password === form.get('again') ? passwordFault(password, name) : 'The two passwords differ.'
    if (problem !== undefined) return sendPage(response, 422, welcomePage({ name, problem }))
    return this.#set(response, link, password)
  }

  async #set(response: ServerResponse, link: string, password: string): Promise<void> {
    const { store, passwords, now } = this.#options
    try {
      const hashed = await passwords.hash(password)
      const done = store.people.useLink(link, hashed, now()) !== undefined
      return done ? sendPage(response, 200, DONE) : sendPage(response, 404, GONE)
    } catch (thrown) {
      if (!(thrown instanceof TooBusy)) throw thrown
      return sendPage(response, 503, TOO_MANY)
    }
  }
}

const GONE = messagePage(
  'This link is not good',
  'It was used, has expired, or was replaced by a newer one. Ask whoever sent it for another.',
)
const TOO_MANY = messagePage('Too many attempts', 'Wait a quarter of an hour and open the link again.')
const DONE = messagePage(
  'Your password is set',
  'Go back to the program you want to use and connect; sign in when asked.',
)

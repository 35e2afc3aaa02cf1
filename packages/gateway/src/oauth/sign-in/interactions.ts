/**
 * Signing in and saying yes: `/oauth/interaction/{uid}`. The library says which of the two is due, and keeps what was
 * asked for; a form counts only with the cookie of its interaction and the token that its page held.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InteractionResults, Provider } from 'oidc-provider'
import { type Asked, type ClientFacts, leadsTo, pathOf, redirectHostOf } from './asked.ts'
import { APPROVALS_CLIENT, COMMAND_LINE } from '../built-in-client.ts'
import { isLoopbackRedirect } from '../client-rules.ts'
import { isForeign, queryOf, readForm, sendPage } from '../http.ts'
import { consentPage, messagePage, NO_RECORD } from '../pages/pages.ts'
import type { Happening, Offered, Routes, SignInStrength, TokenTasks } from '../ports.ts'
import { APPROVALS } from '../paths.ts'
import { fillGrant, SCOPE, scopesGiven, serverOf } from '../resources.ts'
import { claimOf } from '../tasks/details.ts'
import { SignIn, type SignedIn, type SignInOptions, SWITCHED } from './sign-in.ts'
import { TaskConsent, type TaskQuestion } from './task-consent.ts'

export interface InteractionsOptions extends SignInOptions {
  readonly provider: Provider
  readonly routes: Routes
  readonly cookieKey: string
  readonly tasks: TokenTasks
  /** Whether a person may be here at all. */
  isWelcome(account: string): boolean
}

/** What a person answered about a task, and what was wrong with it. */
interface Answered {
  readonly form: URLSearchParams
  readonly problem?: string
}

const UNANSWERED: Answered = { form: new URLSearchParams() }

export class Interactions {
  readonly #options: InteractionsOptions
  readonly #signIn: SignIn
  readonly #taskConsent: TaskConsent

  constructor(options: InteractionsOptions) {
    this.#options = options
    this.#signIn = new SignIn(options)
    this.#taskConsent = new TaskConsent(options.tasks)
  }

  /** Shows what is due, or takes the answer. */
  async handle(request: IncomingMessage, response: ServerResponse, uid: string): Promise<void> {
    const asked = await this.#find(request, response, uid)
    if (asked === undefined) return sendPage(response, 400, EXPIRED)
    if (isForApproval(asked)) return goToApproval(asked)
    if (request.method === 'GET') return this.#show(asked)
    if (request.method !== 'POST') return sendPage(response, 405, NO_METHOD)
    const form = await readForm(request)
    if (form === undefined || isForeign(request) || !this.#isOurs(uid, form.get('csrf')))
      return sendPage(response, 403, FOREIGN)
    const action = form.get('action')
    if (action === 'deny') return this.#deny(asked)
    const { name } = asked.details.prompt
    if (name === 'consent' && (action === 'allow' || action === 'go-on')) return this.#allow(asked, form)
    if (name === 'consent' && action === 'template') return this.#show(asked, { form })
    if (name === 'consent' && action === 'as-asked') return this.#show(asked)
    if (name === 'consent' && action === 'switch') return this.#switchPerson(asked)
    const taken = name === 'login' ? this.#signIn.take(action, asked, form) : undefined
    if (taken === undefined) return sendPage(response, 400, EXPIRED)
    return this.#signedIn(asked, await taken)
  }

  /** Takes the browser from where the provider sends everybody to the page of the interaction it was sent from. */
  forward(response: ServerResponse, answer: URLSearchParams): void {
    const uid = this.#options.upstream?.interactionOf(answer)
    if (uid === undefined) return sendPage(response, 400, EXPIRED)
    const location = `/oauth/interaction/${uid}/return?${answer.toString()}`
    response.writeHead(303, { location, 'content-length': 0 }).end()
  }

  /** Takes what the provider said of the person who was sent there. */
  async comeBack(request: IncomingMessage, response: ServerResponse, uid: string): Promise<void> {
    const asked = await this.#find(request, response, uid)
    if (asked === undefined || request.method !== 'GET') return sendPage(response, 400, EXPIRED)
    return this.#signedIn(asked, await this.#signIn.comeBack(asked, queryOf(request)))
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
        redirectUri: details.deviceCode === undefined ? String(details.params['redirect_uri']) : undefined,
      }
      return { request, response, details, client: facts, csrf: this.#csrf(uid) }
    } catch {
      return undefined // no cookie, expired, or somebody else signed in since
    }
  }

  async #show(asked: Asked, answered = UNANSWERED): Promise<void> {
    if (asked.details.prompt.name === 'login') return this.#signIn.show(asked)
    const due = await this.#due(asked)
    if (due === undefined) return this.#finish(asked, NOT_THERE)
    const { client, response, csrf } = asked
    const question = questionOf(asked, due, answered.form)
    const task = question === undefined ? undefined : await this.#taskConsent.view(question, answered.problem)
    if (task?.ok === false) return this.#finish(asked, noTask(task.error))
    const text = consentPage({
      csrf,
      action: pathOf(asked),
      person: due.person,
      personLabel: this.#options.store.people.toldOf(due.person)?.label,
      client,
      redirectHost: redirectHostOf(client),
      isLoopback: isLoopbackRedirect(client.redirectUri ?? ''),
      server: due.offered.server,
      tools: due.offered.tools,
      scopes: due.given.filter((scope) => scope !== SCOPE),
      givenAtMs: task === undefined ? this.#options.store.consents.givenAtMs(due.consent) : undefined,
      task: task?.value,
    })
    const isWrong = task?.value.problem !== undefined
    sendPage(response, isWrong ? 422 : 200, text, { leadsTo: leadsTo(client) })
  }

  /** What is asked of whom; undefined when it is nothing this person has. */
  async #due({ details, client }: Asked) {
    const { issuer, routes, isWelcome } = this.#options
    const person = details.session?.accountId
    const resource = details.params['resource']
    const server = serverOf(resource, issuer)
    if (person === undefined || server === undefined || !isWelcome(person)) return undefined
    const offered: Offered | undefined = await routes.offeredTo(person, server, strengthOf(details))
    if (offered === undefined) return undefined
    const given = scopesGiven(details.params['scope'], offered.scopes)
    const scope = given.join(' ')
    const consent = { account: person, clientId: client.clientId, resource: String(resource), scope }
    return { person, offered, given, consent }
  }

  async #signedIn(asked: Asked, login: SignedIn): Promise<void> {
    if (login === undefined) return
    const { accountId: account, acr = null } = login
    const happening = { event: 'sign-in', result: 'done', account, detail: acr } as const
    if (!(await this.#isRecorded(asked, happening))) return sendPage(asked.response, 503, NO_RECORD)
    // The library would not let one person take over the session of another.
    const before = asked.details.session?.accountId
    if (before !== undefined && before !== login.accountId) return this.#leaveSession(asked, { login })
    return this.#finish(asked, { login })
  }

  /** Whoever is at the browser is somebody else: back to signing in. */
  async #switchPerson(asked: Asked): Promise<void> {
    return this.#leaveSession(asked, { [SWITCHED]: true })
  }

  /** Finishes with nobody signed in to the browser's session; what programs were given stays theirs. */
  async #leaveSession({ request, response, details }: Asked, result: InteractionResults): Promise<void> {
    const { provider } = this.#options
    const next = await provider.interactionResult(request, response, result, {
      mergeWithLastSubmission: false,
    })
    const session = await provider.Session.get(provider.createContext(request, response))
    if (session.uid !== details.session?.uid) return sendPage(response, 400, EXPIRED)
    Object.assign(session, { accountId: undefined, authorizations: undefined })
    Object.assign(session, { acr: undefined, amr: undefined, loginTs: undefined })
    await session.persist()
    response.writeHead(303, { location: next, 'content-length': 0 }).end()
  }

  async #allow(asked: Asked, form: URLSearchParams): Promise<void> {
    const { provider, store, now } = this.#options
    const due = await this.#due(asked)
    if (due === undefined) return this.#finish(asked, NOT_THERE)
    const question = questionOf(asked, due, form)
    const agreed = question === undefined ? undefined : await this.#taskConsent.answer(question)
    if (agreed?.ok === false) return this.#show(asked, { form, problem: agreed.error })
    const { clientId, name, documentHost, redirects } = asked.client
    const { account, resource } = due.consent
    const scopes = due.given.length > 1 ? ` with ${due.consent.scope}` : ''
    const detail = `for ${resource}${scopes}${agreed === undefined ? '' : ', for one task'}`
    const running = agreed?.value.kind === 'running' ? { task: agreed.value.task.id } : {}
    const happening = { event: 'consent', result: 'done', account, detail, ...running } as const
    if (!(await this.#isRecorded(asked, happening))) return sendPage(asked.response, 503, NO_RECORD)
    const task =
      agreed === undefined
        ? undefined
        : await this.#taskConsent.begin(asked.request, { account, clientId }, agreed.value)
    if (task?.ok === false) return sendPage(asked.response, 503, NO_RECORD)
    const grant = new provider.Grant({ accountId: account, clientId })
    fillGrant(grant, { resource, given: due.given, asked: asked.details.params['scope'] })
    if (task !== undefined) grant.addRar(claimOf(task.value.id))
    const grantId = await grant.save()
    const kind = clientId === COMMAND_LINE.client_id ? 'built-in' : 'document'
    if (documentHost !== undefined || kind === 'built-in')
      store.clients.note({ clientId, kind, name, redirects }, now())
    // A yes to one task is none to the next.
    if (task === undefined) store.consents.remember(due.consent, now())
    return this.#finish(asked, { consent: { grantId } })
  }

  async #deny(asked: Asked): Promise<void> {
    const account = asked.details.session?.accountId ?? null
    const detail = `for ${String(asked.details.params['resource'])}`
    await this.#isRecorded(asked, { event: 'consent', result: 'refused', account, detail })
    return this.#finish(asked, DENIED)
  }

  #isRecorded({ request, client }: Asked, happening: Omit<Happening, 'client'>): Promise<boolean> {
    return this.#options.record(request, { ...happening, client: client.clientId })
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

/** Whoever signed in to answer a question is asked nothing else, and the client that asked is given nothing. */
function isForApproval({ client, details }: Asked): boolean {
  return client.clientId === APPROVALS_CLIENT && details.prompt.name !== 'login'
}

function goToApproval({ response, details }: Asked): void {
  const location = `${APPROVALS}${encodeURIComponent(String(details.params['state']))}`
  response.writeHead(303, { location, 'content-length': 0 }).end()
}

const DENIED = { error: 'access_denied', error_description: 'the person did not allow it' }
/** The same for a server that is not there and one that the person can do nothing on. */
const NOT_THERE = { error: 'invalid_target', error_description: 'there is no such resource' }

/** What there is to say about a task; undefined where none is asked for. */
function questionOf(
  { details: { params }, client: { clientId } }: Asked,
  { person: account, offered }: { person: string; offered: Offered },
  form: URLSearchParams,
): TaskQuestion | undefined {
  const details = params['authorization_details']
  return details === undefined ? undefined : { details, offered, form, account, clientId }
}

/** What is asked for cannot be, by the templates that there are. */
function noTask(why: string): InteractionResults {
  return { error: 'invalid_authorization_details', error_description: why }
}

const EXPIRED = messagePage(
  'This page has expired',
  'Go back to the program that sent you here and connect again.',
)
const FOREIGN = messagePage(
  'This did not come from here',
  'The form was not sent by this page; nothing was done.',
)
const NO_METHOD = messagePage('Not like this', 'This page takes forms only.')

function strengthOf({ session }: Asked['details']): SignInStrength {
  return session?.acr === undefined ? {} : { strength: session.acr }
}

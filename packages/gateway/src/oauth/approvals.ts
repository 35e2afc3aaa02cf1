/**
 * `/approvals/{id}`: where a person answers. Who they are is who has the session of this browser, which only signing in
 * makes: no key and no token opens this page. What is asked is shown to nobody but those who may answer it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { LOCAL_ISSUER } from '../model/issuer.ts'
import { createCaller, type Standing } from '../model/caller.ts'
import type { Result } from '../model/result.ts'
import type { Answerer, ApprovalRecord } from '../tasks/approvals.ts'
import { APPROVALS_CLIENT, APPROVALS_RETURN } from './built-in-client.ts'
import { isForeign, readForm, sendJson, sendPage } from './http.ts'
import { approvalPage } from './pages/approval-page.ts'
import { messagePage } from './pages/pages.ts'
import { APPROVALS, PATHS } from './paths.ts'
import type { AddressOf } from './ports.ts'
import { SCOPE } from './resources.ts'
import type { Passkeys } from './sign-in/passkeys.ts'

/** What can be answered, and by whom. */
export interface ApprovalAnswers {
  show(id: string): ApprovalRecord | undefined
  /** What has become of it, as a word. */
  stateOf(record: ApprovalRecord): string
  /** Why somebody may not answer it, as a sentence. */
  whyNot(record: ApprovalRecord, answerer: Answerer): string | undefined
  /** Whether approving takes a passkey, shown for that. */
  needsPasskey(): boolean
  /** Errors are sentences. */
  decide(
    id: string,
    verdict: 'approved' | 'denied',
    answerer: Answerer,
    endorsed: readonly string[],
  ): Promise<Result<ApprovalRecord, readonly string[]>>
}

export interface ApprovalPagesOptions {
  readonly issuer: string
  readonly provider: Provider
  readonly passkeys: Passkeys
  readonly cookieKey: string
  answers(): ApprovalAnswers
  readonly addressOf: AddressOf
  isWelcome(account: string): boolean
  /** What a token would say of a person. */
  standingOf(account: string): Standing
  randomBytes(count: number): Buffer
}

interface SignedIn {
  readonly account: string
  readonly session: string
  readonly caller: Answerer['caller']
}

export class ApprovalPages {
  readonly #options: ApprovalPagesOptions

  constructor(options: ApprovalPagesOptions) {
    this.#options = options
  }

  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (path === APPROVALS_RETURN) return sendPage(response, 200, NOT_SIGNED_IN)
    const record = this.#options.answers().show(path.slice(APPROVALS.length))
    if (record === undefined) return sendPage(response, 404, UNKNOWN)
    const person = await this.#whoIs(request, response)
    if (person === undefined) return this.#signIn(response, record, false)
    if (request.method === 'GET') return this.#show(request, response, { record, person })
    if (request.method !== 'POST') return sendPage(response, 405, UNKNOWN)
    const form = await readForm(request)
    if (form === undefined || isForeign(request) || !this.#isOurs(record, person, form.get('csrf')))
      return sendPage(response, 403, FOREIGN)
    return this.#answer(request, response, { record, person, form })
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    { record, person, form }: { record: ApprovalRecord; person: SignedIn; form: URLSearchParams },
  ): Promise<void> {
    const { passkeys } = this.#options
    const answers = this.#options.answers()
    const action = form.get('action')
    const purpose = `approval ${record.id}`
    if (action === 'switch') return this.#signIn(response, record, true)
    if (action === 'passkey-options')
      return sendJson(response, 200, await passkeys.requestOptions(person.account, purpose))
    if (action !== 'approve' && action !== 'deny' && action !== 'passkey')
      return this.#show(request, response, { record, person })
    const proved =
      action === 'passkey' ? await passkeys.verify(form.get('credential') ?? '', purpose) : undefined
    if (action === 'passkey' && proved?.accountId !== person.account) {
      const problem = 'This passkey is not yours, or the page was open for too long. Try again.'
      return this.#show(request, response, { record, person, problem })
    }
    const answerer = this.#answerer(request, person, proved !== undefined)
    const ticked = new Set(form.getAll('endorse'))
    const endorsed = record.unaccounted.flatMap(({ value }, index) =>
      ticked.has(String(index)) ? [value] : [],
    )
    const verdict = action === 'deny' ? 'denied' : 'approved'
    const decided = await answers.decide(record.id, verdict, answerer, endorsed)
    if (!decided.ok)
      return this.#show(request, response, { record, person, problem: decided.error.join(' ') })
    return sendPage(response, 200, verdict === 'denied' ? DENIED : APPROVED)
  }

  #show(
    request: IncomingMessage,
    response: ServerResponse,
    { record, person, problem }: { record: ApprovalRecord; person: SignedIn; problem?: string },
  ): void {
    const answers = this.#options.answers()
    const whyNot = answers.whyNot(record, this.#answerer(request, person, false))
    if (whyNot !== undefined) return sendPage(response, 403, messagePage('Not yours to decide', whyNot))
    const state = answers.stateOf(record)
    if (state !== 'pending') return sendPage(response, 410, over(state))
    const stepUp = answers.needsPasskey()
    const text = approvalPage({
      record,
      action: `${APPROVALS}${record.id}`,
      csrf: this.#csrf(record, person),
      person: person.account,
      stepUp,
      problem,
    })
    sendPage(response, problem === undefined ? 200 : 422, text, { hasScript: stepUp })
  }

  #answerer(request: IncomingMessage, { caller }: SignedIn, steppedUp: boolean): Answerer {
    const ip = this.#options.addressOf(request)
    return { caller, source: ip, transport: 'tcp', ip, steppedUp }
  }

  /** Who signed in with this browser. */
  async #whoIs(request: IncomingMessage, response: ServerResponse): Promise<SignedIn | undefined> {
    const { provider, isWelcome, standingOf } = this.#options
    const session = await provider.Session.get(provider.createContext(request, response))
    const { accountId: account, uid, acr, loginTs } = session
    if (account === undefined || !isWelcome(account)) return undefined
    const caller = createCaller({ type: 'User', id: `${LOCAL_ISSUER}/${account}` }, standingOf(account), {
      method: 'token',
      issuer: LOCAL_ISSUER,
      ...(acr === undefined ? {} : { strength: acr }),
      ...(loginTs === undefined ? {} : { atMs: loginTs * 1000 }),
    })
    return { account, session: uid, caller }
  }

  /** Through the front door, as a client that wants to know who is there and is never given anything. */
  #signIn(response: ServerResponse, { id, server }: ApprovalRecord, anew: boolean): void {
    const { issuer, randomBytes } = this.#options
    const asked = new URLSearchParams({
      client_id: APPROVALS_CLIENT,
      response_type: 'code',
      redirect_uri: `${issuer}${APPROVALS_RETURN}`,
      resource: `${issuer}/mcp/${server}`,
      scope: SCOPE,
      state: id,
      // What it would be proved by is not kept: there will be no code.
      code_challenge: randomBytes(32).toString('base64url'),
      code_challenge_method: 'S256',
      ...(anew ? { prompt: 'login' } : {}),
    })
    response
      .writeHead(303, { location: `${PATHS.authorization}?${asked.toString()}`, 'content-length': 0 })
      .end()
  }

  #csrf({ id }: ApprovalRecord, { session }: SignedIn): string {
    return createHmac('sha256', this.#options.cookieKey).update(`csrf ${id} ${session}`).digest('base64url')
  }

  #isOurs(record: ApprovalRecord, person: SignedIn, token: string | null): boolean {
    const [given, expected] = [Buffer.from(token ?? ''), Buffer.from(this.#csrf(record, person))]
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

const UNKNOWN = messagePage('Not found', 'There is no such approval, or it was long ago.')
const NOT_SIGNED_IN = messagePage('Not signed in', 'Nothing was decided. Open the link again to sign in.')
const FOREIGN = messagePage(
  'This did not come from here',
  'The form was not sent by this page; nothing was decided.',
)
const APPROVED = messagePage(
  'Approved',
  'The agent can make exactly this call now, once, within five minutes. You can close this page.',
)
const DENIED = messagePage('Denied', 'The call is not made. You can close this page.')

function over(state: string): string {
  return messagePage(`It is ${state}`, 'There is nothing left to decide here.')
}

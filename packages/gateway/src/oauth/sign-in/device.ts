/**
 * Codes that a person enters for a program that has no browser (RFC 8628), `/oauth/device`. The library keeps them and says
 * which are good; here are the pages around it, and how often somebody may try.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { Attempts } from './attempts.ts'
import { confirmCodePage, enterCodePage } from '../pages/device-pages.ts'
import { isForeign, send, sendPage } from '../http.ts'
import { messagePage } from '../pages/pages.ts'
import { PATHS } from '../paths.ts'
import type { AddressOf } from '../ports.ts'
import { serverOf } from '../resources.ts'

const QUARTER_SECONDS = 15 * 60

/** How codes look, and the pages about them. */
export function deviceFlow(issuer: string): NonNullable<Configuration['features']>['deviceFlow'] {
  const action = PATHS.code_verification
  return {
    enabled: true,
    // 20^8 of them, without vowels and digits: none reads as a word or as another one (RFC 8628, 6.1).
    charset: 'base-20',
    mask: '****-****',
    deviceInfo: () => ({}),
    userCodeInputSource(ctx, _form, out, error) {
      if (error !== undefined && !isAboutCode(error)) return endWith(ctx, error.name, out?.error_description)
      const problem = error === undefined ? undefined : NO_SUCH_CODE
      if (problem !== undefined) ctx.status = 400
      const code = ctx.oidc.body?.['user_code'] ?? ctx.query['code']
      const shown = typeof code === 'string' ? code.slice(0, 20) : undefined
      show(ctx, enterCodePage({ action, csrf: csrfOf(ctx), code: shown, problem }))
    },
    userCodeConfirmSource(...[ctx, , client, , code]) {
      const asked = ctx.oidc.entities.DeviceCode?.params?.['resource']
      const text = confirmCodePage({
        action,
        csrf: csrfOf(ctx),
        code,
        client: client.clientName ?? client.clientId,
        server: serverOf(asked, issuer) ?? '',
      })
      show(ctx, text)
    },
    successSource(ctx) {
      show(ctx, DONE)
    },
  }
}

/**
 * The library fails over a browser that has no session any more, for it would keep one that never began. To be called
 * before the provider answers anything.
 */
export function missLostSessions(provider: Provider): void {
  provider.use(async (ctx, next) => {
    try {
      await next()
    } catch (problem) {
      const { path } = ctx
      const isAboutCodes = path === PATHS.code_verification || path.startsWith(`${PATHS.code_verification}/`)
      if (!isAboutCodes || !(problem instanceof TypeError)) throw problem
      ctx.status = 400
      show(ctx, START_AGAIN)
    }
  })
}

/** How often codes may be asked for and tried: none is found by trying, and none fills the store. */
export class DeviceLimits {
  readonly #asked = new Attempts(60, QUARTER_SECONDS)
  readonly #allAsked = new Attempts(600, QUARTER_SECONDS)
  readonly #tried = new Attempts(30, QUARTER_SECONDS)
  readonly #allTried = new Attempts(600, QUARTER_SECONDS)
  readonly #addressOf: AddressOf

  constructor(addressOf: AddressOf) {
    this.#addressOf = addressOf
  }

  /** Answers a request that may not go on; false when it may. */
  refuse(request: IncomingMessage, response: ServerResponse, path: string, nowMs: number): boolean {
    if (request.method !== 'POST') return false
    const address = this.#addressOf(request)
    if (path === PATHS.device_authorization) {
      if (this.#asked.take(address, nowMs) && this.#allAsked.take('', nowMs)) return false
      send(response, 429, 'application/json', TOO_MANY_ASKED)
      return true
    }
    if (path !== PATHS.code_verification) return false
    if (isForeign(request)) sendPage(response, 403, FOREIGN)
    else if (this.#tried.take(address, nowMs) && this.#allTried.take('', nowMs)) return false
    else sendPage(response, 429, TOO_MANY_TRIED)
    return true
  }
}

/**
 * A code in the address fills in the field, and no more: the library would send it on by a script, which our pages do not
 * run, and a person should see what they enter.
 */
export function targetOf(target: string): string {
  const query = URL.parse(target, 'http://localhost')?.searchParams
  const code = query?.get('user_code') ?? undefined
  if (code === undefined) return target
  return `${PATHS.code_verification}?${new URLSearchParams({ code }).toString()}`
}

/** Mistakes in a code, which can be entered again. */
function isAboutCode({ name }: Error): boolean {
  return ['NotFoundError', 'ExpiredError', 'AlreadyUsedError', 'NoCodeError'].includes(name)
}

function endWith(ctx: KoaContextWithOIDC, name: string, why: string | undefined): void {
  if (name === 'AbortedError') return show(ctx, CANCELLED)
  show(
    ctx,
    messagePage(
      'This did not work',
      `Start again where the code was shown${why === undefined ? '' : `: ${why}`}.`,
    ),
  )
}

function csrfOf({ oidc }: KoaContextWithOIDC): string {
  const { state } = oidc.session as unknown as { state?: { secret?: string } }
  return state?.secret ?? ''
}

function show(ctx: Pick<KoaContextWithOIDC, 'type' | 'body'>, text: string): void {
  ctx.type = 'html'
  ctx.body = text
}

const START_AGAIN = messagePage('This did not work', 'Start again where the code was shown.')
const NO_SUCH_CODE = 'This code is not good, or no longer. Compare it, or start again where it was shown.'
const TOO_MANY_ASKED = JSON.stringify({
  error: 'temporarily_unavailable',
  error_description: 'too many codes were asked for; try again in a quarter of an hour',
})
const TOO_MANY_TRIED = messagePage('Too many attempts', 'Wait a quarter of an hour and enter the code again.')
const FOREIGN = messagePage(
  'This did not come from here',
  'The form was not sent by this page; nothing was done.',
)
const CANCELLED = messagePage(
  'Nothing was allowed',
  'The program that showed the code is told so. You can close this page.',
)
const DONE = messagePage(
  'You are done',
  'The program that showed you the code goes on by itself. You can close this page.',
)

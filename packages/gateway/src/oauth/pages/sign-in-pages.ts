/** The pages on which people say who they are: signing in, and the link by which they begin. */
import { type Html, html } from './html.ts'
import { type Asker, askerRows, page, problem, warningAbout } from './pages.ts'
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from '../sign-in/passwords.ts'

export interface SignInPage {
  readonly csrf: string
  /** Where the forms go. */
  readonly action: string
  readonly asker: Asker
  /** What the provider is called that people can sign in through. */
  readonly provider?: string | undefined
  /** Whoever is signed in there was not let in, so somebody else is to be asked for. */
  readonly isRefused: boolean
  /** Whether people can have passwords and passkeys here. */
  readonly isLocal: boolean
  readonly hasPasskeys: boolean
  readonly name?: string | undefined
  readonly problem?: string | undefined
}

export function signInPage(view: SignInPage): string {
  return page({
    title: 'Sign in',
    hasScript: view.hasPasskeys,
    body: html`<h1>Sign in</h1>
      ${view.asker.isOwn === true ? html`<p>to answer a call that waits for a person.</p>` : undefined}
      ${view.provider === undefined && view.asker.isOwn !== true ? html`<p>to let <strong>“<bdi>${view.asker.client.name}</bdi>”</strong>${place(view.asker.redirectHost)} ask for access.</p>` : undefined}
      ${problem(view.problem)}
      ${view.provider === undefined ? undefined : providerForm(view, view.provider)}
      ${view.hasPasskeys ? passkeyForm({ ...view, kind: 'get', label: 'Use a passkey', after: 'or with a password' }) : undefined}
      ${view.isLocal ? passwordForm(view) : undefined}`,
  })
}

/** The provider does not know the program, so all there is to know of it is said before. */
function providerForm({ csrf, action, isLocal, isRefused, asker }: SignInPage, provider: string): Html {
  return html`<section class="choice" aria-label="${provider}">
        ${
          asker.isOwn === true
            ? undefined
            : html`<p>This program asks for access:</p>
        <dl>
          ${askerRows(asker)}
        </dl>
        ${warningAbout(asker)}`
        }
        <form method="post" action="${action}">
          <input type="hidden" name="csrf" value="${csrf}">
          ${isRefused ? html`<input type="hidden" name="anew" value="yes">` : undefined}
          <p>${provider} will say who you are.${asker.isOwn === true ? undefined : ' Before anything is allowed, you are asked here again.'}</p>
          <div class="buttons">
            <button class="primary" name="action" value="continue">Continue with <bdi>${provider}</bdi></button>
            ${isLocal ? undefined : html`<button name="action" value="deny">Cancel</button>`}
          </div>
        </form>
        ${isLocal ? html`<p class="or">or as a person of this gateway</p>` : undefined}
      </section>`
}

/** Leads on to the provider. */
export function leavingPage({ label, address }: { label: string; address: string }): string {
  return page({
    title: `To ${label}`,
    head: html`<meta http-equiv="refresh" content="0; url=${address}">`,
    body: html`<h1>You are being taken to ${label}</h1>
      <p>If nothing happens, <a href="${address}">continue to <bdi>${label}</bdi></a>.</p>`,
  })
}

function place(host: string | undefined): Html {
  return host === undefined ? html`, which shows you a code,` : html` at <bdi>${host}</bdi>`
}

function passwordForm(view: SignInPage): Html {
  const invalid =
    view.problem === undefined ? undefined : html` aria-describedby="problem" aria-invalid="true"`
  // The focus scrolls, and what stands above the button of a provider is to be read.
  const focus = view.provider === undefined ? html` autofocus` : undefined
  const [first, second] = view.name === undefined ? [focus, undefined] : [undefined, focus]
  return html`<form method="post" action="${view.action}">
        <input type="hidden" name="csrf" value="${view.csrf}">
        <label for="name">Name</label>
        <input id="name" name="name" value="${view.name}" autocomplete="username" autocapitalize="none"
          autocorrect="off" spellcheck="false" maxlength="64" required${first}${invalid}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password"
          maxlength="${MAX_PASSWORD_LENGTH}" required${second}${invalid}>
        <div class="buttons">
          <button class="primary" name="action" value="sign-in">Sign in</button>
          <button name="action" value="deny" formnovalidate>Cancel</button>
        </div>
      </form>`
}

interface PasskeyForm {
  readonly kind: 'create' | 'get'
  readonly csrf?: string | undefined
  readonly action?: string | undefined
  readonly label: string
  readonly about?: string
  /** Leads over to what else there is. */
  readonly after: string
}

/** Shown by the script, where the browser can. */
function passkeyForm({ kind, csrf, action, label, about, after }: PasskeyForm): Html {
  const target = action === undefined ? undefined : html` action="${action}"`
  return html`<section class="choice" hidden aria-label="Passkey">
        <p class="problem" role="alert" hidden></p>
        ${about === undefined ? undefined : html`<p>${about}</p>`}
        <form method="post"${target} data-passkey="${kind}">
          <input type="hidden" name="csrf" value="${csrf}">
          <input type="hidden" name="action" value="passkey">
          <input type="hidden" name="credential" value="">
          <div class="buttons"><button class="primary">${label}</button></div>
        </form>
        <p class="or">${after}</p>
      </section>`
}

const PASSKEYS =
  'With a passkey you sign in by your finger, face or PIN on this device. There is nothing to remember, and nothing that somebody could talk you out of.'

export interface WelcomePage {
  readonly name: string
  readonly hasPasskeys: boolean
  readonly problem?: string | undefined
}

export function welcomePage(view: WelcomePage): string {
  const invalid = view.problem === undefined ? undefined : html` aria-invalid="true"`
  const described = html`rule${view.problem === undefined ? undefined : ' problem'}`
  const title = view.hasPasskeys ? 'Choose how you sign in' : 'Choose a password'
  return page({
    title,
    hasScript: view.hasPasskeys,
    body: html`<h1>${title}</h1>
      <p>You are <strong><bdi>${view.name}</bdi></strong>. This link works once.</p>
      ${problem(view.problem)}
      ${view.hasPasskeys ? passkeyForm({ kind: 'create', label: 'Make a passkey', about: PASSKEYS, after: 'or set a password' }) : undefined}
      <form method="post">
        <input class="unseen" name="name" value="${view.name}" autocomplete="username" readonly>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="new-password" required
          minlength="${MIN_PASSWORD_LENGTH}" maxlength="${MAX_PASSWORD_LENGTH}" aria-describedby="${described}"${view.hasPasskeys ? undefined : html` autofocus`}${invalid}>
        <p class="quiet" id="rule">At least ${MIN_PASSWORD_LENGTH} characters. Four or five random words make a good one.</p>
        <label for="again">The same again</label>
        <input id="again" name="again" type="password" autocomplete="new-password" required
          minlength="${MIN_PASSWORD_LENGTH}" maxlength="${MAX_PASSWORD_LENGTH}"${invalid}>
        <div class="buttons"><button class="primary">Set password</button></div>
      </form>`,
  })
}

/**
 * The pages that people see: plain forms, one style sheet, no script. They work with a keyboard, a screen reader and a
 * narrow screen: labels belong to their fields, errors are announced and named first, and buttons say what they do.
 */
import { type Html, html } from './html.ts'
import { MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from './passwords.ts'

export const STYLE_PATH = '/oauth/style.css'
export const ICON_PATH = '/oauth/icon.svg'

interface Page {
  readonly title: string
  readonly body: Html
}

function page({ title, body }: Page): string {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="robots" content="noindex">
    <title>${title} · Tollgate</title>
    <link rel="icon" href="${ICON_PATH}">
    <link rel="stylesheet" href="${STYLE_PATH}">
  </head>
  <body>
    <main>
      <p class="brand"><img src="${ICON_PATH}" alt="" width="22" height="22"> Tollgate</p>
      ${body}
    </main>
  </body>
</html>
`.text
}

function problem(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<p class="problem" role="alert" id="problem">${text}</p>`
}

export interface SignInPage {
  readonly csrf: string
  readonly client: string
  readonly redirectHost: string
  readonly name?: string | undefined
  readonly problem?: string | undefined
}

export function signInPage(view: SignInPage): string {
  const invalid =
    view.problem === undefined ? undefined : html` aria-describedby="problem" aria-invalid="true"`
  const [first, second] =
    view.name === undefined ? [html` autofocus`, undefined] : [undefined, html` autofocus`]
  return page({
    title: 'Sign in',
    body: html`<h1>Sign in</h1>
      <p>to let <strong>“<bdi>${view.client}</bdi>”</strong> at <bdi>${view.redirectHost}</bdi> ask for access.</p>
      ${problem(view.problem)}
      <form method="post">
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
      </form>`,
  })
}

export interface ConsentPage {
  readonly csrf: string
  readonly person: string
  readonly client: ConsentClient
  readonly redirectHost: string
  readonly isLoopback: boolean
  readonly server: string
  /** Undefined when the server did not say in time. */
  readonly tools: readonly string[] | undefined
  /** When the same was allowed before. */
  readonly givenAtMs: number | undefined
}

export interface ConsentClient {
  readonly name: string
  /** Host of the address that tells of the client; undefined when it told of itself. */
  readonly documentHost: string | undefined
}

const SHOWN_TOOLS = 12

export function consentPage(view: ConsentPage): string {
  const { client } = view
  return page({
    title: `Allow ${client.name}?`,
    body: html`<h1>Allow “<bdi>${client.name}</bdi>” to act for you?</h1>
      <dl>
        <dt>You are</dt>
        <dd><bdi>${view.person}</bdi></dd>
        <dt>Program</dt>
        <dd><bdi>${client.name}</bdi> <small>${provenance(client)}</small></dd>
        <dt>Answer goes to</dt>
        <dd><strong><bdi>${view.redirectHost}</bdi></strong></dd>
        <dt>Server</dt>
        <dd><strong><bdi>${view.server}</bdi></strong></dd>
      </dl>
      ${view.isLoopback ? loopbackWarning() : undefined}
      <section aria-labelledby="can">
        <h2 id="can">What it could do there as you</h2>
        ${toolList(view.tools)}
      </section>
      <p class="quiet">Every call is checked against the policies of this gateway and recorded. ${before(view.givenAtMs)}</p>
      <form method="post">
        <input type="hidden" name="csrf" value="${view.csrf}">
        <div class="buttons">
          <button class="primary" name="action" value="allow">Allow</button>
          <button name="action" value="deny">Do not allow</button>
        </div>
      </form>`,
  })
}

function provenance({ documentHost }: ConsentClient): Html {
  return documentHost === undefined
    ? html`The program chose this name itself; nobody has checked it.`
    : html`This is what <bdi>${documentHost}</bdi> says of it.`
}

function loopbackWarning(): Html {
  return html`<p class="warning"><strong>The answer goes to a program on this computer.</strong> Any program that runs here could
    have asked. Allow this only if you have just started it yourself.</p>`
}

function toolList(tools: readonly string[] | undefined): Html {
  if (tools === undefined) return html`<p>The server did not say in time what it offers.</p>`
  if (tools.length === 0) return html`<p>The server offers no tools that you may use.</p>`
  const more = tools.slice(SHOWN_TOOLS)
  const item = (name: string) => html`<li><code>${name}</code></li>`
  return html`<ul class="tools">${tools.slice(0, SHOWN_TOOLS).map(item)}</ul>
    ${more.length === 0 ? undefined : html`<details><summary>and ${more.length} more</summary><ul class="tools">${more.map(item)}</ul></details>`}`
}

function before(givenAtMs: number | undefined): string | undefined {
  if (givenAtMs === undefined) return undefined
  return `You allowed this before, on ${new Date(givenAtMs).toISOString().slice(0, 10)}.`
}

export interface WelcomePage {
  readonly name: string
  readonly problem?: string | undefined
}

export function welcomePage(view: WelcomePage): string {
  const invalid = view.problem === undefined ? undefined : html` aria-invalid="true"`
  return page({
    title: 'Choose a password',
    body: html`<h1>Choose a password</h1>
      <p>for <strong><bdi>${view.name}</bdi></strong>. This link works once.</p>
      ${problem(view.problem)}
      <form method="post">
        <input class="unseen" name="name" value="${view.name}" autocomplete="username" readonly>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="new-password" required autofocus
          minlength="${MIN_PASSWORD_LENGTH}" maxlength="${MAX_PASSWORD_LENGTH}" aria-describedby="rule${view.problem === undefined ? undefined : ' problem'}"${invalid}>
        <p class="quiet" id="rule">At least ${MIN_PASSWORD_LENGTH} characters. Four or five random words make a good one.</p>
        <label for="again">The same again</label>
        <input id="again" name="again" type="password" autocomplete="new-password" required
          minlength="${MIN_PASSWORD_LENGTH}" maxlength="${MAX_PASSWORD_LENGTH}"${invalid}>
        <div class="buttons"><button class="primary">Set password</button></div>
      </form>`,
  })
}

/** A page that only says something. */
export function messagePage(title: string, text: string): string {
  return page({ title, body: html`<h1>${title}</h1><p>${text}</p>` })
}

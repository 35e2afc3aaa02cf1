/**
 * The pages that people see: plain forms, one style sheet, and a script only where there are passkeys. They work with a
 * keyboard, a screen reader and a narrow screen: labels belong to their fields, errors are announced and named first, and
 * buttons say what they do.
 */
import { type Html, html } from './html.ts'
import { runningForms, taskFields, type TaskView, templateForms } from './task-page.ts'

export const STYLE_PATH = '/oauth/style.css'
export const SCRIPT_PATH = '/oauth/passkey.js'
export const ICON_PATH = '/oauth/icon.svg'

export interface Page {
  readonly title: string
  readonly body: Html
  readonly hasScript?: boolean
  /** What else stands in the head. */
  readonly head?: Html
}

export function page({ title, body, hasScript = false, head }: Page): string {
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
    ${hasScript ? html`<script src="${SCRIPT_PATH}" defer></script>` : undefined}${head}
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

/** An error, read out at once. */
export function problem(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<p class="problem" role="alert" id="problem">${text}</p>`
}

export interface ConsentPage extends Asker {
  readonly csrf: string
  /** Where the form goes. */
  readonly action: string
  readonly person: string
  /** What their provider calls them. */
  readonly personLabel: string | undefined
  /** Undefined when the server did not say in time. */
  readonly tools: readonly string[] | undefined
  /** What the program asks for besides calling the server. */
  readonly scopes: readonly string[]
  /** When the same was allowed before. */
  readonly givenAtMs: number | undefined
  /** The task that access is asked for; undefined: for anything that policies let the person do. */
  readonly task: TaskView | undefined
}

export interface ConsentClient {
  readonly name: string
  /** Host of the address that tells of the client; undefined when it told of itself. */
  readonly documentHost: string | undefined
}

const SHOWN_TOOLS = 12

export function consentPage(view: ConsentPage): string {
  const { client, task } = view
  return page({
    title: `Allow ${client.name}?`,
    body: html`<h1>Allow “<bdi>${client.name}</bdi>” to act for you?</h1>
      <dl>
        <dt>You are</dt>
        <dd>${view.personLabel === undefined ? undefined : html`<bdi>${view.personLabel}</bdi>, `}<bdi>${view.person}</bdi>
          <form method="post" action="${view.action}" class="inline">
            <input type="hidden" name="csrf" value="${view.csrf}">
            <button class="link" name="action" value="switch">Not you? Sign in as someone else</button>
          </form></dd>
        ${askerRows(view)}${scopeRow(view.scopes)}
      </dl>
      ${warningAbout(view)}
      ${problem(task?.problem)}
      ${task === undefined ? whatItCould(view) : runningForms(task, view)}
      <form method="post" action="${view.action}">
        <input type="hidden" name="csrf" value="${view.csrf}">
        ${task === undefined ? undefined : taskFields(task)}
        <p class="quiet">Every call is checked against the policies of this gateway and recorded. ${before(view.givenAtMs)}</p>
        <div class="buttons">
          <button class="primary" name="action" value="allow">Allow</button>
          <button name="action" value="deny" formnovalidate>Do not allow</button>
        </div>
      </form>
      ${task === undefined ? undefined : templateForms(task, view)}`,
  })
}

function whatItCould({ tools }: ConsentPage): Html {
  return html`<section aria-labelledby="can">
        <h2 id="can">What it could do there as you</h2>
        ${toolList(tools)}
      </section>`
}

/** Which program asks, where its answer goes, and for what. */
export interface Asker {
  readonly client: ConsentClient
  /** Undefined for a program that showed a code. */
  readonly redirectHost: string | undefined
  readonly isLoopback: boolean
  readonly server: string
  /** It is a page of the gateway itself that wants to know who is there. */
  readonly isOwn?: boolean
}

export function askerRows({ client, redirectHost, server }: Asker): Html {
  return html`<dt>Program</dt>
        <dd><bdi>${client.name}</bdi> <small>${provenance(client)}</small></dd>
        <dt>Answer goes to</dt>
        <dd><strong><bdi>${redirectHost ?? 'whoever showed you the code'}</bdi></strong></dd>
        <dt>Server</dt>
        <dd><strong><bdi>${server}</bdi></strong></dd>`
}

function provenance({ documentHost }: ConsentClient): Html {
  return documentHost === undefined
    ? html`The program chose this name itself; nobody has checked it.`
    : html`This is what <bdi>${documentHost}</bdi> says of it.`
}

/** What a person should know before they go on, where there is something. */
export function warningAbout({ isLoopback, redirectHost }: Asker): Html | undefined {
  if (isLoopback) return loopbackWarning()
  return redirectHost === undefined ? codeWarning() : undefined
}

function loopbackWarning(): Html {
  return html`<p class="warning"><strong>The answer goes to a program on this computer.</strong> Any program that runs here could
    have asked. Allow this only if you have just started it yourself.</p>`
}

/** Where the access goes to nobody knows, but the person who was shown the code. */
export function codeWarning(): Html {
  return html`<p class="warning"><strong>Whoever shows you the code gets the access.</strong> Continue only if you have just
    started this yourself. A code that somebody sent you or read out to you lets them act as you: nobody who helps you
    needs that.</p>`
}

function scopeRow(scopes: readonly string[]): Html | undefined {
  if (scopes.length === 0) return undefined
  const items = scopes.map((scope, index) => html`${index === 0 ? '' : ', '}<code>${scope}</code>`)
  return html`
        <dt>Asks for</dt>
        <dd>${items}</dd>`
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

/** A page that only says something. */
export function messagePage(title: string, text: string): string {
  return page({ title, body: html`<h1>${title}</h1><p>${text}</p>` })
}

/** Nothing here takes effect unless it is on record. */
export const NO_RECORD = messagePage(
  'This cannot be done now',
  'What happens here is put on record, and the record cannot be written. Try again later.',
)

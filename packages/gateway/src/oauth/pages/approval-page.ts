/** The page of an approval: one call, as the gateway knows it, and two buttons. */
import { showEntity } from '../../model/caller.ts'
import type { ApprovalRecord } from '../../tasks/approvals.ts'
import { Html, html } from './html.ts'
import { page, problem } from './pages.ts'

export interface ApprovalView {
  readonly record: ApprovalRecord
  /** Where the forms go. */
  readonly action: string
  readonly csrf: string
  readonly person: string
  /** Approving takes a passkey, shown for this. */
  readonly stepUp: boolean
  readonly problem?: string | undefined
}

export function approvalPage(view: ApprovalView): string {
  const { record, action, csrf, person, stepUp } = view
  const { task, agent, principal, server, why, labels, goodUntilMs } = record
  const until = new Date(goodUntilMs).toISOString().slice(0, 16).replace('T', ' ')
  return page({
    title: `Approve ${record.action}?`,
    hasScript: stepUp,
    body: html`<h1>Approve “<bdi>${record.action}</bdi>”?</h1>
      ${problem(view.problem)}
      <dl>
        <dt>For</dt>
        <dd><bdi>${showEntity(principal)}</bdi>${agent === undefined ? undefined : html`, through <bdi>${agent}</bdi>`}</dd>
        ${task === undefined ? undefined : html`<dt>Task</dt><dd><bdi>${task.purpose}</bdi></dd>`}
        <dt>Server</dt>
        <dd><bdi>${server}</bdi></dd>
        <dt>You are</dt>
        <dd><bdi>${person}</bdi>
          <form method="post" action="${action}" class="inline">
            <input type="hidden" name="csrf" value="${csrf}">
            <button class="link" name="action" value="switch">Not you? Sign in as someone else</button>
          </form></dd>
        ${labels.length === 0 ? undefined : html`<dt>Has read</dt><dd>${labels.join(', ')}</dd>`}
        <dt>Waits until</dt>
        <dd>${until} UTC</dd>
      </dl>
      <p class="warning"><strong>Why you are asked:</strong> <bdi>${why}</bdi></p>
      <section aria-labelledby="call">
        <h2 id="call">The exact call</h2>
        ${exactly(record.input)}
      </section>
      ${pathTo(record)}
      <p class="quiet back">Yes lets exactly this call through, once, within five minutes. Any other arguments are asked about anew.</p>
      ${stepUp ? passkeyForms(view) : plainForm(view)}`,
  })
}

/** What the task has done before, which may be where the call comes from. */
function pathTo({ path = [] }: ApprovalRecord): Html | undefined {
  if (path.length === 0) return undefined
  const steps = path.map(({ atMs, name, labels }) => {
    const reads = labels.length === 0 ? '' : `, which reads ${labels.join(', ')}`
    return html`<li><bdi><code>${name}</code></bdi>${reads} <small>at ${new Date(atMs).toISOString().slice(11, 19)}</small></li>`
  })
  return html`<details><summary>What the task did before (${String(path.length)})</summary><ol class="limits">${steps}</ol></details>`
}

/** Nothing left out: long texts scroll. What cannot be seen is written out. */
function exactly(input: unknown): Html {
  const lines = (JSON.stringify(input, undefined, 2) ?? 'null')
    .split('\n')
    .map((line) => html`${written(line)}`)
  return html`<pre class="call" tabindex="0" aria-label="Arguments">${new Html(lines.map(({ text }) => text).join('\n'))}</pre>`
}

/** With escapes of JSON for characters that are invisible, or that turn the text around them. */
function written(line: string): string {
  return line.replace(/[\p{C}\p{Zl}\p{Zp}\u00a0\u2000-\u200a\u202f\u205f\u3000]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}

function fields({ record, csrf }: ApprovalView): Html {
  const { unaccounted, task } = record
  const ticks = unaccounted.map(({ argument, value }, index) => {
    const id = `value-${index}`
    return html`<div class="tick"><input type="checkbox" id="${id}" name="endorse" value="${index}">
          <label for="${id}"><code>${written(value)}</code> <small>in ${argument}: fine for the rest of the task</small></label></div>`
  })
  return html`<input type="hidden" name="csrf" value="${csrf}">
        ${ticks.length === 0 || task === undefined ? undefined : html`<fieldset><legend>Nothing accounts for</legend>${ticks}</fieldset>`}`
}

function plainForm(view: ApprovalView): Html {
  return html`<form method="post" action="${view.action}">
        ${fields(view)}
        <div class="buttons">
          <button class="primary" name="action" value="approve">Approve</button>
          <button name="action" value="deny">Deny</button>
        </div>
      </form>`
}

/** The script shows the first where the browser has passkeys; without one nothing can be approved here. */
function passkeyForms(view: ApprovalView): Html {
  return html`<section class="choice" hidden aria-label="Approve">
        <p class="problem" role="alert" hidden></p>
        <form method="post" action="${view.action}" data-passkey="get">
          ${fields(view)}
          <input type="hidden" name="action" value="passkey">
          <input type="hidden" name="credential" value="">
          <div class="buttons"><button class="primary">Approve with a passkey</button></div>
        </form>
      </section>
      <noscript><p class="problem">Approving takes a passkey, and passkeys take a script.</p></noscript>
      <form method="post" action="${view.action}">
        <input type="hidden" name="csrf" value="${view.csrf}">
        <div class="buttons"><button name="action" value="deny">Deny</button></div>
      </form>`
}

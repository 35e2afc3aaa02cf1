/** The part of the page of consent that is about a task: what it is for, and fields to take away from it. */
import type { Budget, Flow, TaskGrant, TaskRecord } from '../../model/task.ts'
import type { Parameter, Template } from '../../tasks/templates/template.ts'
import { callsField, flowsWithin } from '../tasks/trim.ts'
import { constraintList, counted, durationWords, FLOW_WORDS, shorterTimes } from './constraint-words.ts'
import { type Html, html } from './html.ts'

export interface TaskView {
  /** What is asked for, or what the template that the person has picked says. */
  readonly grant: TaskGrant
  /** Of the grant; an answer that is about another one does not count. */
  readonly seen: string
  /** Picked by the person in place of what was asked for. */
  readonly picked?: PickedTemplate | undefined
  /** Templates that could be picked. */
  readonly templates: readonly OfferedTemplate[]
  /** Tasks that the client works on for the person, and could go on with here. */
  readonly running: readonly TaskRecord[]
  /** What the person can use on the server of the page, by full name; undefined when that is not known. */
  readonly usable: { readonly server: string; readonly tools: readonly string[] } | undefined
  /** What was wrong with the answer. */
  readonly problem?: string | undefined
  /** The answer: what somebody took away stays away when the page is shown again. */
  readonly answer: URLSearchParams | undefined
  /** A template that could not be used as it was filled in. */
  readonly tried: PickedTemplate | undefined
}

export interface PickedTemplate {
  readonly name: string
  readonly given: Readonly<Record<string, string>>
}

export interface OfferedTemplate extends Pick<Template, 'name' | 'description' | 'parameters'> {
  /** Whether whoever picks it says what the task is for. */
  readonly takesPurpose: boolean
}

/** Fields of the form that says yes. */
export function taskFields(view: TaskView): Html {
  const { grant, picked, seen } = view
  return html`<input type="hidden" name="seen" value="${seen}">
        ${picked === undefined ? undefined : pickedFields(picked)}
        <section aria-labelledby="task">
          <h2 id="task">What it is for</h2>
          ${purpose(view)}
          <p class="quiet">It could do only what is ticked here, of what this gateway’s policies let you do, and only for this task. Untick what it does not need.</p>
          <fieldset>
            <legend>It could use</legend>
            ${grant.servers.map((server) => serverField(server, view))}
            ${Object.keys(grant.tools).map((name, index) => toolField(name, `tool-${index}`, view))}
          </fieldset>
          <p class="quiet">${OTHERS[grant.other_arguments]}</p>
          <label for="expires_in">For how long</label>
          <select id="expires_in" name="expires_in">${shorterTimes(grant.expires_in).map((seconds) => timeOption(seconds, view))}</select>
          <fieldset>
            <legend>When it has read what anybody could have written</legend>
            ${flowsWithin(grant.flow)
              .toReversed()
              .map((flow) => flowField(flow, view))}
          </fieldset>
          <details${view.answer === undefined ? undefined : html` open`}><summary>Limits${limitsInShort(grant.budget)}</summary>${budgetFields(view)}</details>
        </section>`
}

function purpose({ grant, picked }: TaskView): Html {
  if (picked !== undefined)
    return html`<p class="said"><bdi>${lines(grant.purpose)}</bdi></p>
          <p class="quiet">From the template <code>${grant.template}</code>, which you have picked in place of what the program asked for.</p>`
  return html`<blockquote class="said"><bdi>${lines(grant.purpose)}</bdi></blockquote>
          <p class="quiet">These are the program’s own words; nobody has checked them.${
            grant.template === undefined
              ? undefined
              : html` What it could use is what the template <code>${grant.template}</code> of this gateway says.`
          }</p>`
}

function lines(text: string): Html[] {
  return text
    .split('\n')
    .map((line, index) => html`${index === 0 ? undefined : html`<br>`}${line.replaceAll('\t', ' ')}`)
}

const OTHERS: Readonly<Record<TaskGrant['other_arguments'], string>> = {
  allow: 'Arguments that are not named here are refused, but for tools that only read.',
  refuse: 'Arguments that are not named here are refused.',
}

function pickedFields({ name, given }: PickedTemplate): Html {
  const field = ([parameter, value]: [string, string]) =>
    html`<input type="hidden" name="parameter ${parameter}" value="${value}">`
  return html`<input type="hidden" name="template" value="${name}">${Object.entries(given).map(field)}`
}

/** Whether a choice stands as it was made; at first everything is as it was asked for. */
function isChosen({ answer }: TaskView, field: string, value: string, atFirst: boolean): Html | undefined {
  return (answer === undefined ? atFirst : answer.getAll(field).includes(value)) ? html` checked` : undefined
}

function serverField(server: string, view: TaskView): Html {
  return html`<label class="tick"><input type="checkbox" name="server" value="${server}"${isChosen(view, 'server', server, true)}>
              <span>Everything on <strong><bdi>${server}</bdi></strong> that only reads</span></label>`
}

function toolField(name: string, id: string, view: TaskView): Html {
  const { grant, usable } = view
  const isUseless =
    usable !== undefined && name.startsWith(`${usable.server}__`) && !usable.tools.includes(name)
  const note = isUseless ? html`<small>There is no such tool that you may use.</small>` : undefined
  return html`<div class="tick"><input type="checkbox" name="tool" value="${name}" id="${id}"${isChosen(view, 'tool', name, true)}>
              <div><label for="${id}"><code>${name}</code></label>${constraintList(grant.tools[name] ?? {})}${note}</div></div>`
}

function flowField(flow: Flow, view: TaskView): Html {
  return html`<label class="tick"><input type="radio" name="flow" value="${flow}"${isChosen(view, 'flow', flow, flow === view.grant.flow)}>
              <span>${FLOW_WORDS[flow]}</span></label>`
}

function timeOption(seconds: number, { answer }: TaskView): Html {
  const isSelected = answer?.get('expires_in') === String(seconds)
  return html`<option value="${seconds}"${isSelected ? html` selected` : undefined}>${durationWords(seconds)}</option>`
}

/** Labels of the budgets that are shown; those that only guard against mistakes are kept as they are. */
const LABELS = {
  calls: 'Calls in all',
  result_bytes: 'Bytes that it may be sent',
  concurrency: 'Calls at once',
  wall_seconds: 'Seconds that its calls may take, all together',
} as const

function budgetFields({ grant: { budget, tools }, answer }: TaskView): Html {
  const whole = Object.entries(LABELS).map(([name, label]) =>
    numberField({ id: name, name, label, limit: budget[name as keyof typeof LABELS], answer }),
  )
  const perTool = Object.entries(budget.calls_per_tool ?? {})
    .filter(([tool, limit]) => Object.hasOwn(tools, tool) && limit > 0)
    .map(([tool, limit], index) =>
      numberField({ id: `calls-${index}`, name: callsField(tool), label: `Calls of ${tool}`, limit, answer }),
    )
  return html`${whole}${perTool}<p class="quiet">An empty field leaves it as it was asked for.</p>`
}

interface NumberField {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly limit: number | undefined
  readonly answer: URLSearchParams | undefined
}

function numberField({ id, name, label, limit, answer }: NumberField): Html {
  const max = limit === undefined ? undefined : html` max="${limit}"`
  return html`<label for="${id}">${label}</label>
            <input id="${id}" name="${name}" type="number" inputmode="numeric" min="1"${max} value="${answer?.get(name) ?? limit}">`
}

function limitsInShort({ calls, result_bytes: bytes }: Budget): string {
  const parts = [
    ...(calls === undefined ? [] : [counted(calls, 'call')]),
    ...(bytes === undefined ? [] : [bytesWords(bytes)]),
  ]
  return parts.length === 0 ? ': none that were asked for' : `: ${parts.join(', ')}`
}

function bytesWords(bytes: number): string {
  const [unit, name] = bytes >= 1e6 ? [1e6, 'MB'] : bytes >= 1e3 ? [1e3, 'kB'] : [1, 'bytes']
  return `${Math.round((bytes / unit) * 10) / 10} ${name}`
}

/** Tasks to go on with in place of a new one: a form each. */
export function runningForms(
  { running }: TaskView,
  { action, csrf }: { action: string; csrf: string },
): Html | undefined {
  if (running.length === 0) return undefined
  const form = ({ id, grant, expiresAtMs }: TaskRecord) =>
    html`<form method="post" action="${action}">
          <input type="hidden" name="csrf" value="${csrf}">
          <input type="hidden" name="task" value="${id}">
          <p class="said"><bdi>${lines(grant.purpose)}</bdi></p>
          <p class="quiet">Until ${new Date(expiresAtMs).toISOString().slice(0, 16).replace('T', ' ')} UTC, with what you allowed then.</p>
          <div class="buttons"><button name="action" value="go-on">Let it go on with this task</button></div>
        </form>`
  return html`<section aria-labelledby="running" class="running">
        <h2 id="running">Is it still the same work?</h2>
        <p>This program works for you already, and what you allowed it then has to do with this server, too:</p>
        ${running.map(form)}
        <p class="or">or allow a new task</p>
      </section>`
}

/** Templates in place of what was asked for: a form each, which leads back to this page. */
export function templateForms(
  { templates, picked, tried }: TaskView,
  { action, csrf }: { action: string; csrf: string },
): Html | undefined {
  const back =
    picked === undefined
      ? undefined
      : html`<form method="post" action="${action}" class="back"><input type="hidden" name="csrf" value="${csrf}">
          <button class="link" name="action" value="as-asked">Back to what the program asked for</button></form>`
  if (templates.length === 0) return back
  return html`${back}<details class="templates"${tried === undefined ? undefined : html` open`}><summary>Use a template in place of this</summary>
        ${templates.map((template) => templateForm(template, { action, csrf, tried }))}</details>`
}

interface TemplateForm {
  readonly action: string
  readonly csrf: string
  readonly tried: PickedTemplate | undefined
}

function templateForm(template: OfferedTemplate, { action, csrf, tried }: TemplateForm): Html {
  const { name, description, parameters, takesPurpose } = template
  const given = tried?.name === name ? tried.given : {}
  const said = { type: 'text', description: 'What the task is for', default: '' } as const
  const all = { ...(takesPurpose ? { purpose: said } : {}), ...parameters }
  const fields = Object.entries(all).map(([parameter, about]) =>
    parameterField(`${name}.${parameter}`, parameter, {
      ...about,
      ...standard(given[parameter] ?? about.default),
    }),
  )
  return html`<form method="post" action="${action}" aria-label="Template ${name}">
          <input type="hidden" name="csrf" value="${csrf}">
          <input type="hidden" name="template" value="${name}">
          <h3>${name}</h3>
          <p>${description}</p>
          ${fields}
          <div class="buttons"><button name="action" value="template">Look at ${name}</button></div>
        </form>`
}

function standard(value: Parameter['default']): Pick<Parameter, 'default'> {
  return value === undefined ? {} : { default: value }
}

function parameterField(id: string, name: string, about: Parameter): Html {
  const { type, description = name, default: given, choices = [] } = about
  const field = `parameter ${name}`
  const label = html`<label for="${id}">${description}</label>`
  if (type === 'choice') {
    const option = (choice: string) =>
      html`<option${choice === given ? html` selected` : undefined}>${choice}</option>`
    return html`${label}<select id="${id}" name="${field}">${choices.map(option)}</select>`
  }
  const required = given === undefined ? html` required` : undefined
  return html`${label}<input id="${id}" name="${field}" value="${given}"${required} autocomplete="off" spellcheck="false">`
}

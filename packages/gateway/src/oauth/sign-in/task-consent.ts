/**
 * What a person is asked about a task: what the client wants, or a template in its place, less what they take away. Or
 * they let the client go on, on another server, with a task of theirs that it has: then what it has read and used up on
 * one server counts on the other.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { LOCAL_ISSUER } from '../../model/issuer.ts'
import { isObject } from '../../model/message.ts'
import { OWN_SERVER } from '../../model/names.ts'
import { err, ok, type Result } from '../../model/result.ts'
import type { TaskGrant, TaskRecord } from '../../model/task.ts'
import { placeholdersIn } from '../../tasks/templates/placeholders.ts'
import { PURPOSE, type Template } from '../../tasks/templates/template.ts'
import type { OfferedTemplate, PickedTemplate, TaskView } from '../pages/task-page.ts'
import type { Offered, TokenTasks } from '../ports.ts'
import { fill, readDetails, settle } from '../tasks/details.ts'
import { trim } from '../tasks/trim.ts'

/** What a request for access to a server asks for, and what the person answered so far. */
export interface TaskQuestion {
  readonly details: unknown
  readonly offered: Offered
  readonly form: URLSearchParams
  /** Account of the person. */
  readonly account: string
  readonly clientId: string
}

/** A task that the person has said yes to, new or running. */
export type Agreed =
  | { readonly kind: 'new'; readonly grant: TaskGrant }
  | { readonly kind: 'running'; readonly task: TaskRecord }

const MAX_RUNNING_SHOWN = 5

interface Settled {
  readonly grant: TaskGrant
  readonly picked: PickedTemplate | undefined
  readonly templates: readonly Template[]
  readonly problem: string | undefined
  /** The template that the problem is about. */
  readonly tried: PickedTemplate | undefined
}

export class TaskConsent {
  readonly #tasks: TokenTasks

  constructor(tasks: TokenTasks) {
    this.#tasks = tasks
  }

  /** What the page shows. The error is for the client: what it asks for cannot be. */
  async view(question: TaskQuestion, problem?: string): Promise<Result<TaskView, string>> {
    const settled = await this.#settle(question)
    if (!settled.ok) return settled
    const { grant, picked, templates, tried } = settled.value
    const { server, tools } = question.offered
    const seen = digestOf(grant)
    return ok({
      grant,
      seen,
      tried,
      answer: question.form.get('seen') === seen ? question.form : undefined,
      picked,
      templates: templates.filter((each) => isFor(each, server)).map(offer),
      usable: tools === undefined ? undefined : { server, tools: tools.map((tool) => `${server}__${tool}`) },
      running: this.#running(question),
      problem: problem ?? settled.value.problem,
    })
  }

  /** What the person says yes to. The error is for them. */
  async answer(question: TaskQuestion): Promise<Result<Agreed, string>> {
    const { form } = question
    if (form.get('action') === 'go-on') {
      const task = this.#running(question).find(({ id }) => id === form.get('task'))
      return task === undefined
        ? err('That task is over, or it is not for this.')
        : ok({ kind: 'running', task })
    }
    const settled = await this.#settle(question)
    if (!settled.ok) return settled
    const { grant, problem } = settled.value
    if (problem !== undefined) return err(problem)
    if (form.get('seen') !== digestOf(grant))
      return err('What is asked for is no longer what this page showed. Look at it again.')
    const left = trim(grant, form)
    return left.ok ? ok({ kind: 'new', grant: left.value }) : left
  }

  /** The task, started if it is a new one. */
  async begin(
    request: IncomingMessage,
    { account, clientId }: Pick<TaskQuestion, 'account' | 'clientId'>,
    agreed: Agreed,
  ): Promise<Result<TaskRecord, string>> {
    if (agreed.kind === 'running') return ok(agreed.task)
    const person = personOf(account)
    const agent = agentOf(clientId)
    return this.#tasks.start(request, { principal: person, agent, grant: agreed.grant, issuedBy: person })
  }

  /** Tasks of this person that this client works on and that have a use of the server. */
  #running({ account, clientId, offered }: TaskQuestion): readonly TaskRecord[] {
    return this.#tasks
      .of(personOf(account), agentOf(clientId))
      .filter(({ grant }) => offered.server === OWN_SERVER || hasUseOf(grant, offered.server))
      .slice(0, MAX_RUNNING_SHOWN)
  }

  async #settle({ details, offered, form }: TaskQuestion): Promise<Result<Settled, string>> {
    const wanted = readDetails(details)
    if (!wanted.ok) return wanted
    const templates = await this.#tasks.templates()
    const asked = settle(wanted.value, templates)
    if (!asked.ok) return asked
    const name = form.get('template')
    const settled = { grant: asked.value, picked: undefined, templates, problem: undefined, tried: undefined }
    if (name === null) return ok(settled)
    const template = templates.find((each) => each.name === name && isFor(each, offered.server))
    if (template === undefined) return ok({ ...settled, problem: 'There is no such template any more.' })
    const given = givenIn(form)
    const filled = fill(template, given)
    return filled.ok
      ? ok({ ...settled, grant: filled.value, picked: { name, given } })
      : ok({
          ...settled,
          tried: { name, given },
          problem: `The template ${name} cannot be used like this: ${filled.error}.`,
        })
  }
}

/** Values for the parameters of a template; a field that was left empty is none. */
function givenIn(form: URLSearchParams): Readonly<Record<string, string>> {
  const prefix = 'parameter '
  return Object.fromEntries(
    [...form]
      .filter(([field, value]) => field.startsWith(prefix) && value !== '')
      .map(([field, value]) => [field.slice(prefix.length), value]),
  )
}

function personOf(account: string) {
  return { type: 'User', id: `${LOCAL_ISSUER}/${account}` }
}

function agentOf(clientId: string): string {
  return `${LOCAL_ISSUER}/${clientId}`
}

/** Whether a task of this template has any use of a server. */
function isFor({ grant }: Template, server: string): boolean {
  const { servers, tools } = grant
  return hasUseOf(
    { servers: Array.isArray(servers) ? servers : [], tools: isObject(tools) ? tools : {} },
    server,
  )
}

function hasUseOf(
  { servers, tools }: { readonly servers: readonly unknown[]; readonly tools: object },
  server: string,
): boolean {
  return servers.includes(server) || Object.keys(tools).some((tool) => tool.startsWith(`${server}__`))
}

function offer({ name, description, parameters, grant }: Template): OfferedTemplate {
  const takesPurpose = placeholdersIn(grant).some(({ names }) => names.includes(PURPOSE))
  return { name, description, parameters, takesPurpose }
}

function digestOf(grant: TaskGrant): string {
  return createHash('sha256').update(JSON.stringify(grant)).digest('base64url')
}

/**
 * Authorization details (RFC 9396): what a client asks for when it asks for a task, and what it is told that it was given.
 * What is wrong here is told to strangers, so nothing is looked at but what they sent.
 */
import { err, ok, type Result } from '../../model/result.ts'
import { isObject, type JsonObject } from '../../model/message.ts'
import { TASK_TYPE, type TaskGrant, type TaskRecord } from '../../model/task.ts'
import { compileConstraints } from '../../tasks/constraints/compile.ts'
import { parseGrant } from '../../tasks/grant.ts'
import { TEMPLATE_NAME, type Template } from '../../tasks/templates/template.ts'
import { fillTemplate } from '../../tasks/templates/templates.ts'

/** A grant as written, or the name of a template with values for it. */
export type Wanted =
  | { readonly kind: 'grant'; readonly grant: TaskGrant }
  | { readonly kind: 'template'; readonly name: string; readonly given: JsonObject }

const MAX_ERROR_CHARACTERS = 500
const TEMPLATE_MEMBERS = ['type', 'template', 'parameters', 'purpose']

/** The one task that the parameter `authorization_details` asks for. The error is for the client. */
export function readDetails(parameter: unknown): Result<Wanted, string> {
  let details: unknown
  try {
    details = JSON.parse(String(parameter))
  } catch {
    return err('authorization_details is not JSON')
  }
  if (!Array.isArray(details) || details.length !== 1)
    return err('authorization_details must hold one task: a token is for one')
  const [detail] = details as readonly unknown[]
  if (!isObject(detail) || detail['type'] !== TASK_TYPE) return err(`the type must be ${TASK_TYPE}`)
  if (Object.hasOwn(detail, 'id'))
    return err('id: a task cannot be asked for by its id; it is named when it starts')
  return Object.hasOwn(detail, 'template') ? readTemplate(detail) : readWritten(detail)
}

function readTemplate(detail: JsonObject): Result<Wanted, string> {
  const other = Object.keys(detail).find((name) => !TEMPLATE_MEMBERS.includes(name))
  if (other !== undefined)
    return err(`${shown(other)} goes without template: a template says everything but parameters and purpose`)
  const { template: name, parameters = {}, purpose } = detail
  if (typeof name !== 'string' || !TEMPLATE_NAME.test(name)) return err('template must be the name of one')
  if (!isObject(parameters) || Object.hasOwn(parameters, 'purpose'))
    return err('parameters must be an object, with a value by the name of each parameter')
  return ok({
    kind: 'template',
    name,
    given: { ...parameters, ...(purpose === undefined ? {} : { purpose }) },
  })
}

function readWritten(detail: JsonObject): Result<Wanted, string> {
  const grant = parseGrant(detail)
  return grant.ok ? ok({ kind: 'grant', grant: grant.value }) : err(shown(grant.error.join('; ')))
}

/**
 * The grant that is wanted, where its constraints mean something and the templates that there are say so. For those who
 * have proved who they are: templates are nobody else's business, and compiling takes its time. The error is for the client.
 */
export function settle(wanted: Wanted, templates: readonly Template[]): Result<TaskGrant, string> {
  if (wanted.kind === 'grant') return checkConstraints(wanted.grant)
  const template = templates.find(({ name }) => name === wanted.name)
  if (template === undefined) return err(`there is no template ${wanted.name}`)
  return fill(template, wanted.given)
}

function checkConstraints(grant: TaskGrant): Result<TaskGrant, string> {
  for (const [tool, constraints] of Object.entries(grant.tools)) {
    const compiled = compileConstraints(constraints, { others: 'refuse', sight: NO_SIGHT })
    if (!compiled.ok) return err(shown(`tools.${tool}: ${compiled.error}`))
  }
  return ok(grant)
}

/** What a constraint means does not hang on what is there. */
const NO_SIGHT = { placeOf: () => undefined }

/** The grant of a template with these values. The error is a sentence without its beginning and end. */
export function fill(template: Template, given: JsonObject): Result<TaskGrant, string> {
  const filled = fillTemplate(template, given)
  if (filled.ok) return filled
  return err(
    shown(filled.error.map(({ path, message }) => `${path.map(String).join('.')} ${message}`).join('; ')),
  )
}

/** A task as its token carries it. */
export function claimOf(id: string): { readonly type: string; readonly id: string } {
  return { type: TASK_TYPE, id }
}

/** A task as a client is told of it (RFC 9396, 7.1): what was granted, which may be less than was asked for. */
export function detailsOf({ id, grant, expiresAtMs }: TaskRecord): { readonly type: string } {
  return { ...grant, id, expires_at: new Date(expiresAtMs).toISOString() } as { readonly type: string }
}

/** The id of the task that claims of our own token name; undefined: none. */
export function taskIn(claims: Readonly<Record<string, unknown>>): string | undefined {
  const details: unknown = claims['authorization_details'] ?? []
  const task: unknown = Array.isArray(details) ? details.find(isTask) : undefined
  return isObject(task) ? String(task['id']) : undefined
}

function isTask(detail: unknown): boolean {
  return isObject(detail) && detail['type'] === TASK_TYPE
}

/** Error descriptions are of printable ASCII without quotes (RFC 6749, 5.2). */
function shown(text: string): string {
  return text
    .replaceAll('"', "'")
    .replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
    .slice(0, MAX_ERROR_CHARACTERS)
}

/**
 * A grant as it comes, from a token request, a template, the admin API or the command line (RFC 9396, 2) → a grant that
 * is complete. What its constraints mean is for constraints/; here is what it may say at all.
 */
import * as z from 'zod'
import { TASK_TYPE, type TaskGrant } from '../model/task.ts'
import { err, ok, type Result } from '../model/result.ts'

/** A month: privilege for longer is not for one piece of work. */
export const MAX_TASK_SECONDS = 30 * 86_400
const STANDARD_SECONDS = 3600
const MAX_TOOLS = 1000
const MAX_GRANT_CHARACTERS = 256 * 1024

/** The schema library leaves out members of this name; a constraint that is lost would widen the grant. */
const UNNAMEABLE = '\u{f0000}__proto__'

const FULL_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]*(?:_[A-Za-z0-9.-]+)*__[^\p{C}\p{Zl}\p{Zp}]+$/u
const words = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !/[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(value.replace(/[\n\t]/g, '')), {
      message: 'must not contain control characters',
    })
const count = z.int().min(1).max(1_000_000_000)
const fullName = z.string().max(320).regex(FULL_NAME, 'must be the full name of a tool, <server>__<tool>')

const budget = z.strictObject({
  calls: count.optional(),
  calls_per_tool: z.record(fullName, z.int().min(0).max(1_000_000_000)).optional(),
  result_bytes: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  concurrency: count.optional(),
  wall_seconds: count.optional(),
  same_call: count.optional(),
})

const grant = z.strictObject({
  type: z.literal(TASK_TYPE).default(TASK_TYPE),
  purpose: words(2000),
  template: words(200).optional(),
  servers: z.array(z.string().min(1).max(64)).max(100).default([]),
  tools: z.record(fullName, z.record(z.string().max(256), z.record(z.string(), z.unknown()))).default({}),
  other_arguments: z.enum(['allow', 'refuse']).default('allow'),
  budget: budget.default({}),
  expires_in: z.int().min(1).max(MAX_TASK_SECONDS).default(STANDARD_SECONDS),
  flow: z.enum(['strict', 'ask', 'off']).default('strict'),
})

/** What is wrong with one member of a grant. */
export interface GrantFault {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Every error names the member it is about: `budget.calls: …`. */
export function parseGrant(value: unknown): Result<TaskGrant, readonly string[]> {
  const read = readGrant(value)
  return read.ok ? read : err(read.error.map(showFault))
}

/** The same, with the place of each error. */
export function readGrant(value: unknown): Result<TaskGrant, readonly GrantFault[]> {
  const text = JSON.stringify(value, (name, member: unknown) =>
    name === '__proto__' ? UNNAMEABLE : member,
  ) as string | undefined
  if (text?.includes(UNNAMEABLE) === true)
    return err([{ path: [], message: '"__proto__" cannot be the name of anything' }])
  if ((text?.length ?? 0) > MAX_GRANT_CHARACTERS)
    return err([{ path: [], message: `the grant is longer than ${MAX_GRANT_CHARACTERS} characters` }])
  const parsed = grant.safeParse(value)
  if (!parsed.success) return err(parsed.error.issues.map(faultOf))
  const { data } = parsed
  const faults: GrantFault[] = []
  const tools = Object.keys(data.tools)
  if (tools.length > MAX_TOOLS)
    faults.push({ path: ['tools'], message: `must not be more than ${MAX_TOOLS}` })
  if (tools.length === 0 && data.servers.length === 0)
    faults.push({ path: ['tools'], message: 'a task needs a tool or a server that it may use' })
  return faults.length > 0 ? err(faults) : ok(data as TaskGrant)
}

function faultOf(issue: z.core.$ZodIssue): GrantFault {
  return { path: issue.path, message: messageOf(issue) }
}

function messageOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `${issue.keys.map((key) => JSON.stringify(key)).join(', ')} is not known here`
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}`
    case 'too_big':
      return issue.origin === 'string'
        ? `must not be longer than ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`
    default:
      // That of a key stands within.
      return issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

function showFault({ path, message }: GrantFault): string {
  return `${path.length === 0 ? '' : `${path.map(String).join('.')}: `}${message}`
}

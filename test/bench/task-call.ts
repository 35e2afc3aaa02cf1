/**
 * A call with five arguments, and the grant of a task that has fifty constraints: five for each of ten tools, of every
 * kind. What a task costs is the difference between this call with a key for the task and with one that is for none.
 */
import { SERVER, TOOL } from './request.ts'

/** What the pattern and the host allow is accounted for by the prompt, the others by the grant. */
export const TASK_ARGUMENTS = {
  remote: 'origin',
  to: 'team@example.com',
  path: '/workspace/src/dates/index.ts',
  branch: 'fix/issue-1001',
  url: 'https://ci.example.com/status',
}

const CONSTRAINTS = {
  remote: { const: 'origin' },
  to: { enum: ['lead@example.com', 'team@example.com'] },
  path: { within: ['/workspace/src', '/workspace/test'] },
  branch: { type: 'string', pattern: '^fix/issue-[0-9]+$' },
  url: { hosts: ['*.example.com'] },
}

/** YAML of the tool: its result is untrusted, and it sends, so each call but the first is held against what was read. */
export const TASK_TOOLS = `{ ${TOOL}: { reads: [untrusted], sends: true } }`

const others = Array.from({ length: 9 }, (_, index) => `other_${index}`)

export const TASK_GRANT = {
  purpose: 'Look after the build',
  tools: Object.fromEntries([TOOL, ...others].map((tool) => [`${SERVER}__${tool}`, CONSTRAINTS])),
  budget: { calls: 1_000_000_000, same_call: 1_000_000_000 },
  flow: 'strict',
}

export const TASK_PROMPT = `Fix what ${TASK_ARGUMENTS.url} complains of, on the branch ${TASK_ARGUMENTS.branch}.`

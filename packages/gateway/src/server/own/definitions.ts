/** What the gateway's own server offers: its tools, as `tools/list` tells of them and as policies see them. */
import type { ToolDefinition } from '../../catalog/definition.ts'
import { OWN_SERVER } from '../../model/names.ts'
import type { ToolFacts } from '../../model/tool-facts.ts'

export const TASK_STATUS = 'task_status'
export const TASK_REQUEST = 'task_request'

/** How a task is meant that is asked for. */
export const KINDS = ['part', 'wider', 'new'] as const

export const OWN_TOOLS: readonly ToolDefinition[] = [
  {
    name: TASK_STATUS,
    description:
      'What the task you work on lets you do: tools, servers and the limits on their arguments; what is left of its budgets and when it ends; what you have read so far; what was refused last and why; and from which templates you can ask for another task.',
    inputSchema: { type: 'object', properties: {}, additionalProperties: false },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  {
    name: TASK_REQUEST,
    description:
      'Ask for a task, when a call was refused because your task does not hold it. A "part" of your own task is for a sub-agent: it can do no more than yours, is granted at once, and its key is returned once. A "wider" task in the place of yours, or a "new" one where you have none, is decided by a person: make the same call again, with the same arguments, once it was approved. Ask for no more than the work needs.',
    inputSchema: {
      type: 'object',
      properties: {
        kind: {
          enum: KINDS,
          description: 'Default: "part" where you have a task, "new" where you have none.',
        },
        reason: {
          type: 'string',
          minLength: 1,
          maxLength: 2000,
          description: 'Why it is needed, for the person who decides.',
        },
        purpose: {
          type: 'string',
          minLength: 1,
          maxLength: 2000,
          description: 'What the work is, in one sentence.',
        },
        template: { type: 'string', description: 'A template that task_status names.' },
        parameters: {
          type: 'object',
          description: 'Of the template. Paths are absolute.',
          additionalProperties: { type: ['string', 'number'] },
        },
        grant: {
          type: 'object',
          description:
            'Instead of a template: servers (of which everything read-only can be used), tools (by full name, then argument, then JSON Schema with const, enum, pattern, within, hosts or tables), budget, flow.',
        },
        expires_in: { type: 'integer', minimum: 1, description: 'Seconds.' },
      },
      required: ['reason'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  },
]

/** What policies see of them, by full name. */
export const OWN_FACTS: ReadonlyMap<string, ToolFacts> = new Map([
  [
    `${OWN_SERVER}__${TASK_STATUS}`,
    { readOnly: true, destructive: false, idempotent: true, openWorld: false, sends: false },
  ],
  [`${OWN_SERVER}__${TASK_REQUEST}`, { readOnly: false, destructive: false, openWorld: false, sends: false }],
])

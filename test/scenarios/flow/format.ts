/** Sequences of calls as JSON lines: what a header and a call may hold. README.md in this folder says what it means. */
import * as z from 'zod'
import { parseEntity } from '../../../packages/gateway/src/config/entity.ts'
import { labelFault } from '../../../packages/gateway/src/config/labels.ts'
import type { JsonObject } from '../../../packages/gateway/src/model/message.ts'

/** What is expected of a call, and what came of it. */
export type Verdict = 'allow' | 'refuse' | 'ask'

const json = z.record(z.string(), z.unknown())
export const FULL_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]*(?:_[A-Za-z0-9.-]+)*__.+$/
export const SERVER_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]*(?:_[A-Za-z0-9.-]+)*$/
const SERVER_HINT = 'is no name of a server: it has letters, digits, ".", "-" and single "_"'
const entity = z.string().superRefine((text, context) => {
  const parsed = parseEntity(text)
  if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.error })
})

const ATTRIBUTES = ['readOnly', 'destructive', 'idempotent', 'openWorld', 'sends', 'writes'] as const
const label = z
  .string()
  .min(1)
  .refine((word) => !ATTRIBUTES.includes(word as 'sends'), {
    error: ({ input }) =>
      `is a list of what the tool reads; that it ${String(input)} is written {"${String(input)}": true}`,
  })
  .superRefine((word, context) => {
    const fault = labelFault(word)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })
const attribute = z.boolean().optional()
const facts = z.strictObject({
  ...(Object.fromEntries(ATTRIBUTES.map((name) => [name, attribute])) as Record<
    (typeof ATTRIBUTES)[number],
    typeof attribute
  >),
  reads: z.array(label).optional(),
})
const tool = facts.extend({ inputSchema: json.optional(), description: z.string().optional() })
const serverShape = z.strictObject({ tools: z.record(z.string().min(1), tool).default({}) })
const above = z.strictObject({ task: json, prompt: z.string().optional() })

export const header = z.strictObject({
  name: z.string().min(1),
  kind: z.enum(['benign', 'attack']),
  about: z.string().optional(),
  task: json.optional(),
  prompt: z.string().optional(),
  parents: z.array(above).default([]),
  principal: entity.default('User::"ada"'),
  agent: z.string().min(1).optional(),
  approver: entity.default('User::"grace"'),
  policies: z.string().default('@id("all") permit (principal, action, resource);'),
  servers: z
    .record(z.string(), serverShape)
    .superRefine((servers, context) => {
      for (const name of Object.keys(servers))
        if (!SERVER_NAME.test(name)) context.addIssue({ code: 'custom', path: [name], message: SERVER_HINT })
    })
    .default({}),
})

export const call = z.strictObject({
  call: z.strictObject({
    name: z
      .string()
      .regex(FULL_NAME, 'must be the full name of a tool, <server>__<tool>, such as mail__send'),
    arguments: json.default({}),
  }),
  result: z.unknown().optional(),
  labels: z.union([z.array(label), facts]).optional(),
  expected: z.enum(['allow', 'refuse', 'ask']),
  attack: z.boolean().default(false),
  approve: z.boolean().default(false),
  endorse: z.array(z.string().min(1)).default([]),
  note: z.string().optional(),
})

/** What a tool is, as the operator says in the configuration. */
export type Facts = z.infer<typeof facts>

export interface Call {
  /** Where it is written, from 1. */
  readonly line: number
  readonly server: string
  /** The server's own name for it. */
  readonly tool: string
  readonly arguments: JsonObject
  /** A tool's result, as MCP has it. */
  readonly result: JsonObject
  /** What the tool is from this call on: what the header says, with what this line and those before say over it. */
  readonly facts: Facts
  readonly expected: Verdict
  readonly attack: boolean
  readonly approve: boolean
  readonly endorse: readonly string[]
}

export interface Sequence extends Omit<z.infer<typeof header>, 'servers'> {
  readonly file: string
  /** Of the header. */
  readonly line: number
  /** By the name of the server, then of the tool: what tools are before the first call. */
  readonly servers: ReadonlyMap<string, ReadonlyMap<string, Facts>>
  /** Input schemas of tools, by full name. */
  readonly schemas: ReadonlyMap<string, JsonObject>
  readonly calls: readonly Call[]
}

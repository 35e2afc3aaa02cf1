/**
 * The official Cedar engine, in a process of its own: a policy can keep it busy for minutes, a schema can break its
 * WebAssembly for good, and neither may touch whoever asked. Started by engine.ts, spoken to over the IPC channel, ended
 * by closing that channel or by force. It reads no files but the engine's, and its environment is empty.
 */
import { checkParseSchema, type DetailedError, type Schema, validate } from '@cedar-policy/cedar-wasm/nodejs'

export type Question =
  /** What the policies that follow are judged by: a schema in JSON, which the engine reads in half the time of the text. */
  | { readonly schema: string }
  /** Policies as text, by any key; the answer has the same keys. */
  | { readonly policies: Readonly<Record<string, string>> }

export type Answer =
  | { readonly ok: true; readonly diagnostics: Readonly<Record<string, readonly Diagnostic[]>> }
  /** The engine refuses the schema or a policy, or broke. */
  | { readonly ok: false; readonly problem: string }

/** What the engine says about a policy. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning'
  /** Names the policy by its key, where it names it. */
  readonly message: string
  readonly help: string | null
  /** Bytes of UTF-8 from the start of the policy's text. */
  readonly start: number
  readonly end: number
}

let schema: Schema = {}

function answer(question: Question): Answer {
  if ('policies' in question) return judge(question.policies)
  schema = JSON.parse(question.schema) as Schema
  const checked = checkParseSchema(schema)
  return checked.type === 'failure' ? refused(checked.errors) : { ok: true, diagnostics: {} }
}

function judge(policies: Readonly<Record<string, string>>): Answer {
  const result = validate({ schema, policies: { staticPolicies: { ...policies } } })
  if (result.type === 'failure') return refused(result.errors)
  const diagnostics: Record<string, Diagnostic[]> = {}
  for (const key of Object.keys(policies)) diagnostics[key] = []
  const sorted = [
    ['error', result.validationErrors],
    ['warning', result.validationWarnings],
  ] as const
  for (const [severity, found] of sorted) {
    for (const { policyId, error } of found) diagnostics[policyId]?.push(toDiagnostic(severity, error))
  }
  return { ok: true, diagnostics }
}

function toDiagnostic(severity: Diagnostic['severity'], error: DetailedError): Diagnostic {
  const { message, help, sourceLocations } = error
  const { start = 0, end = 0 } = sourceLocations?.[0] ?? {}
  return { severity, message, help, start, end }
}

function refused(errors: readonly DetailedError[]): Answer {
  const sentences = errors.map(({ message, help }) => (help === null ? message : `${message} (${help})`))
  return { ok: false, problem: sentences.join('; ') }
}

process.on('message', (question: Question) => {
  try {
    process.send?.(answer(question))
  } catch (problem) {
    // A trap leaves the engine unusable: whoever asked starts another process.
    process.send?.({ ok: false, problem: `the engine broke: ${String(problem)}` } satisfies Answer)
  }
})

/**
 * Policies against schemas, judged by the official engine. What the engine said is kept by content, so only what is new
 * is asked; when the time is over, what was judged until then is kept too.
 */
import { type Policy, resolveSchema, type SchemaFragment, schemaToJson } from '@tollgate/cedar'
import type { Knowledge } from './attributes.ts'
import { policyKey, schemaKeyOf, type ValidationCache } from './cache.ts'
import { Engine, ENGINE } from './engine.ts'
import type { Diagnostic } from './engine-process.ts'
import { cannotJudge, explain, type Explanation } from './explain.ts'
import { type Finding, sortFindings } from './finding.ts'

/** Policies, no templates, and the schema they are judged by. */
export interface Check {
  readonly fragment: SchemaFragment
  readonly policies: readonly Policy[]
}

export interface ValidateOptions extends Omit<Knowledge, 'schema'> {
  readonly checks: readonly Check[]
  readonly cache: ValidationCache
  /** For all checks together. */
  readonly limitSeconds: number
  /** Ends the work early. */
  readonly signal: AbortSignal
}

export interface Validation {
  /** In the order of files and lines. */
  readonly findings: readonly Finding[]
  /** What kept policies from being validated, in sentences: the time was over, a schema is refused. */
  readonly problems: readonly string[]
  /** Ids of policies that test or read something a request may have although the schema lacks it. */
  readonly unsure: ReadonlySet<string>
  /** How many policies the engine was asked about; what it says of the others was known. */
  readonly asked: number
}

/** Validates policies. Expected failures are in the answer; it does not throw for them. */
export async function validatePolicies(options: ValidateOptions): Promise<Validation> {
  const { checks, cache, limitSeconds, signal, unknown, assumed, mayBeAbsent } = options
  const knowledge = { unknown, assumed, mayBeAbsent }
  const engine = new Engine(AbortSignal.any([signal, AbortSignal.timeout(limitSeconds * 1000)]))
  const findings: Finding[] = []
  const problems: string[] = []
  const unsure = new Set<string>()
  let [asked, left, all] = [0, 0, 0]
  try {
    for (const { fragment, policies } of checks) {
      all += policies.length
      const schema = resolveSchema([fragment])
      if (!schema.ok) {
        problems.push(refusal(schema.errors.map(({ message }) => message).join('; ')))
        continue
      }
      const judged = await judge(engine, cache, schemaToJson(fragment), policies)
      if (judged.refused !== undefined) problems.push(refusal(judged.refused))
      else left += judged.left
      asked += judged.asked
      for (const policy of policies) {
        const explained = explanationOf(policy, judged, { ...knowledge, schema: schema.value })
        findings.push(...explained.findings)
        if (explained.isUnsure) unsure.add(policy.id)
      }
    }
  } finally {
    engine.stop()
    cache.save()
  }
  if (left > 0 && !signal.aborted) problems.push(timeOver(limitSeconds, left, all))
  return { findings: sortFindings(findings), problems, unsure, asked }
}

interface Judged {
  readonly known: ReadonlyMap<Policy, readonly Diagnostic[]>
  readonly failed: ReadonlyMap<Policy, string>
  readonly asked: number
  /** Policies that there was no time for. */
  readonly left: number
  readonly refused: string | undefined
}

async function judge(
  engine: Engine,
  cache: ValidationCache,
  schema: string,
  policies: readonly Policy[],
): Promise<Judged> {
  const schemaKey = schemaKeyOf(ENGINE, schema)
  const known = new Map<Policy, readonly Diagnostic[]>()
  const failed = new Map<Policy, string>()
  /** Policies by their key: those of one text are judged once. */
  const toAsk = new Map<string, Policy[]>()
  for (const policy of policies) {
    const key = policyKey(schemaKey, policy.text)
    const diagnostics = cache.get(key)
    if (diagnostics !== undefined) known.set(policy, diagnostics)
    else if (toAsk.get(key)?.push(policy) === undefined) toAsk.set(key, [policy])
  }
  const texts = new Map([...toAsk].map(([key, [policy]]) => [key, policy?.text ?? '']))
  const judgement = {
    schema,
    policies: texts,
    judged(key: string, diagnostics: readonly Diagnostic[]) {
      cache.set(key, diagnostics)
      for (const policy of toAsk.get(key) ?? []) known.set(policy, diagnostics)
    },
    failed(key: string, problem: string) {
      for (const policy of toAsk.get(key) ?? []) failed.set(policy, problem)
    },
  }
  const refused = texts.size === 0 ? undefined : await engine.judge(judgement)
  return { known, failed, asked: texts.size, left: policies.length - known.size - failed.size, refused }
}

function explanationOf(policy: Policy, { known, failed }: Judged, knowledge: Knowledge): Explanation {
  const problem = failed.get(policy)
  if (problem !== undefined) return { findings: [cannotJudge(policy, problem)], isUnsure: true }
  return explain(policy, known.get(policy) ?? [], knowledge)
}

function refusal(why: string): string {
  return `policies were not validated: the schema made of the servers’ tools is refused: ${why}`
}

function timeOver(limitSeconds: number, left: number, all: number): string {
  return (
    `the time limit of ${limitSeconds} s was over before ${left} of ${all} policies were validated; ` +
    'what was done is kept: run it again to go on, or give it more time with --time-limit'
  )
}

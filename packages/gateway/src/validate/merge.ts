/**
 * Findings of the engine and of the linter in one list. Both know the schema, so both see the same mistake at times: the
 * engine is right about types, the linter says better why a policy never applies.
 */
import { type Finding, sortFindings } from './finding.ts'

const NEVER = new Set(['never-applies', 'impossible'])
/** What the engine reports too when it is given the policy. */
const ENGINE_KNOWS = new Set(['unguarded-attribute', 'different-types', 'always-fails'])

/** `unsure` are ids of policies of which nobody knows whether they apply. */
export function mergeFindings(
  engine: readonly Finding[],
  linter: readonly Finding[],
  unsure: ReadonlySet<string>,
): readonly Finding[] {
  const lines = new Set(engine.filter(({ rule }) => !NEVER.has(rule)).map(lineOf))
  const linted = linter
    .filter((finding) => !(ENGINE_KNOWS.has(finding.rule) && lines.has(lineOf(finding))))
    .map((finding) => (finding.rule === 'different-types' ? asError(finding) : finding))
  const explained = new Set(linted.filter(({ rule }) => NEVER.has(rule)).map(({ policy }) => policy))
  const all = [...engine.filter(({ rule, policy }) => !NEVER.has(rule) || !explained.has(policy)), ...linted]
  // A policy with an error in it often never applies, and will when it is mended.
  const wrong = policiesOf(all.filter(({ severity }) => severity === 'error'))
  // So does one about a server that is not there let nothing in.
  const misnamed = policiesOf(all.filter(({ rule }) => rule === 'name'))
  return sortFindings(
    all.filter(({ rule, policy }) => {
      if (NEVER.has(rule)) return !wrong.has(policy) && !unsure.has(policy ?? '')
      return rule !== 'scope' || !misnamed.has(policy)
    }),
  )
}

/** Entities of different types are never equal: to the engine that is no error of types, but it is never meant. */
function asError(finding: Finding): Finding {
  return { suggestion: 'compare values of one type', ...finding, severity: 'error' }
}

function policiesOf(findings: readonly Finding[]): ReadonlySet<string | undefined> {
  return new Set(findings.map(({ policy }) => policy))
}

function lineOf({ file, line, policy }: Finding): string {
  return JSON.stringify([policy, file, line])
}

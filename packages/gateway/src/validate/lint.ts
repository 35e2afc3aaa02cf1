/** The linter's findings about policies that are checked against several schemas. */
import { lint, type Policy, resolveSchema, type RuleName } from '@tollgate/cedar'
import type { Finding } from './finding.ts'
import type { Check } from './validate.ts'

/** Rules about policies beside each other, which need all of them and no schema. */
const ACROSS: ReadonlySet<RuleName> = new Set(['duplicate-id', 'missing-id', 'shadowed', 'similar-id'])

/** Findings about all `policies`, each of which is in one of the checks. */
export function lintPolicies(policies: readonly Policy[], checks: readonly Check[]): readonly Finding[] {
  const across = lint(policies).filter(({ rule }) => ACROSS.has(rule))
  const alone = checks.flatMap(({ fragment, policies: some }) => {
    const schema = resolveSchema([fragment])
    return lint(some, schema.ok ? { schema: schema.value } : {}).filter(({ rule }) => !ACROSS.has(rule))
  })
  return [...across, ...alone]
}

// Expressions that are errors whenever they are evaluated.

import { childrenOf, isPath } from '../compile/walk.ts'
import { FAILS } from '../decide/outcomes.ts'
import { Fault } from '../values/fault.ts'
import type { Expression } from '../policy/syntax.ts'
import { suggest } from '../policy/suggest.ts'
import { lineOf } from '../print/expression.ts'
import type { Environments } from './environments.ts'
import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Read } from './flow.ts'
import { FOLDING } from './subject.ts'
import type { Subject } from './subject.ts'

/**
 * `always-fails`: an expression is an error whenever it is evaluated, such as `1 < "2"`, an overflow of constants,
 * `ip("localhost")`, or with a schema an attribute that there is nowhere. A policy that fails is left out of the
 * decision, also a forbid.
 */
export function* alwaysFails(subjects: readonly Subject[]): Generator<Finding> {
  for (const subject of subjects) {
    const { policy } = subject
    for (const { expression } of policy.conditions) {
      for (const [{ at }, { message }] of faultsOf(expression)) {
        const text = `this is an error whenever it is evaluated: ${message}`
        yield findingAt(policy, { rule: 'always-fails', severity: 'error', message: text }, at)
      }
    }
    for (const { read, never, reached } of subject.analysis.readings) {
      if (never.length < reached) continue
      const what = {
        rule: 'always-fails',
        severity: 'error',
        ...explain(read, subject.environments),
      } as const
      yield findingAt(policy, what, read.expression.at)
    }
  }
}

type Failing = readonly [expression: Expression, reason: { readonly message: string }]

function faultsOf(condition: Expression): readonly Failing[] {
  const found: Failing[] = []
  collectFaults(condition, found)
  if (found.length > 0 || FOLDING.truth(condition) !== FAILS) return found
  return [[condition, { message: 'a condition must be true or false' }]]
}

/** Collects the innermost expressions that fail in any case. */
function collectFaults(expression: Expression, found: Failing[]): void {
  if (isPath(expression)) return
  const before = found.length
  for (const child of childrenOf(expression)) collectFaults(child, found)
  if (found.length > before) return
  const value = FOLDING.value(expression)
  if (value instanceof Fault) found.push([expression, value])
}

function explain(
  { expression, type }: Read,
  environments: Environments | undefined,
): { readonly message: string; readonly suggestion?: string | undefined } {
  const name = type?.kind === 'entity' ? type.type : undefined
  const owner = name === undefined ? undefined : `entities of type ${name}`
  if (expression.kind === 'binary')
    return { message: `this is always an error: ${owner ?? 'these'} have no tags` }
  const attribute = JSON.stringify(expression.name)
  const members =
    type?.kind === 'record' ? type.members : environments?.entityType(name ?? '')?.attributes.members
  const reason =
    owner === undefined
      ? `${lineOf(expression.object)} has no attribute ${attribute}`
      : `${owner} have no attribute ${attribute}`
  return {
    message: `this is always an error: ${reason}`,
    suggestion: suggest(expression.name, members?.keys() ?? []),
  }
}

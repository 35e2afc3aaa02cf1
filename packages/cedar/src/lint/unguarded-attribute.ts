// Attributes and tags that are read where they may be absent.

import type { Expression } from '../policy/syntax.ts'
import { lineOf } from '../print/expression.ts'
import type { Reading } from './analysis.ts'
import type { Environment } from './environments.ts'
import { findingAt } from './finding.ts'
import type { Finding } from './finding.ts'
import type { Subject } from './subject.ts'

/**
 * `unguarded-attribute`: a condition reads an attribute or a tag that may be absent, and then evaluating it fails. A
 * policy that fails is left out of the decision, also a forbid. Test it before with `has` or `hasTag`: tests count
 * through `&&`, `||`, `!`, `if`, and from one condition to the next. With a schema, optional attributes and all tags may
 * be absent. Without one, what the policy itself tests elsewhere may be.
 */
export function* unguardedAttributes(subjects: readonly Subject[]): Generator<Finding> {
  for (const { policy, analysis, environments } of subjects) {
    for (const reading of analysis.readings) {
      const { read, never, reached } = reading
      // What is there nowhere is another matter.
      if (never.length === reached) continue
      const message = environments === undefined ? guessed(reading) : known(reading, analysis.environments)
      const suggestion = `${lineOf(testOf(read.expression))} && …`
      const severity = environments === undefined ? 'warning' : 'error'
      const what = { rule: 'unguarded-attribute', severity, message, suggestion } as const
      yield findingAt(policy, what, read.expression.at)
    }
  }
}

function guessed({ read }: Reading): string {
  return `${lineOf(read.expression)} is tested elsewhere in this policy, but not before it is read here: where it is absent, that is an error`
}

function known({ read, perhaps, never }: Reading, environmentCount: number): string {
  const where = new Set([...perhaps, ...never])
  const isTag = read.expression.kind === 'binary'
  const reason = perhaps.length === 0 ? 'does not exist' : isTag ? 'is a tag' : 'is optional'
  const scope = where.size < environmentCount ? ` for ${namesOf(where)}` : ''
  return `${lineOf(read.expression)} ${reason}${scope}: where it is absent, reading it is an error`
}

const MOST_NAMED = 3

/** The actions of environments. */
function namesOf(environments: Iterable<Environment | undefined>): string {
  const names = new Set<string>()
  for (const each of environments) for (const { entity } of each?.actions ?? []) names.add(entity.uid)
  const more = names.size - MOST_NAMED
  return `${[...names].slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function testOf(expression: Reading['read']['expression']): Expression {
  if (expression.kind === 'binary') return { ...expression, operator: 'hasTag' }
  const { at, object, name } = expression
  return { kind: 'has', at, object, path: [name] }
}

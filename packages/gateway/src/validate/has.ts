/**
 * Misspelt names after `has`. To the engine they are tests that fail, so that a forbid with one never forbids; the most it
 * says is that the policy is impossible. A name that nothing in the schema has, but that is close to one that would be
 * there, is most likely misspelt.
 */
import {
  type CedarType,
  childrenOf,
  type Expression,
  expressionToText,
  type Policy,
  type Schema,
  suggest,
} from '@tollgate/cedar'
import { membersAt } from './attributes.ts'
import type { Finding } from './finding.ts'
import { placeOf } from './places.ts'
import { actionsOf } from './scope.ts'

type Has = Extract<Expression, { kind: 'has' }>

/** Errors when the policy is `impossible` as it stands, and warnings else: whoever wrote it may think of other tools. */
export function findTypos(policy: Policy, schema: Schema, impossible: boolean): readonly Finding[] {
  const tests = policy.conditions.flatMap(({ expression }) => testsIn(expression))
  if (tests.length === 0) return []
  return tests.flatMap((test): Finding[] => {
    const [root, names] = chainOf(test.object)
    if (root === undefined) return []
    for (const [index, name] of test.path.entries()) {
      const beside = membersFor(policy, root, [...names, ...test.path.slice(0, index)], schema)
      if (beside.has(name)) continue
      const close = suggest(name, beside)
      if (close === undefined) return []
      const object = [expressionToText(test.object), ...test.path.slice(0, index)].join('.')
      return [
        {
          ...placeOf(policy, spanOfName(policy, test, name)),
          rule: 'attribute',
          severity: impossible ? 'error' : 'warning',
          message: `${object} never has an attribute \`${JSON.stringify(name).slice(1, -1)}\``,
          suggestion: `did you mean \`${close}\`?`,
          policy: policy.id,
        },
      ]
    }
    return []
  })
}

function testsIn(expression: Expression): readonly Has[] {
  const below = childrenOf(expression).flatMap(testsIn)
  return expression.kind === 'has' ? [expression, ...below] : below
}

/** The variable a chain of attributes begins with, and their names; no variable for anything else. */
function chainOf(expression: Expression): readonly [root: string | undefined, names: readonly string[]] {
  if (expression.kind === 'variable') return [expression.name, []]
  if (expression.kind !== 'attribute') return [undefined, []]
  const [root, names] = chainOf(expression.object)
  return [root, [...names, expression.name]]
}

/** What stands there for any action that the policy is about. */
function membersFor(
  policy: Policy,
  root: string,
  names: readonly string[],
  schema: Schema,
): ReadonlySet<string> {
  const types = actionsOf(policy, schema).flatMap(({ context, principals, resources }): CedarType[] => {
    if (root === 'context') return [context]
    const entities = root === 'principal' ? principals : root === 'resource' ? resources : []
    return [...entities].map((type) => ({ kind: 'entity', type }))
  })
  return new Set(types.flatMap((type) => [...(membersAt(type, names, schema)?.keys() ?? [])]))
}

/** The name after `has`, as it is written. */
function spanOfName({ source }: Policy, { at }: Has, name: string) {
  const start = source.text.indexOf(name, at + 'has'.length)
  return start < 0 ? { start: at, end: at } : { start, end: start + name.length }
}

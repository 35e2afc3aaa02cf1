/**
 * Misspelt names after `has`. To the engine they are tests that fail, so that a forbid with one never forbids; the most it
 * says is that the policy is impossible. A name that nothing in the schema has, but that is close to one that would be
 * there, is most likely misspelt.
 */
import { childrenOf, type Expression, expressionToText, type Policy, suggest } from '@tollgate/cedar'
import { type Knowledge, membersFor } from './attributes.ts'
import type { Finding } from './finding.ts'
import { placeOf } from './places.ts'
import { actionsOf } from './scope.ts'

type Has = Extract<Expression, { kind: 'has' }>

/** Errors when the policy is `impossible` as it stands, and warnings else: whoever wrote it may think of other tools. */
export function findTypos(policy: Policy, knowledge: Knowledge, impossible: boolean): readonly Finding[] {
  return policy.conditions
    .flatMap(({ expression }) => testsIn(expression))
    .flatMap((test): readonly Finding[] => {
      const typo = typoIn(test, policy, knowledge)
      if (typo === undefined) return []
      const { object, name, meant } = typo
      return [
        {
          ...placeOf(policy, spanOfName(policy, test, name)),
          rule: 'attribute',
          severity: impossible ? 'error' : 'warning',
          message: `${object} never has an attribute \`${JSON.stringify(name).slice(1, -1)}\``,
          suggestion: `did you mean \`${meant}\`?`,
          policy: policy.id,
        },
      ]
    })
}

interface Typo {
  readonly object: string
  readonly name: string
  readonly meant: string
}

/** The first name of the path that is nowhere. */
function typoIn(test: Has, policy: Policy, knowledge: Knowledge): Typo | undefined {
  const chain = chainOf(test.object)
  if (chain === undefined) return undefined
  for (const [index, name] of test.path.entries()) {
    const before = test.path.slice(0, index)
    const path = [...chain, ...before]
    // An action whose input is open takes any name: that says nothing of how one is spelt for all others.
    const known = (action: string, names: readonly string[]) =>
      knowledge.assumed(action, names) ? undefined : knowledge.unknown(action, names)
    if (mayBeUnknown(policy, [...path, name], { ...knowledge, unknown: known })) return undefined
    const beside = membersFor(policy, path, knowledge)
    if (beside.has(name)) continue
    const meant = suggest(name, beside)
    return meant === undefined
      ? undefined
      : { object: [expressionToText(test.object), ...before].join('.'), name, meant }
  }
  return undefined
}

/** Whether an action that the policy is about may have what the schema lacks. */
function mayBeUnknown(
  policy: Policy,
  [root, ...names]: readonly string[],
  { schema, unknown }: Knowledge,
): boolean {
  if (root !== 'context') return false
  return actionsOf(policy, schema).some(({ entity }) => unknown(entity.id, names) !== undefined)
}

/** Whether the policy tests for something that the schema lacks and a request may have. */
export function testsUnknown(policy: Policy, knowledge: Knowledge): boolean {
  return policy.conditions
    .flatMap(({ expression }) => testsIn(expression))
    .some(({ object, path }) => {
      const chain = chainOf(object)
      return chain !== undefined && mayBeUnknown(policy, [...chain, ...path], knowledge)
    })
}

function testsIn(expression: Expression): readonly Has[] {
  const below = childrenOf(expression).flatMap(testsIn)
  return expression.kind === 'has' ? [expression, ...below] : below
}

/** A variable and the attributes read of it; undefined for anything else. */
function chainOf(expression: Expression): readonly string[] | undefined {
  if (expression.kind === 'variable') return [expression.name]
  if (expression.kind !== 'attribute') return undefined
  const chain = chainOf(expression.object)
  return chain && [...chain, expression.name]
}

/** The name after `has`, as it is written. */
function spanOfName({ source }: Policy, { at }: Has, name: string) {
  const start = source.text.indexOf(name, at + 'has'.length)
  return start < 0 ? { start: at, end: at } : { start, end: start + name.length }
}

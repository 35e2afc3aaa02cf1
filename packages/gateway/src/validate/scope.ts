/** Which actions of a schema a policy is about, by its scope. */
import type { ActionType, Policy, Schema } from '@tollgate/cedar'

/** The actions that the scope lets through and that apply to something. */
export function actionsOf({ scope }: Policy, { actions }: Schema): readonly ActionType[] {
  const constraint = scope.action
  const all = [...actions.values()].filter(({ principals }) => principals.size > 0)
  if (constraint.op !== '==' && constraint.op !== 'in') return all
  const named = constraint.op === '==' ? [constraint.entity] : constraint.entities
  const wanted = new Set(named.flatMap((target) => ('slot' in target ? [] : [target.uid])))
  if (constraint.op === '==') return all.filter(({ entity }) => wanted.has(entity.uid))
  return all.filter(
    ({ entity }) => wanted.has(entity.uid) || [...entity.ancestors].some((uid) => wanted.has(uid)),
  )
}

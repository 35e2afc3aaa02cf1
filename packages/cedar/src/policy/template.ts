// Templates: policies whose scope has slots, filled in later. A linked template is an ordinary policy.

import type { Entity } from '../values/entity.ts'
import type { Result } from './result.ts'
import type { Constraint, Policy, ScopeEntity } from './syntax.ts'

/** The entity for each slot of a template. */
export interface SlotValues {
  readonly principal?: Entity
  readonly resource?: Entity
}

/**
 * Fills the slots of a template, giving a policy with this id and the annotations of the template. Errors: a slot
 * without a value, a value without a slot.
 */
export function link(template: Policy, id: string, values: SlotValues): Result<Policy> {
  const fail = (message: string): Result<Policy> => ({
    ok: false,
    errors: [{ message, ...template.position }],
  })
  for (const slot of ['principal', 'resource'] as const) {
    const open = template.slots.includes(slot)
    if (open && values[slot] === undefined) return fail(`the slot ?${slot} needs a value`)
    if (!open && values[slot] !== undefined) return fail(`there is no slot ?${slot}`)
  }
  const { principal, action, resource } = template.scope
  const scope = { principal: fill(principal, values), action, resource: fill(resource, values) }
  return { ok: true, value: Object.freeze({ ...template, id, scope, slots: [] }) }
}

function fill(constraint: Constraint, values: SlotValues): Constraint {
  const target = (given: ScopeEntity): ScopeEntity =>
    'slot' in given ? (values[given.slot] ?? given) : given
  switch (constraint.op) {
    case 'any':
      return constraint
    case '==':
      return { op: '==', entity: target(constraint.entity) }
    case 'in':
      return { op: 'in', entities: constraint.entities.map(target) }
    case 'is': {
      const { op, type, in: container } = constraint
      return container === undefined ? constraint : { op, type, in: target(container) }
    }
  }
}

import type { Entity } from './entity.ts'
import type { Result } from './result.ts'
import type { Policy } from './syntax.ts'

/** Fills the slots of a template, giving a policy of that id. Errors: a slot without an entity, or the reverse. */
export function link(
  template: Policy,
  id: string,
  slots: { readonly principal?: Entity; readonly resource?: Entity },
): Result<Policy> {
  void [template, id, slots]
  throw new Error('not yet')
}

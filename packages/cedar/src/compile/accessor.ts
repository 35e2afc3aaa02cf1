// Reading one attribute by name, as generated text, so that the engine sees a constant property and can cache where it
// lies. Only own properties count: what the prototype also has is checked for being the object's own.

import { compileFunction } from 'node:vm'
import { Entity } from '../values/entity.ts'
import type { Evaluation } from '../decide/evaluation.ts'
import { getAttribute, hasAttribute, noAttribute, noEntity } from './operations.ts'
import { Term } from '../values/term.ts'
import { settle } from '../values/values.ts'
import type { RecordValue, Settled } from '../values/values.ts'

/** Ways to one attribute; `record` and `entity` are for where the type is known, `value` for where it is not. */
export interface Accessor {
  record(object: RecordValue, evaluation: Evaluation): Settled
  entity(object: Entity, evaluation: Evaluation): Settled
  value(object: Settled, evaluation: Evaluation): Settled
  inRecord(object: RecordValue): boolean
  inEntity(object: Entity, evaluation: Evaluation): boolean
  inValue(object: Settled, evaluation: Evaluation): boolean
}

// `P` is Object.prototype: while it lacks the name, a defined value can only be the object's own, which spares the
// costlier question. `X` holds the functions below.
const SOURCE = `
const own = (o) => {
  const v = o[NAME];
  return v === undefined || P[NAME] === undefined || Object.hasOwn(o, NAME) ? v : undefined;
};
const record = (o, E) => {
  const v = own(o);
  return typeof v === 'string' || typeof v === 'boolean' ? v : v === undefined ? X.noAttribute(NAME) : X.settle(v, E);
};
const entity = (o, E) => {
  const found = o.known ? o : E.find(o);
  return found === undefined ? X.noEntity(o) : record(found.attrs, E);
};
const inRecord = (o) => own(o) !== undefined;
const inEntity = (o, E) => {
  const found = o.known ? o : E.find(o);
  return found !== undefined && inRecord(found.attrs);
};
return {
  record, entity, inRecord, inEntity,
  value: (o, E) =>
    typeof o !== 'object' ? X.getAttribute(o, NAME, E)
    : o instanceof X.Entity ? entity(o, E)
    : o instanceof X.Term ? X.getAttribute(o, NAME, E)
    : record(o, E),
  inValue: (o, E) =>
    typeof o !== 'object' ? X.hasAttribute(o, NAME, E)
    : o instanceof X.Entity ? inEntity(o, E)
    : o instanceof X.Term ? X.hasAttribute(o, NAME, E)
    : inRecord(o),
};`

const SUPPORT = { Entity, Term, getAttribute, hasAttribute, noAttribute, noEntity, settle }

export function makeAccessor(name: string): Accessor {
  const make = compileFunction(
    SOURCE.replaceAll('NAME', () => JSON.stringify(name)),
    ['P', 'X'],
  ) as (prototype: object, support: typeof SUPPORT) => Accessor
  return make(Object.prototype, SUPPORT)
}

// Equality of values. Values of different types are unequal, never an error. Composite values compare by canonical
// text: no short cuts, so that an opaque value anywhere inside is an error whatever the order of members.

import { Entity } from './entity.ts'
import { Fault } from './fault.ts'
import { Term } from './term.ts'
import { memberNames, settle } from './values.ts'
import type { Settled } from './values.ts'

/** Deeper values are an evaluation error rather than a stack overflow. */
const MAX_DEPTH = 256

export function equal(a: Settled, b: Settled): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  if (a instanceof Entity && b instanceof Entity) return a.uid === b.uid
  return canonical(a) === canonical(b)
}

/** A text that two values share exactly when they are equal. Throws a Fault on an opaque member. */
export function canonical(value: Settled, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`
    case 'boolean':
      return value ? 'y' : 'n'
    case 'number':
    case 'bigint':
      return `l${value};`
  }
  if (depth > MAX_DEPTH) throw new Fault('the value is nested too deeply to compare')
  if (value instanceof Term) return value.canonical(depth)
  const members = memberNames(value).sort()
  return `{${members.map((name) => `s${name.length}:${name}${canonical(settle(value[name]), depth + 1)}`).join('')}}`
}

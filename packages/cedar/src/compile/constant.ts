// Expressions that have the same value in every evaluation: literals, sets and records of them, and extension values
// made from a literal text.

import { EXTENSIONS } from '../values/extensions.ts'
import { Fault } from '../values/fault.ts'
import { toLong } from '../values/long.ts'
import { CedarSet } from '../values/values.ts'
import type { Expression } from '../policy/syntax.ts'
import type { Settled, Value } from '../values/values.ts'

/** The value of a constant expression; undefined for any other, and for one that fails. */
export function constantOf(expression: Expression): Settled | undefined {
  switch (expression.kind) {
    case 'boolean':
    case 'string':
      return expression.value
    case 'long':
      return toLong(expression.value)
    case 'entity':
      return expression.entity
    case 'set': {
      const members = expression.elements.map(constantOf)
      return members.every((value) => value !== undefined) ? new CedarSet(members) : undefined
    }
    case 'record': {
      const members = expression.members.map(({ name, value }) => [name, constantOf(value)] as const)
      return members.every(([, value]) => value !== undefined) ? makeRecord(members) : undefined
    }
    case 'call': {
      const [argument] = expression.arguments
      const extension = EXTENSIONS.get(expression.name)
      if (extension?.style !== 'function' || expression.arguments.length !== 1) return undefined
      if (argument?.kind !== 'string') return undefined
      return valueOf(() => extension.apply(argument.value, argument.value))
    }
    default:
      return undefined
  }
}

/** A record without a prototype, so that no name is special. */
export function makeRecord(members: Iterable<readonly [string, Value | undefined]>): {
  [name: string]: Value
} {
  const record = Object.create(null) as { [name: string]: Value }
  for (const [name, value] of members) if (value !== undefined) record[name] = value
  return record
}

function valueOf(evaluate: () => Settled): Settled | undefined {
  try {
    return evaluate()
  } catch (fault) {
    if (fault instanceof Fault) return undefined
    throw fault
  }
}

// The functions that generated text may call, by the names it calls them.

import { makeRecord } from './constant.ts'
import type { Evaluation } from '../decide/evaluation.ts'
import { EXTENSIONS } from '../values/extensions.ts'
import { Fault } from '../values/fault.ts'
import { BINARY, asBoolean, asSet, asString, hasPath, isIn, isType, like, negate } from './operations.ts'
import { CedarSet } from '../values/values.ts'
import type { BinaryOperator } from '../policy/syntax.ts'
import type { Settled } from '../values/values.ts'

/** What each operator is called in generated text. */
export const OPERATOR_NAMES: { readonly [operator in BinaryOperator]: string } = {
  '==': 'equal',
  '!=': 'notEqual',
  '<': 'less',
  '<=': 'lessOrEqual',
  '>': 'greater',
  '>=': 'greaterOrEqual',
  in: 'isIn',
  '+': 'add',
  '-': 'subtract',
  '*': 'multiply',
  contains: 'contains',
  containsAll: 'containsAll',
  containsAny: 'containsAny',
  getTag: 'getTag',
  hasTag: 'hasTag',
}

const operators = Object.fromEntries(
  Object.entries(OPERATOR_NAMES).map(([operator, name]) => [name, BINARY[operator as BinaryOperator]]),
)
const extensions = Object.fromEntries(
  [...EXTENSIONS].map(([name, { apply }]) => [`extension_${name}`, apply]),
)

export const RUNTIME: { readonly [name: string]: unknown } = {
  ...operators,
  ...extensions,
  asBoolean,
  asSet,
  asString,
  hasPath,
  isType,
  like,
  negate,
  set: (members: readonly Settled[]) => new CedarSet(members),
  /** Takes names and values in turn. */
  record(parts: readonly Settled[]) {
    const members: [string, Settled][] = []
    for (let index = 0; index + 1 < parts.length; index += 2) {
      members.push([parts[index] as string, parts[index + 1] as Settled])
    }
    return makeRecord(members)
  },
  isTypeIn: (value: Settled, type: string, container: () => Settled, evaluation: Evaluation) =>
    isType(value, type) && isIn(value, container(), evaluation),
  /** Called with the arguments evaluated, since their own errors come first. */
  wrongArity(name: string): never {
    throw new Fault(`${name}() was called with a wrong number of arguments`)
  },
}

// Conditions to JavaScript. Policies that differ only in their constants share one function: constants are lifted out
// into an array, and only attribute names stand in the generated text, as JSON string literals. The law: no character
// of a policy reaches the text in any other way.

import { compileFunction } from 'node:vm'
import { makeAccessor } from './accessor.ts'
import type { Accessor } from './accessor.ts'
import type { Evaluation } from '../decide/evaluation.ts'
import { RUNTIME } from './runtime.ts'
import { Shape } from './shape.ts'
import type { Condition } from '../policy/syntax.ts'
import { contextMembers as contextMembersOf } from './walk.ts'

/** Whether all conditions hold. Throws a Fault when one cannot be evaluated. */
export type ConditionTest = (constants: readonly unknown[], evaluation: Evaluation) => boolean

/** What policies that differ only in their constants have in common. */
interface SharedCode {
  readonly test: ConditionTest
  /** The members of the context it can read; undefined when it uses the context as a whole. */
  readonly contextMembers: ReadonlySet<string> | undefined
}

export interface GeneratedCode extends SharedCode {
  /** What to call the test with. */
  readonly constants: readonly unknown[]
}

/**
 * Functions made, by their text, and accessors, by their name. They are kept across sets, because a set that is
 * compiled anew mostly has the shapes of the one before, and code that has run is code the engine has optimised.
 */
const codes = new Map<string, SharedCode>()
const accessors = new Map<string, Accessor>()

/** Kept at most, of each; then all are forgotten. */
const MAX_KEPT = 4096

const UNCONDITIONAL: GeneratedCode = { test: () => true, contextMembers: new Set(), constants: [] }

/** The function for conditions, and the constants to call it with. */
export function generate(conditions: readonly Condition[]): GeneratedCode {
  if (conditions.length === 0) return UNCONDITIONAL
  const shape = new Shape()
  const parts = conditions.map(({ kind, expression }) => {
    const text = shape.boolean(expression)
    return kind === 'when' ? text : `!${text}`
  })
  const text = parts.join('&&')
  const { names, constants } = shape
  const { test, contextMembers } = kept(codes, `${JSON.stringify(names)}${text}`, () => ({
    test: makeTest(text, names),
    contextMembers: contextMembersOf(conditions),
  }))
  return { test, contextMembers, constants }
}

function makeTest(text: string, names: readonly string[]): ConditionTest {
  const source = [
    `const {${Object.keys(RUNTIME).join(',')}}=R;`,
    ...names.map((_, index) => `const N${index}=N[${index}];`),
    `return (K,E)=>{const p=E.principal,a=E.action,r=E.resource,c=E.context;return ${text}}`,
  ]
  const make = compileFunction(source.join('\n'), ['R', 'N']) as (
    runtime: typeof RUNTIME,
    accessors: readonly Accessor[],
  ) => ConditionTest
  return make(
    RUNTIME,
    names.map((name) => kept(accessors, name, () => makeAccessor(name))),
  )
}

function kept<T>(cache: Map<string, T>, key: string, make: () => T): T {
  let found = cache.get(key)
  if (found === undefined) {
    found = make()
    if (cache.size >= MAX_KEPT) cache.clear()
    cache.set(key, found)
  }
  return found
}

// Conditions to JavaScript. Policies that differ only in their constants share one function: constants are lifted out
// into an array, and only attribute names stand in the generated text, as JSON string literals. The law: no character
// of a policy reaches the text in any other way.

import { compileFunction } from 'node:vm'
import { makeAccessor } from './accessor.ts'
import type { Accessor } from './accessor.ts'
import type { Evaluation } from './evaluation.ts'
import { RUNTIME } from './runtime.ts'
import { Shape } from './shape.ts'
import type { Condition } from './syntax.ts'

/** Whether all conditions hold. Throws a Fault when one cannot be evaluated. */
export type ConditionTest = (constants: readonly unknown[], evaluation: Evaluation) => boolean

/** Makes functions, each shape once. */
export class Generator {
  readonly #functions = new Map<string, ConditionTest>()
  readonly #accessors = new Map<string, Accessor>()

  generate(conditions: readonly Condition[]): { test: ConditionTest; constants: readonly unknown[] } {
    const shape = new Shape()
    const tests = conditions.map(({ kind, expression }) => {
      const test = shape.boolean(expression)
      return kind === 'when' ? test : `!${test}`
    })
    const text = tests.length === 0 ? 'true' : tests.join('&&')
    const key = JSON.stringify([shape.names, text])
    let test = this.#functions.get(key)
    if (test === undefined) {
      test = this.#compile(text, shape.names)
      this.#functions.set(key, test)
    }
    return { test, constants: shape.constants }
  }

  #compile(text: string, names: readonly string[]): ConditionTest {
    const accessors = names.map((name) => {
      let accessor = this.#accessors.get(name)
      if (accessor === undefined) this.#accessors.set(name, (accessor = makeAccessor(name)))
      return accessor
    })
    const source = [
      `const {${Object.keys(RUNTIME).join(',')}}=R;`,
      ...names.map((_, index) => `const N${index}=N[${index}];`),
      `return (K,E)=>{const p=E.principal,a=E.action,r=E.resource,c=E.context;return ${text}}`,
    ]
    const make = compileFunction(source.join('\n'), ['R', 'N']) as (
      runtime: typeof RUNTIME,
      accessors: readonly Accessor[],
    ) => ConditionTest
    return make(RUNTIME, accessors)
  }
}

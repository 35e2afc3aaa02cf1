// What must be true for a policy to be satisfied, taken apart as far as conjunctions go, in the order of evaluation.

import { conditionDemand } from '../decide/demands.ts'
import type { Expression, Policy } from '../policy/syntax.ts'

/** The expressions that must all be true, apart from the scope. */
export function conjunctsOf({ conditions }: Policy): readonly Expression[] {
  const conjuncts: Expression[] = []
  for (const condition of conditions) collect(conditionDemand(condition), true, conjuncts)
  return conjuncts
}

/** Collects what must be true for an expression to be true, or to be false. */
function collect(expression: Expression, wanted: boolean, conjuncts: Expression[]): void {
  if (expression.kind === 'not') collect(expression.operand, !wanted, conjuncts)
  else if (expression.kind === (wanted ? 'and' : 'or'))
    for (const operand of expression.operands) collect(operand, wanted, conjuncts)
  else conjuncts.push(wanted ? expression : { kind: 'not', at: expression.at, operand: expression })
}

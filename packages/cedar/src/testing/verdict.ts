// For tests: what an expression comes to in a `when`. Every verdict is asked of the generated code and of the
// interpreter, and they must agree.

import { compile } from '../compile/compile.ts'
import type { PolicySet } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import { entity } from '../values/entity.ts'
import type { EntityStore } from '../values/entity.ts'
import { Evaluation } from '../decide/evaluation.ts'
import type { Request } from '../decide/evaluation.ts'
import { Interpreter } from '../decide/interpret.ts'
import { HOLDS, LACKS } from '../decide/outcomes.ts'
import { parsePolicies } from '../text/parse.ts'
import type { RecordValue } from '../values/values.ts'

export const ALICE = entity('User', 'alice', {
  parents: [entity('Group', 'staff', { parents: [entity('Org', 'corp')] })],
  attrs: {
    age: 42,
    name: 'Alice',
    labels: ['a', 'b'],
    manager: entity('User', 'bob', { attrs: { age: 50 } }),
  },
  tags: { department: 'sales' },
})
export const READ = entity('Action', 'read', { parents: [entity('Action', 'any')] })
export const FILE = entity('File', 'notes', { parents: [entity('Folder', 'home')], attrs: { size: 10 } })

export function request(context: RecordValue = {}): Request {
  return { principal: ALICE, action: READ, resource: FILE, context }
}

/** Compiles policies that are known to be right. */
export function policySet(text: string): PolicySet {
  const parsed = parsePolicies(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors))
  const compiled = compile(parsed.value)
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors))
  return compiled.value
}

export type Verdict = 'true' | 'false' | 'error'

export function verdict(expression: string, context: RecordValue = {}, entities?: EntityStore): Verdict {
  const set = policySet(`permit (principal, action, resource) when { ${expression} };`)
  const { decision, errors } = decide(set, request(context), entities)
  const [policy] = set.policies
  const interpreter = new Interpreter(new Evaluation(request(context), entities))
  const outcomes = policy === undefined ? undefined : interpreter.judge(policy).outcomes
  const generated = errors.length > 0 ? 'error' : decision === 'allow' ? 'true' : 'false'
  const interpreted = outcomes === HOLDS ? 'true' : outcomes === LACKS ? 'false' : 'error'
  if (interpreted !== generated) throw new Error(`interpreted as ${interpreted}, generated as ${generated}`)
  return generated
}

// For tests: what an expression comes to in a `when`. Every verdict is asked of the generated code and of the
// interpreter, and they must agree.

import { compile } from '../compile.ts'
import type { PolicySet } from '../compile.ts'
import { decide } from '../decide.ts'
import { entity } from '../entity.ts'
import type { EntityStore } from '../entity.ts'
import type { Request } from '../evaluation.ts'
import { parsePolicies } from '../parse.ts'
import { decidePartial } from '../partial.ts'
import type { RecordValue } from '../values.ts'

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
  const partial = decidePartial(set, request(context), { unknown: [], ...(entities && { entities }) })
  const interpreted = partial.errors.length > 0 ? 'error' : partial.decision === 'allow'
  const generated = errors.length > 0 ? 'error' : decision === 'allow'
  if (interpreted !== generated) throw new Error(`interpreted as ${interpreted}, generated as ${generated}`)
  return String(generated) as Verdict
}

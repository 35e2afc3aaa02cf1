// What conditions look at of an action: whether at the action itself, and at which paths in its context. Actions that
// are the same in all this are the same to a policy, and a schema may have thousands of them.

import { childrenOf } from '../compile/walk.ts'
import type { Expression, Policy } from '../policy/syntax.ts'
import type { ActionType, CedarType, RecordType } from '../schema/schema.ts'

export interface Uses {
  readonly action: boolean
  /** Names from the context inwards; none for the context as a whole. Sorted. */
  readonly context: readonly (readonly string[])[]
}

export const NOTHING_USED: Uses = { action: false, context: [] }

export function usesOf({ conditions }: Policy): Uses {
  let action = false
  const paths = new Map<string, readonly string[]>()
  const visit = (expression: Expression, after: readonly string[]): void => {
    if (expression.kind === 'attribute') return visit(expression.object, [expression.name, ...after])
    if (expression.kind === 'has') return visit(expression.object, expression.path)
    if (expression.kind === 'variable') {
      if (expression.name === 'action') action = true
      if (expression.name === 'context') paths.set(JSON.stringify(after), after)
    }
    for (const child of childrenOf(expression)) visit(child, [])
  }
  for (const { expression } of conditions) visit(expression, [])
  const context = [...paths].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path)
  return { action, context }
}

/** A text that is the same for actions that only the action itself tells apart. */
export function signatureOf({ principals, resources, context }: ActionType, uses: Uses): string {
  return JSON.stringify([
    [...principals].sort(),
    [...resources].sort(),
    ...uses.context.map((path) => signatureAt(context, path)),
  ])
}

/** How far a path leads through records, whether what it names there is required, and the type of its end. */
function signatureAt(context: RecordType, path: readonly string[]): string {
  let type: CedarType = context
  let text = ''
  for (const name of path) {
    if (type.kind !== 'record') break
    const member = type.members.get(name)
    if (member === undefined) return `${text}-`
    text += member.required ? '!' : '?'
    ;({ type } = member)
  }
  return text + textOf(type)
}

/** Types are shared by many actions. */
const texts = new WeakMap<CedarType, string>()

/** The same for the same types. */
function textOf(type: CedarType): string {
  let text = texts.get(type)
  if (text === undefined) {
    text = write(type)
    texts.set(type, text)
  }
  return text
}

function write(type: CedarType): string {
  switch (type.kind) {
    case 'extension':
      return type.name
    case 'entity':
      return `entity ${type.type}`
    case 'set':
      return `[${textOf(type.element)}]`
    case 'record': {
      const members = [...type.members].map(
        ([name, { type: of, required }]) => `${JSON.stringify(name)}${required ? '' : '?'}:${textOf(of)}`,
      )
      return `{${members.sort().join()}}`
    }
    default:
      return type.kind
  }
}

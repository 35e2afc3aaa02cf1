/**
 * Arguments that no definition describes: the tools of a server may not be known, and a tool may take what Cedar has no
 * type for. There the policies are taken at their word, so that what else stands in them can be checked.
 */
import {
  type ActionDeclaration,
  type MemberDeclaration,
  type SchemaFragment,
  suggest,
  type ToolNote,
  type TypeExpression,
} from '@tollgate/cedar'
import type { Use } from './uses.ts'

type RecordExpression = Extract<TypeExpression, { kind: 'record' }>

/**
 * Adds to the inputs of tools the members that policies use where the notes say that something is not known. What every
 * policy tests for is optional. A name close to one that is known is not taken over: it is more likely misspelt.
 */
export function withAssumed(
  fragment: SchemaFragment,
  notes: readonly ToolNote[],
  useOf: (tool: string) => Use,
): SchemaFragment {
  const unknown = Map.groupBy(
    notes.filter(({ kind }) => kind === 'unchecked'),
    ({ tool }) => tool,
  )
  const namespaces = fragment.namespaces.map((namespace) => {
    const actions = new Map(namespace.actions)
    for (const [tool, places] of unknown) {
      const action = actions.get(tool)
      if (action === undefined) continue
      const change = (input: RecordExpression) => complete(input, useOf(tool), { unknown: places, path: [] })
      actions.set(tool, withInput(action, change))
    }
    return { ...namespace, actions }
  })
  return { ...fragment, namespaces }
}

function withInput(
  action: ActionDeclaration,
  change: (input: RecordExpression) => RecordExpression,
): ActionDeclaration {
  const { appliesTo } = action
  const { context } = appliesTo ?? {}
  if (appliesTo === undefined || context?.kind !== 'record') return action
  const input = context.members.get('input')
  if (input?.type.kind !== 'record') return action
  const members = new Map(context.members).set('input', { ...input, type: change(input.type) })
  return { ...action, appliesTo: { ...appliesTo, context: { ...context, members } } }
}

interface Place {
  /** Of the same input, where something is not known. */
  readonly unknown: readonly ToolNote[]
  readonly path: readonly string[]
}

function complete(record: RecordExpression, { members }: Use, { unknown, path }: Place): RecordExpression {
  const { at } = record
  const completed = new Map(record.members)
  const isOpen = unknown.some((note) => samePath(note.path, path))
  for (const [name, use] of members) {
    const here = [...path, name]
    const declared = record.members.get(name)
    if (declared?.type.kind === 'record')
      completed.set(name, { ...declared, type: complete(declared.type, use, { unknown, path: here }) })
    if (declared !== undefined) continue
    const left = unknown.find((note) => samePath(note.path, here))
    const isFree = left !== undefined || (isOpen && suggest(name, record.members.keys()) === undefined)
    const type = isFree ? typeOfUse(use, at) : undefined
    const required = left?.required ?? !use.tested
    if (type !== undefined) completed.set(name, { type, required, annotations: new Map(), at })
  }
  return { ...record, members: completed }
}

/** Undefined when policies do not show which type it is, or do not agree. */
function typeOfUse({ members, types }: Use, at: number): TypeExpression | undefined {
  const [type, ...others] = [...types].filter((each) => each !== undefined)
  if (others.length > 0) return undefined
  if (members.size > 0) return type === undefined ? recordOfUses(members, at) : undefined
  if (type !== undefined) return named(type, at)
  // What is only tested for can be of any type.
  return types.size === 0 ? named('String', at) : undefined
}

function recordOfUses(uses: Use['members'], at: number): TypeExpression {
  const members = new Map<string, MemberDeclaration>()
  for (const [name, use] of uses) {
    const type = typeOfUse(use, at)
    if (type !== undefined) members.set(name, { type, required: !use.tested, annotations: new Map(), at })
  }
  return { kind: 'record', members, at }
}

function named(type: string, at: number): TypeExpression {
  const [, element] = /^Set<(.*)>$/.exec(type) ?? []
  return element === undefined
    ? { kind: 'name', name: type, at }
    : { kind: 'set', element: named(element, at), at }
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((step, at) => step === b[at])
}

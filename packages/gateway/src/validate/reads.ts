/** Where policies read the attributes that the engine objects to: it gives a span and a path, the syntax tree tells the rest. */
import { type Expression, expressionToText, parsePolicies, type Policy } from '@tollgate/cedar'
import { expressionsAt, placeOf, type Span } from './places.ts'

/** What was read, from the syntax tree; where that does not tell, from the engine's words. */
export interface Read {
  /** In Cedar, such as `context.input`. */
  readonly object: string
  /** The test for it, in Cedar. */
  readonly guard: string
  readonly name: string
  /** From the variable down. */
  readonly names: readonly string[]
  readonly root: string | undefined
  /** How many of the last names the engine's path has. */
  readonly depth: number
  readonly place: ReturnType<typeof placeOf>
}

/** Finds the read that the engine points at. `path` is as it writes it, from the context or the nearest entity down. */
export function readAt(policy: Policy, span: Span, path: string): Read {
  const wanted = namesIn(path)
  const reads = readsIn(expressionsAt(policy, span)[0]).map((node) => ({ node, names: namesOf(node) }))
  const found =
    reads.find(({ names }) => samePath(names, wanted)) ??
    reads.find(({ names }) => samePath(names.slice(-wanted.length), wanted))
  if (found === undefined) return unread(policy, span, wanted.at(-1) ?? path)
  const { node, names } = found
  const { at, name, object } = node
  const isBracket = policy.source.text[at] === '['
  const end = isBracket ? policy.source.text.indexOf(']', at) + 1 : at + name.length
  return {
    object: expressionToText(object),
    guard: expressionToText({ kind: 'has', at, object, path: [name] }),
    name,
    names,
    root: rootOf(node),
    depth: wanted.length,
    place: placeOf(policy, { start: at, end }),
  }
}

/** When the syntax tree has no such access where the engine sees one. */
function unread(policy: Policy, span: Span, name: string): Read {
  const place = placeOf(policy, span)
  const guard = `… has ${name}`
  return { object: 'the value', guard, name, names: [name], root: undefined, depth: 1, place }
}

type Attribute = Extract<Expression, { kind: 'attribute' }>

/** The attributes read one after another up to an expression, the last first: the engine points at the whole chain. */
function readsIn(expression: Expression | undefined): readonly Attribute[] {
  switch (expression?.kind) {
    case 'attribute':
      return [expression, ...readsIn(expression.object)]
    case 'isEmpty':
      return readsIn(expression.operand)
    case 'call':
      return readsIn(expression.arguments[0])
    case 'binary':
      return readsIn(expression.left)
    default:
      return []
  }
}

function namesOf(expression: Expression): readonly string[] {
  return expression.kind === 'attribute' ? [...namesOf(expression.object), expression.name] : []
}

/** The names of a path as the engine writes it, which is as in a policy. */
function namesIn(path: string): readonly string[] {
  const object = path.startsWith('[') ? 'context' : 'context.'
  const parsed = parsePolicies(`permit (principal, action, resource) when { ${object}${path} };`)
  const [condition] = parsed.ok ? (parsed.value[0]?.conditions ?? []) : []
  return condition === undefined ? [path] : namesOf(condition.expression)
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((step, at) => step === b[at])
}

function rootOf(expression: Expression): string | undefined {
  if (expression.kind === 'attribute') return rootOf(expression.object)
  return expression.kind === 'variable' ? expression.name : undefined
}

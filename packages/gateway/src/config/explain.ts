/**
 * Turns the schema's complaints into sentences for the person who wrote the file: the key, what is wrong, how to mend
 * it. Values are never repeated, as any of them may be a secret; keys are.
 */
import type * as z from 'zod'
import type { Complaint, Path, YamlDocument } from './document.ts'
import { closest, hintFor } from './hints.ts'
import { configJsonSchema } from './schema.ts'

/** `servers.files.command[0]`. */
export function showPath(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('')
}

/** One complaint for each thing wrong. */
export function explainIssue(issue: z.core.$ZodIssue, document: YamlDocument): Complaint[] {
  const { path } = issue
  const about = path.length === 0 ? 'the file' : showPath(path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const keyPath = [...path, key]
      return { position: document.positionOfKey(keyPath), message: explainUnknownKey(keyPath) }
    })
  }
  const meant = issue.code === 'invalid_union' ? meantAlternative(issue) : undefined
  if (meant !== undefined)
    return meant.flatMap((inner) => explainIssue({ ...inner, path: [...path, ...inner.path] }, document))
  if (issue.code === 'invalid_key') {
    const message = `${about} ${issue.issues[0]?.message ?? 'is not accepted here'}`
    return [{ position: document.positionOfKey(path), message }]
  }
  return [{ position: document.positionOfValue(path), message: `${about} ${explainValue(issue)}` }]
}

/** What is wrong by the one alternative that the value is of the right kind for; undefined where there is no such one. */
function meantAlternative({
  errors,
  discriminator,
}: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  if (discriminator !== undefined) return undefined
  const isOfAnotherKind = ({ code, path }: z.core.$ZodIssue) =>
    path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
  const fitting = errors.filter((issues) => !issues.some(isOfAnotherKind))
  return fitting.length === 1 ? fitting[0] : undefined
}

function explainUnknownKey(path: Path): string {
  const hint = hintFor(path)
  if (hint !== undefined) return `${showPath(path)} ${hint}`
  const parent = path.slice(0, -1)
  const known = knownKeys(parent)
  const meant = closest(String(path.at(-1)), known)
  const where = parent.length === 0 ? 'the file' : showPath(parent)
  const mend = meant === undefined ? `${where} takes ${list(known)}` : `did you mean ${meant}?`
  return `unknown key ${showPath(path)}; ${mend}`
}

function explainValue(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return explainType(issue.expected, issue.input, issue.path)
    case 'invalid_value':
      return oneOf(issue.values.map(String), issue.input)
    case 'too_small':
      if (issue.origin === 'number' || issue.origin === 'int') return `must be at least ${issue.minimum}`
      return 'must not be empty'
    case 'too_big':
      if (issue.origin === 'number' || issue.origin === 'int') return `must be at most ${issue.maximum}`
      return `must not be longer than ${issue.maximum} characters`
    case 'invalid_union':
      return issue.discriminator === undefined ? explainUnion(issue) : explainChoice(issue)
    default:
      return issue.message
  }
}

function explainChoice(issue: z.core.$ZodIssueInvalidUnion): string {
  const choices = (issue as { options?: unknown[] }).options ?? []
  const input = issue.input as Record<string, unknown> | undefined
  return oneOf(choices.map(String), input?.[issue.discriminator ?? ''])
}

/** Alternatives of different kinds are named; others say themselves what they have in common. */
function explainUnion({ errors, message }: z.core.$ZodIssueInvalidUnion): string {
  const kinds = errors.flat().flatMap((issue) => {
    if (issue.code === 'invalid_type') return words[issue.expected] ?? issue.expected
    return issue.code === 'invalid_value' ? issue.values.map(String) : []
  })
  return new Set(kinds).size > 1 ? `must be ${list(kinds, 'or')}` : message
}

function oneOf(choices: readonly string[], input: unknown): string {
  if (input === undefined) return `is missing; it is ${list(choices, 'or')}`
  const meant = typeof input === 'string' ? closest(input, choices) : undefined
  return `must be ${list(choices, 'or')}${meant === undefined ? '' : `; did you mean ${meant}?`}`
}

const words: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
  record: 'a map of names and values',
}

function explainType(expected: string, input: unknown, path: Path): string {
  const example = exampleOf(path)
  const such = example === undefined ? '' : `, such as ${example}`
  const wanted = `${words[expected] ?? expected}${such}`
  if (input === undefined) return `is missing; it is ${wanted}`
  if (input === null) return `has no value; write ${wanted}, or remove the key`
  if (expected === 'string' && typeof input !== 'object')
    return `must be text: put it in quotes${such && ` (${example})`}`
  return `must be ${wanted}`
}

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | boolean
  readonly items?: Shape
  readonly oneOf?: readonly Shape[]
  readonly anyOf?: readonly Shape[]
  readonly examples?: readonly unknown[]
}

let root: Shape | undefined

/** The parts of the schema that describe what stands at `path`; several where there are alternatives. */
function shapesAt(path: Path): readonly Shape[] {
  root ??= configJsonSchema() as Shape
  let shapes: readonly Shape[] = [root]
  for (const part of path) {
    shapes = shapes
      .flatMap((shape) => shape.oneOf ?? shape.anyOf ?? [shape])
      .flatMap((shape) => {
        if (typeof part === 'number') return shape.items ?? []
        const own = Object.hasOwn(shape.properties ?? {}, part) ? shape.properties?.[String(part)] : undefined
        return own ?? (typeof shape.additionalProperties === 'object' ? shape.additionalProperties : [])
      })
  }
  return shapes.flatMap((shape) => shape.oneOf ?? shape.anyOf ?? [shape])
}

function knownKeys(path: Path): readonly string[] {
  return [...new Set(shapesAt(path).flatMap((shape) => Object.keys(shape.properties ?? {})))]
}

function exampleOf(path: Path): string | undefined {
  const example = shapesAt(path).find((shape) => shape.examples !== undefined)?.examples?.[0]
  if (example === undefined) return undefined
  return showExample(example)
}

function showExample(example: unknown): string {
  if (typeof example !== 'object' || example === null) return String(example)
  if (Array.isArray(example)) return `[${example.map(String).join(', ')}]`
  const pairs = Object.entries(example).map(([key, value]) => `${key}: ${showExample(value)}`)
  return `{ ${pairs.join(', ')} }`
}

function list(names: readonly string[], conjunction = 'and'): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} ${conjunction} ${names.at(-1)}`
}

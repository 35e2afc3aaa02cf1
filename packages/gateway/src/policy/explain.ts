/**
 * Why a call was refused, for two readers. The log gets all of it: the policies, their places, the conditions and what
 * they read. The caller gets what it knows already: the names of its own arguments, and ids of policies, which every
 * refusal names. Neither the text of a policy nor any value goes to the caller.
 */
import { type Explanation, explain, type Held, type Miss, type Position, type Request } from '@tollgate/cedar'
import type { Policies } from './policies.ts'

/** What a refusal can tell beyond that it is one. */
export interface Reasons {
  /** For the log. */
  readonly detail: string | undefined
  /** Policies that could not be evaluated, for the log. */
  readonly errors: readonly string[]
  /** The permit that only other arguments would satisfy, for the caller. */
  readonly almost: Almost | undefined
}

export interface Almost {
  readonly policy: string
  /** Names of the caller's arguments that the condition read; empty when it missed one. */
  readonly arguments: readonly string[]
}

const NOTHING: Reasons = { detail: undefined, errors: [], almost: undefined }

/** Explains a refused request. A refusal stands whatever happens here. */
export function reasonsOf(policies: Policies, request: Request): Reasons {
  let explanation: Explanation
  try {
    explanation = explain(policies.all, request)
  } catch {
    return NOTHING
  }
  const { determining, failed, nearest } = explanation
  const parts = [...determining.map(showHeld), ...nearest.map((miss) => `nearest: ${showMiss(miss)}`)]
  return {
    detail: parts.length === 0 ? undefined : parts.join('; '),
    errors: failed.map(showMiss),
    almost: almostOf(nearest[0]),
  }
}

function showHeld({ policy, position, conditions }: Held): string {
  const shown = conditions.map(({ text, values }) => `${text}${showValues(values)}`)
  return `"${policy}" (${showPlace(position)})${shown.length === 0 ? '' : `: ${shown.join(' and ')}`}`
}

function showMiss({ policy, at, missed, text, values, error }: Miss): string {
  const what =
    error === undefined ? `${missed === 'condition' ? '' : `${missed}: `}${text}` : `${error}: ${text}`
  return `"${policy}" (${showPlace(at)}): ${what}${showValues(values)}`
}

function showPlace({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`
}

function showValues(values: Miss['values']): string {
  if (values.length === 0) return ''
  return ` [${values.map(({ text, value }) => `${text} = ${value}`).join(', ')}]`
}

/** Only where nothing but arguments of the call stood in the way. */
function almostOf(miss: Miss | undefined): Almost | undefined {
  if (miss?.missed !== 'condition' || miss.values.length === 0) return undefined
  const names = new Set<string>()
  for (const { text } of miss.values) {
    const [, rest] = /^context\.input($|[.[].*)/s.exec(text) ?? []
    if (rest === undefined) return undefined
    const name = nameIn(rest)
    if (name !== undefined) names.add(name)
  }
  return { policy: miss.policy, arguments: [...names] }
}

/** `path` in `.path` and `["path"]`, and in longer ways that begin so. */
function nameIn(way: string): string | undefined {
  const [, plain, quoted] = /^\.(\w+)|^\[("(?:[^"\\]|\\.)*")\]/s.exec(way) ?? []
  if (plain !== undefined || quoted === undefined) return plain
  try {
    return JSON.parse(quoted) as string
  } catch {
    return undefined
  }
}

/**
 * Why a call was refused, for two readers. The log gets all of it: the policies, their places, the conditions and what
 * they read. The caller gets what it knows already: the names of its own arguments, and ids of policies, which every
 * refusal names. Neither the text of a policy nor any value goes to the caller.
 */
import { type Explanation, explain, type Held, type Miss, type Position } from '@tollgate/cedar'
import type { Target } from '../model/decision.ts'
import { contextOf, type Inquiry, requestOf } from './request.ts'
import { satisfiable } from './visible.ts'

/** What a refusal can tell beyond that it is one. */
export interface Reasons {
  /** For the log. */
  readonly detail: string | undefined
  /** The permit that other arguments could satisfy, for the caller. */
  readonly almost: Almost | undefined
}

export interface Almost {
  readonly policy: string
  /**
   * The caller's arguments that the condition read, dotted where they are inside others; empty when it looked for one
   * that is not there.
   */
  readonly arguments: readonly string[]
}

/** Explains a refused request. A refusal stands whatever happens here. */
export function reasonsOf(inquiry: Inquiry, target: Target): Reasons {
  try {
    const explanation = explainTarget(inquiry, target)
    return { detail: describe(explanation), almost: almostOf(explanation, inquiry, target) }
  } catch (problem) {
    return { detail: `not explained: ${String(problem)}`, almost: undefined }
  }
}

/** Explains what the policies say of one target of a query. */
export function explainTarget(inquiry: Inquiry, target: Target): Explanation {
  return explain(inquiry.policies.all, requestOf(inquiry, target, contextOf(inquiry)))
}

function describe({ determining, failed, nearest }: Explanation): string | undefined {
  const near = nearest.filter(({ error }) => error === undefined)
  const parts = [
    ...failed.map(showMiss),
    ...determining.map(showHeld),
    ...near.map((miss) => `nearest: ${showMiss(miss)}`),
  ]
  return parts.length === 0 ? undefined : parts.join('; ')
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

/** Of the permits whose scope matches, the nearest that other arguments could satisfy. */
function almostOf({ nearest }: Explanation, inquiry: Inquiry, target: Target): Almost | undefined {
  const reading = nearest.filter(
    ({ missed, paths }) => missed === 'condition' && paths.some(([root]) => root === 'input'),
  )
  if (reading.length === 0) return undefined
  const possible = new Set(satisfiable(inquiry, target))
  const found = reading.find(({ policy }) => possible.has(policy))
  return found && { policy: found.policy, arguments: argumentsIn(found.paths) }
}

function argumentsIn(paths: Miss['paths']): readonly string[] {
  const inside = paths.filter(([root, name]) => root === 'input' && name !== undefined)
  return [...new Set(inside.map(([, ...names]) => names.join('.')))]
}

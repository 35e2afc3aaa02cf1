/** How a call was judged, for people and for programs. */
import type { ExplainedCondition, Explanation, Held, Miss, Policy, Position } from '@tollgate/cedar'
import { remedyText } from '../mcp/render.ts'
import { showEntity } from '../model/caller.ts'
import type { Decision, Query } from '../model/decision.ts'
import type { Refusal } from '../model/refusal.ts'
import { excerpt } from './show-findings.ts'
import { harmless, paint, print } from './terminal.ts'

export interface Judged {
  readonly query: Query
  readonly decision: Decision
  readonly explanation: Explanation
}

/** For programs. */
export function asMembers({ query, decision, explanation }: Judged): object {
  const { caller, server, method, target } = query
  const { determining, failed, nearest } = explanation
  return {
    decision: decision.effect,
    ...toldOf(decision.refusal),
    principal: showEntity(caller.principal),
    agent: caller.agent === undefined ? null : showEntity(caller.agent),
    server,
    method,
    action: target.action,
    resource: showEntity(target.resource),
    policies: decision.policies,
    determining,
    failed,
    nearest,
  }
}

function toldOf(refusal: Refusal | undefined): object {
  if (refusal === undefined) return {}
  const { reason, message, remedy, arguments: names, detail } = refusal
  return { reason, message, remedy, arguments: names, detail }
}

/** For people. `policies` are all there are. */
export function showJudged({ query, decision, explanation }: Judged, policies: readonly Policy[]): void {
  const { caller, subject, method } = query
  const { refusal } = decision
  const through = caller.agent === undefined ? '' : ` through ${showEntity(caller.agent)}`
  const verdict = refusal === undefined ? paint('green', 'allow') : paint('red', 'deny')
  const reason = refusal === undefined ? '' : `  ${paint('yellow', refusal.reason)}`
  print(`${verdict}  ${harmless(`${showEntity(caller.principal)}${through}  ${method} ${subject}`)}${reason}`)
  if (refusal !== undefined) showRefusal(refusal)

  const { decision: effect, determining, failed, nearest } = explanation
  const sources = new Map(policies.map(({ id, source }) => [id, source.text]))
  for (const miss of failed) showMiss(miss, sources)
  for (const held of determining) showHeld(held, effect === 'allow' ? 'permits' : 'forbids', sources)
  const near = nearest.filter(({ error }) => error === undefined)
  for (const miss of near) showMiss(miss, sources)
  if (failed.length + determining.length + near.length === 0)
    print('\nno permit comes near: each misses two or more of principal, action and resource')
}

function showRefusal({ message, remedy, detail }: Refusal): void {
  print(`the caller is told: ${harmless(message + remedyText(remedy))}`)
  if (detail !== undefined) print(`the caller is not told: ${harmless(detail)}`)
}

/** Texts of the files, by ids of the policies in them. */
type Sources = ReadonlyMap<string, string>

function showHeld({ policy, position, conditions }: Held, does: string, sources: Sources): void {
  const why = conditions.map(({ text }) => text).join(' and ')
  print(heading(position, `"${policy}" ${does} this${why === '' ? '' : `, for ${why}`}`))
  for (const condition of conditions) showCondition(condition, sources.get(policy))
}

function showMiss(miss: Miss, sources: Sources): void {
  const { policy, text, error, missed } = miss
  const source = sources.get(policy)
  const at = missed === 'condition' ? miss.at : placeInScope(miss, source)
  const what =
    error === undefined
      ? `"${policy}" came near to permitting this; it needs ${text}`
      : `"${policy}" could not be evaluated: ${error}`
  print(heading(at, what))
  showCondition({ ...miss, at }, source)
}

function heading({ file, line, column }: Position, what: string): string {
  return `\n${harmless(`${file}:${line}:${column}: ${what}`)}`
}

function showCondition({ text, at, values }: ExplainedCondition, source: string | undefined): void {
  const line = source?.split('\n')[at.line - 1]?.replace(/\r$/, '') ?? ''
  // Where the tree writes it as the file does, its whole length is known.
  const length = spellings(text).find((each) => line.startsWith(each, at.column - 1))?.length ?? 1
  for (const shown of excerpt(line, { ...at, length })) print(shown)
  for (const { text: read, value } of values) print(`        ${harmless(`${read} = ${value}`)}`)
}

/** How a condition may stand in the file; in `unless` it stands without its negation. */
function spellings(text: string): readonly string[] {
  const [, bracketed] = /^!\((.*)\)$/s.exec(text) ?? []
  const [, plain] = /^!(.*)$/s.exec(text) ?? []
  return [text, bracketed, plain].filter((each) => each !== undefined)
}

/** Where a part of the scope stands, if it stands there as the tree writes it: the tree tells only of the policy. */
function placeInScope({ text, at }: Miss, source = ''): Position {
  for (const [index, line] of source.split('\n').entries()) {
    const from = index === at.line - 1 ? at.column - 1 : 0
    const found = index < at.line - 1 ? -1 : line.indexOf(text, from)
    if (found >= 0) return { ...at, line: index + 1, column: found + 1 }
    if (index >= at.line - 1 && line.includes(';', from)) break
  }
  return at
}

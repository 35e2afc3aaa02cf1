/**
 * The engine's diagnostics of one policy as findings: in the policy's file, at the word that is wrong, in our words and
 * with what to write instead. Whatever this does not know is passed on as the engine said it.
 */
import { expressionToText, type Policy, suggest } from '@tollgate/cedar'
import { type Access, explainAccesses, type Knowledge, parseAccess } from './attributes.ts'
import type { Diagnostic } from './engine-process.ts'
import type { Finding } from './finding.ts'
import { findTypos, testsUnknown } from './has.ts'
import { expressionsAt, placeOf, quote, type Span, spanOf } from './places.ts'
import { explainScope } from './scope-fault.ts'
import { explainType } from './types.ts'

export interface Explanation {
  /** What is wrong with a policy, each thing once. */
  readonly findings: readonly Finding[]
  /** Whether it tests or reads something that a request may have although the schema lacks it. */
  readonly isUnsure: boolean
}

/** Puts what the engine says in our words, and adds what it overlooks. */
export function explain(
  policy: Policy,
  diagnostics: readonly Diagnostic[],
  knowledge: Knowledge,
): Explanation {
  const accesses = new Map<string, Access[]>()
  const findings: Finding[] = []
  for (const each of diagnostics) {
    const diagnostic = { ...each, message: each.message.replace(/^for policy `[^`]*`[,:] /, '') }
    const span = spanOf(policy, each)
    const access = parseAccess(diagnostic, span)
    if (access === undefined)
      findings.push(
        (diagnostic.message.startsWith(NO_ACTION) && explainScope(policy, knowledge.schema)) ||
          explainOne(policy, diagnostic, span, knowledge),
      )
    else remember(accesses, `${span.start} ${span.end} ${access.path}`, access)
  }
  for (const group of accesses.values()) findings.push(explainAccesses(policy, group, knowledge))
  const isImpossible = findings.some(({ rule }) => NEVER.has(rule))
  findings.push(...findTypos(policy, knowledge, isImpossible))
  // Where a name that is tested may exist after all, what follows from its absence does not.
  const isUnsure =
    findings.some(({ rule }) => rule === 'unknown-attribute') || testsUnknown(policy, knowledge)
  const told = findings.some(({ rule }) => rule === 'unguarded-attribute')
    ? findings.filter(({ rule }) => rule !== 'unseen-guard')
    : findings
  const sure = isUnsure ? told.filter(({ rule }) => !NEVER.has(rule)) : withoutConsequences(told)
  return { findings: unique(sure), isUnsure }
}

/** Why a policy could not be judged at all. */
export function cannotJudge(policy: Policy, problem: string): Finding {
  const message = `this policy cannot be validated: ${problem}`
  const suggestion = 'where it is long or deeply nested, make several policies of it'
  return { ...policy.position, rule: 'validation', severity: 'error', message, suggestion, policy: policy.id }
}

type Explained = Pick<Finding, 'rule' | 'message'> & { readonly suggestion?: string | undefined }

function explainOne(policy: Policy, diagnostic: Diagnostic, span: Span, knowledge: Knowledge): Finding {
  const { suggestion, ...said } = reword(policy, diagnostic, span, knowledge)
  const whole = span.end - span.start >= policy.text.length
  const place = whole ? policy.position : placeOf(policy, span)
  const { severity } = diagnostic
  return {
    ...place,
    ...said,
    severity,
    policy: policy.id,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

function reword(policy: Policy, diagnostic: Diagnostic, span: Span, { schema }: Knowledge): Explained {
  const { message, help } = diagnostic
  const [, action] = /^unrecognized action `(.+)`$/s.exec(message) ?? []
  if (action !== undefined)
    return {
      rule: 'action',
      message: `there is no action ${action}`,
      suggestion: nearestAction(action, schema) ?? 'tollgate policy schema lists those there are',
    }
  const [, type] = /^unrecognized entity type `(.+)`$/s.exec(message) ?? []
  if (type !== undefined) {
    const close = suggest(type, [...schema.entityTypes.keys(), 'Action'])
    const suggestion =
      close === undefined
        ? `there are ${[...schema.entityTypes.keys()].join(', ')}`
        : `did you mean ${close}?`
    return { rule: 'entity-type', message: `there is no entity type ${type}`, suggestion }
  }
  if (message.startsWith(NO_ACTION)) {
    const told = 'this policy never applies: no action has such principals and resources together'
    return { rule: 'never-applies', message: told, suggestion: help ?? undefined }
  }
  if (message.startsWith('policy is impossible'))
    return { rule: 'impossible', message: 'this policy never applies: no request makes its conditions true' }
  const here = expressionsAt(policy, span)
  const fault = explainType(diagnostic, here, quote(policy, span))
  if (fault !== undefined) return { rule: 'type', ...fault }
  const [node] = here
  if (/access to tag/.test(message) && node?.kind === 'binary' && node.operator === 'getTag') {
    const [object, tag] = [expressionToText(node.left), expressionToText(node.right)]
    const told = `${object} need not have the tag ${tag}: where it is absent this policy is an error, and refuses the call`
    return {
      rule: 'unguarded-attribute',
      message: told,
      suggestion: `write \`${object}.hasTag(${tag}) && …\``,
    }
  }
  const [, kind, value] = /failed to parse as (?:an? )?(.+?)(?: value)?: `(.+)`$/s.exec(message) ?? []
  const told = kind === undefined ? message : `${value} is no ${kind}`
  const instead = message.startsWith('empty set literals')
    ? 'ask whether a set is empty with `.isEmpty()`'
    : undefined
  return { rule: 'validation', message: told, suggestion: help ?? instead }
}

/** The action that was most likely meant: one spelt alike, or the tool whose server was left out. */
function nearestAction(action: string, { actions }: Knowledge['schema']): string | undefined {
  const id = /^(?:\w+::)*Action::"(.*)"$/s.exec(action)?.[1] ?? action
  // One that ends with a star stands for those of a server that are not known.
  const ids = [...actions.values()].map(({ entity }) => entity.id).filter((each) => !each.endsWith('__*'))
  const close = ids.find((each) => each === id || each.endsWith(`__${id}`)) ?? suggest(id, ids)
  return close === undefined ? undefined : `did you mean \`Action::${JSON.stringify(close)}\`?`
}

const NO_ACTION = 'unable to find an applicable action'
const NEVER = new Set(['never-applies', 'impossible'])

/** A policy with an error in it often never applies, and one for which there is no action is impossible too. */
function withoutConsequences(findings: readonly Finding[]): readonly Finding[] {
  const hasError = findings.some(({ severity }) => severity === 'error')
  const hasNone = findings.some(({ rule }) => rule === 'never-applies')
  return findings.filter(({ rule }) => !NEVER.has(rule) || (!hasError && !(hasNone && rule === 'impossible')))
}

function unique(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map(findings.map((finding) => [JSON.stringify(finding), finding]))
  return [...seen.values()]
}

function remember(groups: Map<string, Access[]>, key: string, access: Access): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [access])
  else group.push(access)
}

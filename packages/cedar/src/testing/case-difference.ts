// For tests: a difference between the two engines, made small and put into words.

import { policySetFromJson, policySetToJson } from '../json/policy-set-json.ts'
import { policyToText } from '../print/policy.ts'
import { agree, ask, askOfficial } from './differential.ts'
import type { Answer } from './differential.ts'
import { parseExactly } from './exact-json.ts'
import type { Oracle } from './official.ts'
import type { Case } from './random-case.ts'
import type { PolicySetJson } from './random-policy-set.ts'
import { shrink } from './shrink.ts'

export interface Comparison {
  /** Ours, one for each request. */
  readonly answers: readonly Answer[]
  /** What differs, with the smallest case found that shows it; undefined when nothing does. */
  readonly difference: string | undefined
}

export function compare(oracle: Oracle, whole: Case): Comparison {
  const answers = ask(whole)
  const theirs = oracle.ask((official) => askOfficial(official, whole))
  const at = answers.findIndex((answer, index) => !agree(answer, theirs?.[index]))
  const request = whole.requests[at]
  if (request === undefined) return { answers, difference: undefined }
  const kind = kindOf(answers[at], theirs?.[at])
  const shows = (smaller: Case): boolean => differsAs(oracle, smaller) === kind
  const one = { ...whole, requests: [request] }
  const structured = { ...one, policies: withoutTexts(one.policies) }
  const smallest = shrink(shows(structured) ? structured : one, shows)
  return { answers, difference: reportOf(oracle, smallest) }
}

/** What kind of difference there is, so that shrinking does not arrive at another one. */
function kindOf(mine: Answer | undefined, theirs: Answer | undefined): string {
  if (agree(mine, theirs)) return ''
  return [mine, theirs].map((answer) => (answer === undefined ? 'none' : Object.keys(answer)[0])).join()
}

function differsAs(oracle: Oracle, smaller: Case): string {
  return kindOf(ask(smaller)[0], oracle.ask((official) => askOfficial(official, smaller))?.[0])
}

/** All policies as JSON, which can be taken apart. */
function withoutTexts(policies: PolicySetJson): PolicySetJson {
  const parts = policySetFromJson(JSON.stringify(policies))
  return parts.ok ? (parseExactly(policySetToJson(parts.value)) as unknown as PolicySetJson) : policies
}

function reportOf(oracle: Oracle, smallest: Case): string {
  const { schema, policies, entities, requests } = smallest
  const theirs = oracle.ask((official) => askOfficial(official, smallest))
  const parts = policySetFromJson(JSON.stringify(policies))
  const all = parts.ok ? [...parts.value.staticPolicies, ...parts.value.templates] : []
  return [
    ...(schema === undefined ? [] : [`schema: ${schema}`]),
    ...all.map((policy) => `// ${policy.id}\n${policyToText(policy)}`),
    `policies: ${JSON.stringify(policies)}`,
    `entities: ${JSON.stringify(entities)}`,
    `request: ${JSON.stringify(requests[0])}`,
    `here: ${JSON.stringify(ask(smallest)[0])}`,
    `official package: ${theirs === undefined ? 'trapped' : JSON.stringify(theirs[0])}`,
  ].join('\n')
}

// For tests: a difference between the two engines, made small and put into words.

import { policySetFromJson, policySetToJson } from '../json/policy-set-json.ts'
import { policyToText } from '../print/policy.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import { schemaToJson } from '../schema/schema-to-json.ts'
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
  const structured = withoutTexts(one)
  return { answers, difference: reportOf(oracle, smallestOf(shows(structured) ? structured : one, shows)) }
}

/** What a constraint of a scope, an expression and a type may be exchanged for. */
const SIMPLE = [{ op: 'All' }, { Value: true }, { type: 'Long' }]

/** Made smaller part by part: what other parts still need is gone in the second round. */
function smallestOf(whole: Case, shows: (smaller: Case) => boolean): Case {
  let smallest = whole
  for (let round = 0; round < 2; round++) {
    for (const part of ['policies', 'entities', 'requests'] as const) {
      const given = smallest
      smallest = {
        ...given,
        [part]: shrink(given[part], (smaller) => shows({ ...given, [part]: smaller }), SIMPLE),
      }
    }
    const { schema, ...others } = smallest
    if (schema?.startsWith('{') !== true) continue
    const written = (json: unknown): Case => ({ ...others, schema: JSON.stringify(json) })
    smallest = written(shrink(JSON.parse(schema), (smaller) => shows(written(smaller)), SIMPLE))
  }
  return smallest
}

/** What kind of difference there is, so that shrinking does not arrive at another one. */
function kindOf(mine: Answer | undefined, theirs: Answer | undefined): string {
  if (agree(mine, theirs)) return ''
  return [mine, theirs].map((answer) => (answer === undefined ? 'none' : Object.keys(answer)[0])).join()
}

function differsAs(oracle: Oracle, smaller: Case): string {
  return kindOf(ask(smaller)[0], oracle.ask((official) => askOfficial(official, smaller))?.[0])
}

/** With policies and schema as JSON, which can be taken apart. */
function withoutTexts({ policies, schema, ...others }: Case): Case {
  const parts = policySetFromJson(JSON.stringify(policies))
  const fragment = schema === undefined || schema.startsWith('{') ? undefined : parseSchema(schema)
  const asJson = fragment?.ok === true ? schemaToJson(fragment.value) : schema
  return {
    ...others,
    ...(asJson !== undefined && { schema: asJson }),
    policies: parts.ok ? (parseExactly(policySetToJson(parts.value)) as unknown as PolicySetJson) : policies,
  }
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

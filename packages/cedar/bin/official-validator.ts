// The official validator, for `--validate`. A development dependency of the repository, not of the package.
import type * as cedarWasm from '@cedar-policy/cedar-wasm/nodejs'
import type { CorpusValidation, ReadFile } from '@tollgate/cedar'
import { parseExactly } from '../src/testing/exact-json.ts'
import { type Official, officialSchema, Oracle } from '../src/testing/official.ts'

/** Asks whether policies are valid, and counts how often that is as a test says. */
export class OfficialValidator {
  passed = 0
  failed = 0
  readonly #read: ReadFile
  readonly #oracle = new Oracle()

  constructor(read: ReadFile) {
    this.#read = read
  }

  /** What is not as the test says; undefined when all is. */
  check(validation: CorpusValidation): string | undefined {
    // The official validator gives them in another order each time.
    const answer = this.#oracle.ask((official) => this.#errorsOf(official, validation))
    const errors = (answer ?? ['the official validator broke']).sort()
    const fault =
      (errors.length === 0) === validation.valid
        ? undefined
        : `the policies should ${validation.valid ? 'be valid' : 'not be valid'}${errors.map((error) => `; ${error}`).join('')}`
    if (fault === undefined) this.passed++
    else this.failed++
    return fault
  }

  #errorsOf(official: Official, validation: CorpusValidation): string[] {
    const policies = this.#policySet(official, validation)
    if ('error' in policies) return [policies.error]
    const schema = officialSchema((this.#read(validation.schema) ?? '').trimStart())
    const answer = official.validate({ schema, policies })
    return answer.type === 'failure'
      ? answer.errors.map(({ message }) => message)
      : answer.validationErrors.map(({ policyId, error }) => `${policyId}: ${error.message}`)
  }

  #policySet(
    official: Official,
    { policies, jsonPolicies }: CorpusValidation,
  ): cedarWasm.PolicySet | { readonly error: string } {
    const text = this.#read(policies) ?? ''
    if (jsonPolicies) return parseExactly(text) as cedarWasm.PolicySet
    const parts = official.policySetTextToParts(text)
    if (parts.type === 'failure') return { error: parts.errors.map(({ message }) => message).join('; ') }
    return {
      staticPolicies: named(parts.policies, 'policy'),
      templates: named(parts.policy_templates, 'template'),
      templateLinks: [],
    }
  }
}

function named(texts: readonly string[], prefix: string): Record<string, string> {
  return Object.fromEntries(texts.map((text, at) => [`${prefix}${at}`, text]))
}

// The official validator, for `--validate`. A development dependency of the repository, not of the package.
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import type * as cedarWasm from '@cedar-policy/cedar-wasm/nodejs'
import type { CorpusValidation, ReadFile } from '@tollgate/cedar'

/** Asks whether policies are valid, and counts how often that is as a test says. */
export class OfficialValidator {
  passed = 0
  failed = 0
  readonly #read: ReadFile
  readonly #official: typeof cedarWasm

  constructor(read: ReadFile) {
    this.#read = read
    // Inlining calls into WebAssembly can abort the process when the official engine runs hot.
    setFlagsFromString('--no-turbo-inline-js-wasm-calls')
    this.#official = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof cedarWasm
  }

  /** What is not as the test says; undefined when all is. */
  check(validation: CorpusValidation): string | undefined {
    // The official validator gives them in another order each time.
    const errors = this.#errorsOf(validation).sort()
    const fault =
      (errors.length === 0) === validation.valid
        ? undefined
        : `the policies should ${validation.valid ? 'be valid' : 'not be valid'}${errors.map((error) => `; ${error}`).join('')}`
    if (fault === undefined) this.passed++
    else this.failed++
    return fault
  }

  #errorsOf(validation: CorpusValidation): string[] {
    const policies = this.#policySet(validation)
    const text = this.#read(validation.schema) ?? ''
    const schema = /^\s*\{/.test(text) ? (JSON.parse(text) as cedarWasm.SchemaJson<string>) : text
    if ('error' in policies) return [policies.error]
    const answer = this.#official.validate({ schema, policies })
    return answer.type === 'failure'
      ? answer.errors.map(({ message }) => message)
      : answer.validationErrors.map(({ policyId, error }) => `${policyId}: ${error.message}`)
  }

  #policySet({ policies, jsonPolicies }: CorpusValidation): cedarWasm.PolicySet | { readonly error: string } {
    const text = this.#read(policies) ?? ''
    if (jsonPolicies) return JSON.parse(text) as cedarWasm.PolicySet
    const parts = this.#official.policySetTextToParts(text)
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

// For tests: the official engine, to be asked what is true.

import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import type * as cedarWasm from '@cedar-policy/cedar-wasm/nodejs'

export type Official = typeof cedarWasm

// Inlining calls into WebAssembly can abort the process when the official engine runs hot.
setFlagsFromString('--no-turbo-inline-js-wasm-calls')

const require = createRequire(import.meta.url)
const file = require.resolve('@cedar-policy/cedar-wasm/nodejs')

/** A fresh instance. One that has trapped is of no more use. */
export function loadOfficial(): Official {
  // oxlint-disable-next-line typescript/no-dynamic-delete
  delete require.cache[file]
  return require(file) as Official
}

/** A schema as it wants it: JSON as a value, the human-readable syntax as a text. */
export function officialSchema(text: string): cedarWasm.Schema {
  return text.startsWith('{') ? (JSON.parse(text) as cedarWasm.SchemaJson<string>) : text
}

/** The official engine, replaced when it traps. */
export class Oracle {
  #official = loadOfficial()
  /** Why instances trapped where a fresh one answered. */
  readonly restarts: string[] = []

  /** Its answer; undefined when a fresh instance traps too. */
  ask<T>(question: (official: Official) => T): T | undefined {
    try {
      return question(this.#official)
    } catch (error) {
      if (!isTrap(error)) throw error
      return this.#askAgain(question, error)
    }
  }

  #askAgain<T>(question: (official: Official) => T, trap: Error): T | undefined {
    this.#official = loadOfficial()
    try {
      const answer = question(this.#official)
      this.restarts.push(trap.message)
      return answer
    } catch (error) {
      if (!isTrap(error)) throw error
      this.#official = loadOfficial()
      return undefined
    }
  }

  /** Whether it takes something; undefined when it trapped. What is of no use at all to it, it throws at. */
  accepts(question: (official: Official) => { readonly type: string }): boolean | undefined {
    return this.ask((official) => {
      try {
        return question(official).type === 'success'
      } catch (error) {
        if (isTrap(error)) throw error
        return false
      }
    })
  }
}

/** Whether an error left an instance useless. Others are its way to refuse what it cannot make sense of at all. */
export function isTrap(error: unknown): error is Error {
  return error instanceof Error && ['RuntimeError', 'RangeError'].includes(error.name)
}

/** Reads what the configuration's secret references point to, when it is needed and not before. */
import { readFileSync } from 'node:fs'
import type { SecretOrValue } from '../config/config.ts'

/** The value; undefined when the variable is not set or the file cannot be read. */
export function readSecret(
  reference: SecretOrValue,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  switch (reference.kind) {
    case 'value':
      return reference.value
    case 'env':
      return env[reference.name]
    case 'file':
      try {
        return readFileSync(reference.path, 'utf8').replace(/\r?\n$/, '')
      } catch {
        return undefined
      }
  }
}

/** How the reference is written, for messages that must not hold the value. */
export function showSecret(reference: SecretOrValue): string {
  return reference.kind === 'env'
    ? `env:${reference.name}`
    : reference.kind === 'file'
      ? `file:${reference.path}`
      : 'a value'
}

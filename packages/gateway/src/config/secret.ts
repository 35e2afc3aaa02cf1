/**
 * Secrets are references: `env:NAME` or `file:path`. A value in place of a reference is refused, and no message
 * here repeats what was written, since it may be the secret itself.
 */
import { err, ok, type Result } from '../model/result.ts'
import type { SecretOrValue, SecretRef } from './config.ts'
import { pathFault } from './paths.ts'

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const LATER = /^(keychain|vault):/
const EXPECTED = 'must be a reference, env:NAME or file:path, never the secret itself'

/** A file's path may be relative; the caller resolves it. */
export function parseSecret(text: string): Result<SecretRef, string> {
  if (text.startsWith('env:')) {
    const name = text.slice('env:'.length)
    if (!ENV_NAME.test(name))
      return err('must name an environment variable after env:, such as env:TICKETS_TOKEN')
    return ok({ kind: 'env', name })
  }
  if (text.startsWith('file:')) {
    const path = text.slice('file:'.length)
    const fault = pathFault(path)
    return fault === undefined ? ok({ kind: 'file', path }) : err(fault)
  }
  const later = LATER.exec(text)
  if (later !== null) return err(`uses ${later[0]}, which is not supported yet; use env:NAME or file:path`)
  return err(EXPECTED)
}

/** A value, unless it has the form of a reference; `value:` before it makes anything a value. */
export function parseSecretOrValue(text: string): Result<SecretOrValue, string> {
  if (/^(env|file|keychain|vault):/.test(text)) return parseSecret(text)
  if (text.includes('\0')) return err('must not contain a NUL character')
  return ok({ kind: 'value', value: text.replace(/^value:/, '') })
}

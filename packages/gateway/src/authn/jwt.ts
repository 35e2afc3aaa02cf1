/**
 * A token as it came: nothing in it is believed yet. It is read for two things only, to find the issuer that it claims
 * to be from and to refuse early what no issuer would send. Strict JSON keeps this reading and that of the verifier
 * equal (RFC 7519, 4: duplicate claims are refused).
 */
import type { Result } from '../model/result.ts'

/** Claims or a header: a JSON object. */
export type Members = Readonly<Record<string, unknown>>

export interface UnverifiedToken {
  readonly header: Members
  readonly claims: Members
}

/** Strict JSON, bounded; undefined when it is not that. */
export type ParseJson = (bytes: Buffer) => Result<unknown, unknown>

/** Longer ones are refused unread: a signature over them would cost more than the call. */
const MAX_TOKEN_LENGTH = 16_384

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/** Whether a credential looks like a token: three parts (RFC 7515, 7.1). A key has no dots. */
export function looksLikeToken(credential: string): boolean {
  const first = credential.indexOf('.')
  return first >= 0 && credential.includes('.', first + 1)
}

/** Reads a token in compact form; undefined when it is not one. */
export function readToken(token: string, parseJson: ParseJson): UnverifiedToken | undefined {
  if (token.length > MAX_TOKEN_LENGTH || !COMPACT.test(token)) return undefined
  const [header, claims] = token.split('.', 2).map((part) => membersIn(part, parseJson))
  return header === undefined || claims === undefined ? undefined : { header, claims }
}

function membersIn(part: string, parseJson: ParseJson): Members | undefined {
  const parsed = parseJson(Buffer.from(part, 'base64url'))
  if (!parsed.ok) return undefined
  const { value } = parsed
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
}

/** The public keys of a client, from a file in PEM, as a JWK or as a set of them. What is not public is never taken. */
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { err, ok, type Result } from '../model/result.ts'

/** Keys that `oauth/provider.ts` verifies assertions with. */
const ACCEPTED = 'an EC key on P-256, an Ed25519 key, or an RSA key of at least 2048 bits'
const MIN_RSA_BITS = 2048

export type PublicKeys = { readonly keys: readonly JsonWebKey[] }

/** Reads them; the error is a sentence. */
export function readPublicKeys(file: string): Result<PublicKeys, string> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (problem) {
    return err(`${file} cannot be read: ${problem instanceof Error ? problem.message : String(problem)}`)
  }
  const keys = parsePublicKeys(text)
  return keys.ok ? keys : err(`${file} ${keys.error}`)
}

/** The error is what is wrong with the text, after its name. */
export function parsePublicKeys(text: string): Result<PublicKeys, string> {
  if (text.includes('PRIVATE KEY')) return err(PRIVATE)
  const written = text.trimStart().startsWith('-----BEGIN') ? [text] : parseJwks(text)
  if (written === undefined || written.length === 0)
    return err('holds no public key: give one in PEM, as a JWK or as a JWK Set')
  const keys: JsonWebKey[] = []
  for (const each of written) {
    const key = toPublic(each)
    if (!key.ok) return key
    keys.push(key.value)
  }
  return ok({ keys })
}

const PRIVATE = 'holds a private key: that stays with the client, give the public one'

function parseJwks(text: string): readonly object[] | undefined {
  try {
    const parsed = JSON.parse(text) as { keys?: unknown } | null
    const keys: readonly unknown[] = Array.isArray(parsed?.keys) ? parsed.keys : [parsed]
    return keys.every((key) => typeof key === 'object' && key !== null) ? keys : undefined
  } catch {
    return undefined
  }
}

function toPublic(written: string | object): Result<JsonWebKey, string> {
  // `d` is the private part of every kind, `k` a shared secret (RFC 7518, 6).
  if (typeof written === 'object' && ('d' in written || 'k' in written)) return err(PRIVATE)
  try {
    const key =
      typeof written === 'string'
        ? createPublicKey(written)
        : createPublicKey({ key: written as JsonWebKey, format: 'jwk' })
    const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
    const isStrong =
      key.asymmetricKeyType === 'ed25519' ||
      (key.asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS) ||
      (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1')
    if (!isStrong) return err(`holds a key of another kind than is taken: ${ACCEPTED}`)
    const kid = typeof written === 'object' && 'kid' in written ? written.kid : undefined
    return ok({ ...key.export({ format: 'jwk' }), use: 'sig', ...(typeof kid === 'string' ? { kid } : {}) })
  } catch {
    return err(`holds something that is no public key; taken is ${ACCEPTED}`)
  }
}

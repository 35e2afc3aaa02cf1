/**
 * The keys that the authorization server signs with: `<data>/signing-keys.json`, mode 0600, a JWK Set with the newest
 * first. A key signs for 30 days and is published for a day longer than its last token lives, so that a rotation
 * refuses nobody. Replaced as a whole, so a crash leaves the old file or the new one.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { replacePrivateFile } from './private-file.ts'

const DAY_MS = 86_400_000
const SIGNS_FOR_MS = 30 * DAY_MS
const KEPT_FOR_MS = SIGNS_FOR_MS + DAY_MS

/** A private key; `iat` is when it was made, in seconds. */
export interface SigningKey extends JWK {
  readonly kid: string
  readonly iat: number
}

export interface Secrets {
  /** Newest first. */
  readonly keys: readonly SigningKey[]
  /** Signs cookies. */
  readonly cookieKey: string
}

/** Those that there are now. Throws when they cannot be read. */
export function knownSigningKeys(dataDir: string): readonly SigningKey[] {
  return read(path.join(dataDir, 'signing-keys.json')).keys
}

/** Reads them: makes one where there is none or the newest is too old, and drops what nobody needs. */
export async function loadSigningKeys(dataDir: string, nowMs: number): Promise<Secrets> {
  const file = path.join(dataDir, 'signing-keys.json')
  const known = read(file)
  const kept = known.keys.filter(({ iat }) => nowMs - iat * 1000 < KEPT_FOR_MS)
  const [newest] = kept
  const { cookieKey } = known
  if (newest !== undefined && nowMs - newest.iat * 1000 < SIGNS_FOR_MS) return { keys: kept, cookieKey }
  const keys = [await createKey(nowMs), ...kept]
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  replacePrivateFile(file, JSON.stringify({ keys, cookieKey }, null, 2))
  return { keys, cookieKey }
}

async function createKey(nowMs: number): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  const iat = Math.floor(nowMs / 1000)
  return { ...jwk, use: 'sig', alg: 'ES256', kid: `${iat}-${String(jwk.x).slice(0, 8)}`, iat }
}

function read(file: string): Secrets {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code === 'ENOENT')
      return { keys: [], cookieKey: randomBytes(32).toString('base64url') }
    throw problem
  }
  const { mode } = statSync(file)
  if ((mode & 0o077) !== 0) throw new Error(`${file} can be read by others: make new keys by removing it`)
  const { keys, cookieKey } = JSON.parse(text) as Secrets
  return { keys: keys.toSorted((a, b) => b.iat - a.iat), cookieKey }
}

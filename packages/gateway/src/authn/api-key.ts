/**
 * API keys on the wire: `tg_`, 32 random bytes, and a checksum, so that scanners can tell a leaked key from
 * noise and a mistyped one is told apart from a revoked one without asking the store. Only the SHA-256 of a
 * token is kept or looked up: 256 random bits need no slow hash, and the look-up's timing tells nothing about
 * a token that could be found by it.
 */
import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { EntityRef } from '../model/caller.ts'

/** What is kept of a key. */
export interface KeyRecord {
  /** Unique for ever: the audit log tells keys apart by it. */
  readonly name: string
  readonly principal: EntityRef
  /** Name of the agent that calls with this key. */
  readonly agent?: string
  /** Id of the task that it is for, and ends with. */
  readonly task?: string
  readonly expiresAtMs?: number
  readonly revokedAtMs?: number
}

/** Where keys are kept. Synchronous, for it is asked once for each key and change, not for each call. Both may throw. */
export interface KeyLookup {
  /** By the SHA-256 of the token, base64url. Revoked and expired keys are found too. */
  find(tokenHash: string): KeyRecord | undefined
  /** Whether keys may have changed since the last time this was asked, by this process or another. */
  changed(): boolean
}

/** Random bytes in a token. */
export const secretBytes = 32

/** Characters in a token. */
export const keyLength = 54

const prefix = 'tg_'
const form = /^tg_([A-Za-z0-9_-]{43})([0-9a-f]{8})$/

/** The token for `secretBytes` random bytes. */
export function formatApiKey(secret: Uint8Array): string {
  if (secret.length !== secretBytes) throw new TypeError(`A key has ${secretBytes} random bytes`)
  const body = Buffer.from(secret).toString('base64url')
  return prefix + body + checksum(body)
}

/** Whether a text has the form of a token, checksum included. */
export function isApiKey(text: string): boolean {
  const [, body, sum] = form.exec(text) ?? []
  return body !== undefined && checksum(body) === sum
}

/** What a token is stored and looked up by. */
export function hashApiKey(token: string): string {
  return hash('sha256', token, 'base64url')
}

function checksum(body: string): string {
  return crc32(prefix + body)
    .toString(16)
    .padStart(8, '0')
}

/**
 * Callers by their key, remembered so that a call costs one hash and not a query. Nothing is remembered about
 * tokens that are not valid. The store is asked whether keys changed at most every `checkEveryMs`; each key is
 * then looked up again, so a revocation holds within that time. While the store does not answer nobody
 * is known, remembered or not: what cannot be checked is refused.
 */
import { type Caller, createCaller } from '../model/caller.ts'
import { hashApiKey, isApiKey, type KeyLookup, type KeyRecord, keyLength } from './api-key.ts'

export type KeyAnswer =
  | { readonly kind: 'known'; readonly caller: Caller }
  | { readonly kind: 'malformed' | 'unknown' }
  | { readonly kind: 'revoked' | 'expired'; readonly name: string }
  | { readonly kind: 'unavailable'; readonly cause: string }

export interface RememberedKeysOptions {
  readonly lookup: KeyLookup
  /** Wall clock, milliseconds. */
  now(): number
  /** Names of keys seen here before that have ceased to be valid: end what was begun with them. */
  onRevoked?(names: readonly string[]): void
  /** Beyond this many valid keys the first one is forgotten, and `onRevoked` will not tell of it. */
  readonly maxRemembered?: number
}

/** How often the store is asked for changes, at most. */
const checkEveryMs = 500

interface Remembered {
  readonly record: KeyRecord
  readonly caller: Caller
}

export class RememberedKeys {
  readonly #options: RememberedKeysOptions
  readonly #maxRemembered: number
  /** By token hash; the first remembered comes first. */
  readonly #remembered = new Map<string, Remembered>()
  #checkedAtMs = -Infinity
  /** The store has told of a change that not every remembered key was held against yet. */
  #pending = false

  constructor(options: RememberedKeysOptions) {
    this.#options = options
    this.#maxRemembered = options.maxRemembered ?? 20_000
  }

  /** Who holds this token. */
  find(token: string): KeyAnswer {
    const nowMs = this.#options.now()
    if (token.length !== keyLength) return { kind: 'malformed' }
    const tokenHash = hashApiKey(token)
    try {
      this.#checkIfDue(nowMs)
      const remembered = this.#remembered.get(tokenHash)
      if (remembered !== undefined && !isExpired(remembered.record, nowMs)) {
        return { kind: 'known', caller: remembered.caller }
      }
      return isApiKey(token) ? this.#lookUp(tokenHash, nowMs) : { kind: 'malformed' }
    } catch (error) {
      return { kind: 'unavailable', cause: error instanceof Error ? error.message : String(error) }
    }
  }

  /**
   * To be called on a timer of about `checkEveryMs`, so that `onRevoked` comes without anybody calling.
   * False when the store did not answer.
   */
  check(): boolean {
    try {
      this.#checkIfDue(this.#options.now())
      return true
    } catch {
      return false
    }
  }

  #checkIfDue(nowMs: number): void {
    // A clock that was set back must not put off the check.
    const isDue = nowMs - this.#checkedAtMs >= checkEveryMs || nowMs < this.#checkedAtMs
    if (!isDue) return
    const ended: string[] = []
    try {
      if (this.#options.lookup.changed()) this.#pending = true
      for (const [tokenHash, remembered] of this.#remembered) {
        if (!this.#isStillValid(tokenHash, remembered, nowMs)) {
          this.#remembered.delete(tokenHash)
          ended.push(remembered.record.name)
        }
      }
      this.#pending = false
      this.#checkedAtMs = nowMs
    } finally {
      if (ended.length > 0) this.#options.onRevoked?.(ended)
    }
  }

  #isStillValid(tokenHash: string, { record }: Remembered, nowMs: number): boolean {
    if (isExpired(record, nowMs)) return false
    if (!this.#pending) return true
    const now = this.#options.lookup.find(tokenHash)
    // A row that says something else than before was tampered with or restored: what it allowed then is over.
    return now !== undefined && JSON.stringify(now) === JSON.stringify(record)
  }

  #lookUp(tokenHash: string, nowMs: number): KeyAnswer {
    const record = this.#options.lookup.find(tokenHash)
    if (record === undefined) return { kind: 'unknown' }
    if (record.revokedAtMs !== undefined) return { kind: 'revoked', name: record.name }
    if (isExpired(record, nowMs)) return { kind: 'expired', name: record.name }
    const caller = toCaller(record)
    if (this.#remembered.size >= this.#maxRemembered) {
      const [first] = this.#remembered.keys()
      if (first !== undefined) this.#remembered.delete(first)
    }
    this.#remembered.set(tokenHash, { record, caller })
    return { kind: 'known', caller }
  }
}

function isExpired(record: KeyRecord, nowMs: number): boolean {
  return record.expiresAtMs !== undefined && record.expiresAtMs <= nowMs
}

function toCaller(record: KeyRecord): Caller {
  const agent = record.agent === undefined ? undefined : { type: 'Agent', id: record.agent }
  const task = record.task === undefined ? {} : { task: record.task }
  return createCaller(record.principal, { agent }, { method: 'api-key', credential: record.name, ...task })
}

/**
 * `requestState` and cursors pass through the caller's hands, so what leaves is a sealed copy: encrypted and
 * authenticated (JWE, direct A256GCM, by jose), bound to the caller, the server and the request it belongs to,
 * and good for a limited time. `requestState` opens once (2026-07-28: basic/patterns/mrtr, Security).
 */
import { EncryptJWT, jwtDecrypt } from 'jose'
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'

export interface SealOptions {
  /** 32 bytes; made anew at each start, so seals do not survive a restart. */
  readonly key: Uint8Array
  readonly ttlSeconds: number
  now(): number
  randomId(): string
}

/** What was sealed, and the id to spend it by. */
export interface Opened {
  readonly id: string
  readonly value: string
}

export class Seals {
  readonly #options: SealOptions
  /** Ids of seals that were opened and may not be again, with the time they expire. */
  readonly #spent = new Map<string, number>()

  constructor(options: SealOptions) {
    this.#options = options
  }

  /** Seals `value`; `binding` names everything that must be equal when it is opened. */
  async seal(value: string, binding: string): Promise<string> {
    const now = Math.floor(this.#options.now() / 1000)
    return new EncryptJWT({ value })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setSubject(binding)
      .setJti(this.#options.randomId())
      .setExpirationTime(now + this.#options.ttlSeconds)
      .encrypt(this.#options.key)
  }

  /** Opens a seal made with the same binding. */
  async open(sealed: unknown, binding: string): Promise<Result<Opened, Refusal>> {
    if (typeof sealed !== 'string') return err(broken('not a string'))
    try {
      const { payload } = await jwtDecrypt(sealed, this.#options.key, {
        subject: binding,
        currentDate: new Date(this.#options.now()),
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
        requiredClaims: ['jti', 'exp'],
      })
      const id = String(payload.jti)
      return this.#spent.has(id) ? err(broken('used before')) : ok({ id, value: String(payload['value']) })
    } catch (problem) {
      return err(broken(problem instanceof Error ? problem.message : 'unreadable'))
    }
  }

  /** Uses up a seal that opens once; refused when someone else was faster. Without an id there is nothing to spend. */
  spend(id: string | undefined): Result<void, Refusal> {
    if (id === undefined) return NOTHING
    const now = this.#options.now()
    for (const [spent, expiresAtMs] of this.#spent) {
      if (expiresAtMs > now) break // in order of time: the rest is younger
      this.#spent.delete(spent)
    }
    if (this.#spent.has(id)) return err(broken('used before'))
    this.#spent.set(id, now + this.#options.ttlSeconds * 1000)
    return NOTHING
  }
}

const NOTHING = ok(undefined)

function broken(detail: string): Refusal {
  return invalid(
    'This state or cursor was not given to you for this request, or is no longer valid.',
    { code: -32602 },
    detail,
  )
}

/**
 * Proofs of DPoP that were used: each is good for one request (RFC 9449, 11.1), also after a restart. A proof is kept for
 * as long as its time would let it pass, by the minute in which it was made, so that a whole minute is forgotten at once.
 * When there are too many they are refused, not forgotten; each principal has a share of its own, whatever keys it has.
 */
export interface UsedProof {
  /** Minute of its `iat`. */
  readonly minute: number
  readonly principal: string
  /** Hash of its key and its `jti`. */
  readonly hash: string
}

/** Where they outlive the process. Throws when that cannot be. */
export interface ProofLog {
  /** Kept when this returns. */
  add(proof: UsedProof): void
  all(): Iterable<UsedProof>
  forgetBefore(minute: number): void
}

/** `iat` may be this far from now, either way; what verifies proofs holds to it. */
const WINDOW_MS = 300_000
const MINUTE_MS = 60_000
/** In one minute: more than 160 a second of one principal, and ten times that of all. */
const MAX_OF_PRINCIPAL = 10_000
const MAX_OF_ALL = 100_000

interface Minute {
  readonly byPrincipal: Map<string, Set<string>>
  size: number
}

export interface UsedProofsOptions {
  /** Called when the first proof is used. */
  open(): ProofLog
  /** Wall clock, milliseconds. */
  now(): number
  readonly maxOfPrincipal?: number
  readonly maxOfAll?: number
}

export class UsedProofs {
  readonly #options: UsedProofsOptions
  readonly #minutes = new Map<number, Minute>()
  #log: ProofLog | undefined
  /** What is older was forgotten, so it may have been used. */
  #from = -Infinity

  constructor(options: UsedProofsOptions) {
    this.#options = options
  }

  /** Uses a proof that has been found good, made at `iat` (seconds). Throws when it cannot be kept. */
  use(principal: string, hash: string, iat: number): 'first' | 'used' | 'too-many' {
    const { maxOfPrincipal = MAX_OF_PRINCIPAL, maxOfAll = MAX_OF_ALL, open } = this.#options
    this.#forget()
    if (this.#log === undefined) {
      const log = open()
      log.forgetBefore(this.#from)
      for (const proof of log.all()) this.#keep(proof)
      this.#log = log
    }
    const proof = { minute: Math.floor((iat * 1000) / MINUTE_MS), principal, hash }
    if (proof.minute < this.#from) return 'used'
    const minute = this.#minutes.get(proof.minute)
    const own = minute?.byPrincipal.get(principal)
    if (own?.has(hash) === true) return 'used'
    if ((minute?.size ?? 0) >= maxOfAll || (own?.size ?? 0) >= maxOfPrincipal) return 'too-many'
    this.#log.add(proof)
    this.#keep(proof)
    return 'first'
  }

  #keep({ minute: at, principal, hash }: UsedProof): void {
    const minute = this.#minutes.get(at) ?? { byPrincipal: new Map<string, Set<string>>(), size: 0 }
    const own = minute.byPrincipal.get(principal) ?? new Set()
    this.#minutes.set(at, minute)
    minute.byPrincipal.set(principal, own.add(hash))
    minute.size++
  }

  /** A clock that is set back brings nothing back. */
  #forget(): void {
    const from = Math.floor((this.#options.now() - WINDOW_MS) / MINUTE_MS) - 1
    if (from <= this.#from) return
    this.#from = from
    for (const minute of this.#minutes.keys()) if (minute < from) this.#minutes.delete(minute)
    this.#log?.forgetBefore(from)
  }
}

/**
 * Which eras a server speaks, and a connection for the one that is wanted. A dual-era server over stdio may settle on
 * one era for the life of its process, so no connection ever carries both. What was learnt is kept; what was only
 * assumed, because a server stayed silent or refused, is forgotten when a process of it ends.
 */
import { invalid, type Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerMessage } from '../model/upstream.ts'
import type { Timers } from './channel.ts'
import { type Discovered, MODERN, speaksLegacyOnly } from './era.ts'
import { discover, type Failure, initialize } from './handshake.ts'
import { UNSUPPORTED_VERSION } from './json-rpc.ts'
import type { Peer } from './peer.ts'
import type { Starter } from './starter.ts'

/** A legacy server that the gateway has initialized, and how it answered. */
export interface Initialized {
  readonly peer: Peer
  readonly handshake: ServerMessage
}

/** A connection whose era is still open; `handshake` when it has been settled as legacy. */
interface Candidate {
  readonly peer: Peer
  readonly handshake?: ServerMessage
}

/** A server that says nothing to a probe for this long is taken for a legacy one. */
const LONGEST_PROBE_MS = 10_000
const LATEST_ANSWER_MS = 100_000

export class Connections {
  readonly #starter: Starter
  readonly #timers: Timers
  readonly #startupTimeoutMs: number
  /** Supported modern revisions; `no` once the server has proved to be legacy, `assumed-no` when it was silent. */
  #modern: readonly string[] | 'no' | 'assumed-no' | undefined
  #legacy: 'yes' | 'no' | undefined
  #spare: Candidate | undefined
  /** Connections are found one at a time, so that the second caller profits from what the first has learnt. */
  #turn: Promise<unknown> = Promise.resolve()
  #busy = 0

  constructor(starter: Starter, timers: Timers, startupTimeoutMs: number) {
    this.#starter = starter
    this.#timers = timers
    this.#startupTimeoutMs = startupTimeoutMs
  }

  get eras(): string[] {
    return [
      ...(Array.isArray(this.#modern) ? ['modern'] : []),
      ...(this.#legacy === 'yes' || this.#isLegacyOnly() ? ['legacy'] : []),
    ]
  }

  /** Whether a connection is kept for whoever comes first. */
  get ready(): boolean {
    return this.#spare?.peer.open === true
  }

  get starting(): boolean {
    return this.#busy > 0
  }

  /** Forgets what a process of the server said that is gone now, where it may have been a sign of its end. */
  died(peer: Peer): void {
    if (this.#spare?.peer === peer) this.#spare = undefined
    if (this.#modern === 'assumed-no') this.#modern = undefined
    if (this.#legacy === 'no') this.#legacy = undefined
  }

  /** A connection for stateless requests. */
  modern(): Promise<Result<Peer, Refusal>> {
    return this.#inTurn(async () => {
      if (this.#isLegacyOnly()) return err(speaksLegacyOnly(MODERN))
      const candidate = await this.#probed()
      if (!candidate.ok) return candidate
      if (!this.#isLegacyOnly()) return ok(candidate.value.peer)
      this.#spare = candidate.value
      return err(speaksLegacyOnly(MODERN))
    })
  }

  /** A connection that the gateway has initialized. `requested` is the revision the caller wants. */
  initialized(requested: unknown): Promise<Result<Initialized, Refusal>> {
    return this.#inTurn(async () => {
      if (this.#legacy === 'no') return err(this.#modernOnly(requested))
      const known = (this.#modern !== undefined || this.#legacy === 'yes') && this.#spare === undefined
      const first = known ? await this.#initializeFresh() : await this.#initializeProbed()
      // A modern server perhaps takes the probe for a decision: ask one that was not probed.
      const again = !first.ok && first.error.byServer && !known && !this.#isLegacyOnly()
      const last = again ? await this.#initializeFresh() : first
      if (last.ok) return last
      if (!last.error.byServer || !Array.isArray(this.#modern)) return err(last.error.refusal)
      this.#legacy = 'no'
      return err(this.#modernOnly(requested))
    })
  }

  /** A connection that a legacy client will initialize itself. */
  untouched(requested: unknown): Promise<Result<Peer, Refusal>> {
    return this.#inTurn(async () => {
      if (this.#legacy === 'no') return err(this.#modernOnly(requested))
      const spare = this.#isLegacyOnly() ? this.#takeSpare() : undefined
      if (spare !== undefined && spare.handshake === undefined) return ok(spare.peer)
      if (spare !== undefined) void this.#starter.end(spare.peer)
      return this.#starter.start()
    })
  }

  /** A client has initialized a connection of its own. */
  provedLegacy(): void {
    this.#legacy = 'yes'
  }

  /** Finds out the eras ahead of the first call, and keeps the connection for it. */
  warm(): Promise<Result<'modern' | 'legacy', Refusal>> {
    return this.#inTurn(async () => {
      const candidate = await this.#probed()
      if (!candidate.ok) return candidate
      this.#spare = candidate.value
      return ok(this.#isLegacyOnly() ? 'legacy' : 'modern')
    })
  }

  /** What a legacy-only caller is told by a server without that era. */
  #modernOnly(requested: unknown): Refusal {
    const supported = Array.isArray(this.#modern) ? this.#modern : [MODERN]
    return invalid(`This server speaks only ${supported.join(', ')}; initialize is not part of it.`, {
      code: UNSUPPORTED_VERSION,
      data: { supported, requested },
    })
  }

  #isLegacyOnly(): boolean {
    return this.#modern === 'no' || this.#modern === 'assumed-no'
  }

  async #initialize(candidate: Candidate): Promise<Result<Initialized, Failure>> {
    const { peer } = candidate
    if (candidate.handshake !== undefined) return ok({ peer, handshake: candidate.handshake })
    const answer = await initialize(peer, this.#startupTimeoutMs)
    if (answer.ok) {
      this.#legacy = 'yes'
      return ok({ peer, handshake: answer.value })
    }
    const { refusal, byServer } = answer.error
    if (byServer && !this.#isLegacyOnly()) void this.#starter.end(peer)
    else this.#starter.gaveUp(peer, refusal.detail ?? refusal.message)
    return answer
  }

  async #initializeProbed(): Promise<Result<Initialized, Failure>> {
    const candidate = await this.#probed()
    return candidate.ok ? this.#initialize(candidate.value) : err(unreachable(candidate.error))
  }

  async #initializeFresh(): Promise<Result<Initialized, Failure>> {
    const peer = await this.#starter.start()
    return peer.ok ? this.#initialize({ peer: peer.value }) : err(unreachable(peer.error))
  }

  /** A connection to a server whose era is known, and that is not committed to one. */
  async #probed(): Promise<Result<Candidate, Refusal>> {
    const spare = this.#takeSpare()
    if (spare !== undefined) return ok(spare)
    const started = await this.#starter.start()
    if (!started.ok) return started
    const peer = started.value
    peer.excused = true
    const found = await this.#probe(peer)
    peer.excused = false
    if (peer.open) {
      this.#modern = found === undefined ? 'assumed-no' : found.era === 'modern' ? found.versions : 'no'
      return ok({ peer })
    }
    // Some servers end at anything before initialize; others are broken. Initializing tells which.
    this.#modern = 'assumed-no'
    const fresh = await this.#initializeFresh()
    this.#modern = fresh.ok ? 'no' : undefined
    return fresh.ok ? fresh : err(fresh.error.refusal)
  }

  /** Undefined when the server died or said nothing. */
  #probe(peer: Peer): Promise<Discovered | undefined> {
    const answer = this.#learn(peer)
    return new Promise((resolve) => {
      const timeoutMs = Math.min(this.#startupTimeoutMs, LONGEST_PROBE_MS)
      const cancelTimer = this.#timers.after(timeoutMs, () => resolve(undefined))
      void answer.then(resolve).finally(cancelTimer)
    })
  }

  /** An answer that comes after the probe was given up still counts for the next time. */
  async #learn(peer: Peer): Promise<Discovered | undefined> {
    const answer = await discover(peer, LATEST_ANSWER_MS)
    if (!answer.ok) return undefined
    if (this.#modern === 'assumed-no' && answer.value.era === 'modern') this.#modern = answer.value.versions
    return answer.value
  }

  #takeSpare(): Candidate | undefined {
    const spare = this.#spare
    this.#spare = undefined
    return spare?.peer.open === true ? spare : undefined
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++
    const done = this.#turn.then(work).finally(() => this.#busy--)
    this.#turn = done.catch(() => undefined)
    return done
  }
}

function unreachable(refusal: Refusal): Failure {
  return { refusal, byServer: false }
}

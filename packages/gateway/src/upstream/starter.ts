/**
 * Opens connections to one server and keeps account of them: which are open, whether a new one may be opened now,
 * and what went wrong last. A death that was not asked for counts against the server.
 */
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import { Backoff } from './backoff.ts'
import { type CallLimits, seconds } from './call.ts'
import type { Channel, Timers } from './channel.ts'
import { Peer } from './peer.ts'

export interface StarterOptions {
  readonly name: string
  open(): Promise<Channel>
  readonly limits: CallLimits & { readonly startupTimeoutMs: number }
  readonly timers: Timers
  readonly log: (text: string) => void
}

/** A shorter pause than this is waited out; a longer one is a refusal. */
const LONGEST_WAIT_MS = 1000

export class Starter {
  readonly #options: StarterOptions
  readonly #backoff = new Backoff()
  readonly #open = new Set<Peer>()
  /** Connections being opened, and ones being closed; `close` waits for both. */
  readonly #pending = new Set<Promise<unknown>>()
  #closed = false
  /** Told about every connection that is over. */
  onDeath: (peer: Peer) => void = () => undefined
  lastProblem: string | undefined

  constructor(options: StarterOptions) {
    this.#options = options
  }

  get closed(): boolean {
    return this.#closed
  }

  /** How long the server has to be left alone. */
  get pauseMs(): number {
    return this.#backoff.waitMs(this.#options.timers.now())
  }

  /** Opens a connection, unless the server has to be left alone for a while. */
  start(): Promise<Result<Peer, Refusal>> {
    return this.#track(this.#start())
  }

  /** Ends a connection for a reason that is not the server's. */
  async end(peer: Peer): Promise<void> {
    this.#open.delete(peer)
    await this.#track(peer.close())
  }

  /** Ends a connection that did not become usable, and counts it. */
  gaveUp(peer: Peer, problem: string): void {
    if (!this.#open.has(peer)) return
    this.#note(problem, 0)
    void this.end(peer)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const peer of this.#open) void this.end(peer)
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  async #start(): Promise<Result<Peer, Refusal>> {
    if (this.#closed) return err(unavailable('The gateway is closing its connection to this server.'))
    const pauseMs = this.pauseMs
    if (pauseMs > LONGEST_WAIT_MS) return err(this.#pausing(pauseMs))
    if (pauseMs > 0) {
      await new Promise<void>((resolve) => {
        this.#options.timers.after(pauseMs, resolve)
      })
      return this.#start()
    }
    const channel = await this.#channel()
    if (channel === undefined) return err(unavailable('The server could not be started.', this.lastProblem))
    return ok(this.#adopt(channel))
  }

  async #channel(): Promise<Channel | undefined> {
    try {
      return await this.#options.open()
    } catch (problem) {
      this.#note(problem instanceof Error ? problem.message : String(problem), 0)
      return undefined
    }
  }

  #adopt(channel: Channel): Peer {
    const { limits, timers, log } = this.#options
    const peer = new Peer({ channel, limits, timers, log: (text) => log(`${channel.describe()}: ${text}`) })
    const bornMs = timers.now()
    this.#open.add(peer)
    peer.onClosed = (why) => {
      const wanted = !this.#open.delete(peer)
      if (!wanted && !peer.excused) this.#note(`the server ${why}`, timers.now() - bornMs)
      else if (!wanted) log(`${channel.describe()} ${why}`)
      if (!wanted) void this.#track(peer.close())
      this.onDeath(peer)
    }
    if (this.#closed) void this.end(peer)
    return peer
  }

  #note(problem: string, livedMs: number): void {
    this.lastProblem = problem
    this.#options.log(problem)
    this.#backoff.died(this.#options.timers.now(), livedMs)
  }

  #pausing(pauseMs: number): Refusal {
    const message = `The server keeps failing and is started again in ${seconds(pauseMs)}.`
    const remedy = { kind: 'retry', afterSeconds: Math.ceil(pauseMs / 1000) } as const
    const refusal: Refusal = { reason: 'unavailable', message, remedy }
    return this.lastProblem === undefined ? refusal : { ...refusal, detail: this.lastProblem }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work)
    return work.finally(() => this.#pending.delete(work))
  }
}

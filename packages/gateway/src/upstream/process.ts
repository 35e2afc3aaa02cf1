/**
 * A channel over a child process. The command comes from configuration, runs without a shell, in its own process
 * group, with the environment that row 4 decides. Ending it is a conversation first and force later, and always
 * takes the whole group: close its input, then SIGTERM, then SIGKILL.
 */
import type { Readable, Writable } from 'node:stream'
import type { Channel, Timers } from './channel.ts'
import { createLogLines } from './log-lines.ts'
import { type ChannelLimits, StreamChannel } from './stream-channel.ts'

export interface Command {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]]
  readonly cwd?: string
  /** Added to the few variables that every server gets. */
  readonly env?: Readonly<Record<string, string>>
}

/** A running child, as row 4 hands it over. */
export interface Child {
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Signals the child's whole process group; nothing happens when none of it is left. */
  signalGroup(signal: 'SIGTERM' | 'SIGKILL'): void
  /** Calls back once, when the child itself has ended and its pipes are drained or were given up. */
  onExit(callback: (how: string) => void): void
  /** Says that no process of the group is left. */
  release(): void
}

/** Starts a child; rejects when the program cannot be started. */
export type Spawn = (command: Command) => Promise<Child>

export interface ProcessOptions {
  readonly command: Command
  readonly spawn: Spawn
  readonly limits: ChannelLimits
  readonly timers: Timers
  readonly log: (text: string) => void
}

/** How long a child may take to end after its input has ended, and after SIGTERM. */
const STDIN_GRACE_MS = 2000
const TERM_GRACE_MS = 3000
/** A child that closes a pipe usually is about to exit; its exit code says more than the pipe. */
const EXIT_GRACE_MS = 500

/** Starts the command; the channel is open while the child lives. */
export async function openProcess(options: ProcessOptions): Promise<Channel> {
  const child = await options.spawn(options.command)
  return new ProcessEnd(child, options).channel
}

class ProcessEnd {
  readonly channel: StreamChannel
  readonly #child: Child
  readonly #timers: Timers
  #exited = false
  #onGone: () => void = () => undefined
  readonly #gone = new Promise<void>((resolve) => {
    this.#onGone = resolve
  })

  constructor(child: Child, options: ProcessOptions) {
    this.#child = child
    this.#timers = options.timers
    this.channel = new StreamChannel({
      input: child.stdout,
      output: child.stdin,
      limits: options.limits,
      name: `process ${child.pid}`,
      log: options.log,
      end: () => this.#end(),
      broken: (why) => this.#broken(why),
    })
    const lines = createLogLines(options.timers, options.log)
    child.stderr.on('data', lines)
    child.stderr.on('error', () => undefined)
    child.onExit((how) => this.#exit(how))
  }

  #exit(how: string): void {
    this.#exited = true
    // Whatever the child has started and left behind goes with it.
    this.#child.signalGroup('SIGKILL')
    this.#child.release()
    this.channel.closed(how)
    this.#onGone()
  }

  #broken(why: string): void {
    if (this.#exited || !this.channel.open) return
    this.#timers.after(EXIT_GRACE_MS, () => {
      if (!this.channel.open) return
      this.channel.closed(why)
      void this.channel.close()
    })
  }

  async #end(): Promise<void> {
    if (this.#exited) return
    this.#child.stdin.end()
    const cancelTerm = this.#timers.after(STDIN_GRACE_MS, () => this.#child.signalGroup('SIGTERM'))
    const cancelKill = this.#timers.after(STDIN_GRACE_MS + TERM_GRACE_MS, () =>
      this.#child.signalGroup('SIGKILL'),
    )
    await this.#gone
    cancelTerm()
    cancelKill()
  }
}

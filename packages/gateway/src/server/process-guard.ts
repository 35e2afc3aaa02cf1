/**
 * No server outlives the gateway, however the gateway ends. A tiny shell process holds the read end of a pipe that
 * only the gateway can write to; when the pipe ends, because the gateway has stopped, crashed or was killed, it
 * kills the process groups that are still on its list. POSIX only.
 */
import { type ChildProcess, spawn } from 'node:child_process'

/**
 * `+7` adds a group, `-7` removes it. The list is kept in a variable, so that nothing has to be allocated or
 * started when the end comes; `kill` is built in. Terminal and service managers signal whole groups and sessions,
 * which must not stop the guard before the gateway.
 */
const SCRIPT = `
trap '' HUP INT TERM QUIT PIPE
groups=' '
while read -r line; do
  group=\${line#?}
  case $line in
    +*) groups="$groups$group " ;;
    -*) case $groups in *" $group "*) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
`

const MIN_LIFE_MS = 500

export class ProcessGuard {
  readonly #groups = new Set<number>()
  readonly #warn: (problem: string) => void
  #guard: ChildProcess | undefined
  #startedAtMs = 0
  #closed = false

  /** `warn` is told when children are not guarded, and why. */
  constructor(warn: (problem: string) => void = () => undefined) {
    this.#warn = warn
  }

  /** Call in the same turn of the event loop as the start of the group. */
  add(group: number): void {
    this.#groups.add(group)
    if (process.platform === 'win32') return
    if (this.#guard === undefined) this.#start()
    else this.#tell(`+${group}`)
  }

  /** Call when no process of the group is left. */
  remove(group: number): void {
    if (this.#groups.delete(group)) this.#tell(`-${group}`)
  }

  /** Ends the guard, which kills what is still on its list. */
  async close(): Promise<void> {
    this.#closed = true
    const guard = this.#guard
    if (guard === undefined || guard.exitCode !== null || guard.signalCode !== null) return
    const gone = new Promise((resolve) => guard.once('exit', resolve))
    guard.ref()
    guard.stdin?.end()
    await gone
  }

  get pid(): number | undefined {
    return this.#guard?.pid
  }

  #start(): void {
    const guard = spawn('/bin/sh', ['-c', SCRIPT], {
      detached: true,
      env: {},
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#guard = guard
    this.#startedAtMs = Date.now()
    guard.on('error', (problem) => this.#warn(`servers are not guarded: ${problem.message}`))
    guard.stdin.on('error', () => undefined)
    guard.once('exit', () => this.#ended(guard))
    // The guard waits for the gateway to end; the gateway must not wait for the guard.
    guard.unref()
    if ('unref' in guard.stdin) (guard.stdin as unknown as { unref(): void }).unref()
    for (const group of this.#groups) this.#tell(`+${group}`)
  }

  /** A guard that was killed is replaced at once, and told what lives. */
  #ended(guard: ChildProcess): void {
    if (this.#guard !== guard || this.#closed) return
    // One that cannot live here is not started in a tight loop; meanwhile `add` and `remove` only keep the list.
    const delayMs = Date.now() - this.#startedAtMs < MIN_LIFE_MS ? MIN_LIFE_MS : 0
    this.#warn('the process guard has ended and is started again')
    setTimeout(() => {
      if (!this.#closed && this.#groups.size > 0) this.#start()
      else this.#guard = undefined
    }, delayMs).unref()
  }

  #tell(line: string): void {
    this.#guard?.stdin?.write(`${line}\n`)
  }
}

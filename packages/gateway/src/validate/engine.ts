/**
 * Asks the official engine about policies, in chunks: policies are judged independently of each other, so what is done
 * when the time is over is not lost. A chunk takes about a second; one that the engine breaks at is taken apart, until
 * the policy is found that breaks it.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import type { Answer, Diagnostic, Question } from './engine-process.ts'

/** The engine's name and version: what it says holds for this one. */
export const ENGINE = 'cedar-wasm 4.13.0'

export interface Judgement {
  /** As JSON. */
  readonly schema: string
  /** Policies as text, by any key. */
  readonly policies: ReadonlyMap<string, string>
  /** Told of each policy that has been judged. */
  judged(key: string, diagnostics: readonly Diagnostic[]): void
  /** Told of each policy that the engine cannot judge, and why. */
  failed(key: string, problem: string): void
}

const FIRST_CHUNK = 8
/**
 * A chunk that took less may be larger the next time, one that took more has to be smaller. The engine reads the schema
 * anew for each, which is not counted: it is a reason for larger chunks.
 */
const SHORT_MS = 700
const LONG_MS = 2000

/** The engine, as long as there is time. One judgement at a time. */
export class Engine {
  readonly #over: AbortSignal
  #process: EngineProcess | undefined
  /** What the process has been told to judge by. */
  #schema: string | undefined

  /** `over` aborts when the time is. Whoever makes an engine calls `stop` when done. */
  constructor(over: AbortSignal) {
    this.#over = over
  }

  /**
   * Undefined when the engine takes the schema, else why it does not. Then every policy has been told of, unless the time
   * ran out.
   */
  async judge(judgement: Judgement): Promise<string | undefined> {
    const beganMs = performance.now()
    const accepted = await this.#ask(judgement.schema, { policies: {} })
    if (accepted?.ok === false) return accepted.problem
    // It has read the schema twice: to see whether it takes it, and to judge no policies by it.
    const readingMs = (performance.now() - beganMs) / 2
    const queue = [...judgement.policies.keys()]
    let size = FIRST_CHUNK
    for (let at = 0; at < queue.length && !this.#over.aborted; ) {
      const chunk = queue.slice(at, at + size)
      at += chunk.length
      const startedMs = performance.now()
      await this.#judgeChunk(chunk, judgement)
      const tookMs = performance.now() - startedMs - readingMs
      if (tookMs < Math.max(SHORT_MS, readingMs)) size *= 2
      else if (tookMs > Math.max(LONG_MS, readingMs)) size = Math.max(1, size >> 1)
    }
    return undefined
  }

  stop(): void {
    this.#process?.end()
    this.#process = undefined
    this.#schema = undefined
  }

  async #judgeChunk(keys: readonly string[], judgement: Judgement): Promise<void> {
    const policies = Object.fromEntries(keys.map((key) => [key, judgement.policies.get(key) ?? '']))
    const answer = await this.#ask(judgement.schema, { policies })
    if (answer === undefined) return
    if (answer.ok) {
      for (const key of keys) judgement.judged(key, answer.diagnostics[key] ?? [])
      return
    }
    // A trap leaves the engine unusable, so what is asked next is asked of a new one.
    this.stop()
    const [first, second] = keys
    if (first !== undefined && second === undefined) return judgement.failed(first, answer.problem)
    const half = keys.length >> 1
    await this.#judgeChunk(keys.slice(0, half), judgement)
    await this.#judgeChunk(keys.slice(half), judgement)
  }

  /** Undefined when the time is over. */
  async #ask(schema: string, question: Question): Promise<Answer | undefined> {
    this.#process ??= new EngineProcess(this.#over)
    if (this.#schema !== schema) {
      const accepted = await this.#process.ask({ schema })
      if (accepted?.ok !== true) {
        this.stop()
        return accepted
      }
      this.#schema = schema
    }
    return this.#process.ask(question)
  }
}

const PROGRAM = new URL(`./engine-process${extname(import.meta.filename)}`, import.meta.url)

class EngineProcess {
  readonly #child: ChildProcess
  readonly #over: AbortSignal

  constructor(over: AbortSignal) {
    this.#over = over
    this.#child = fork(PROGRAM, [], {
      // Inlining calls into WebAssembly can abort the process when the engine runs hot (V8).
      execArgv: ['--no-turbo-inline-js-wasm-calls'],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    this.#child.on('error', () => undefined)
  }

  /** Undefined when the time is over before the answer comes. */
  async ask(question: Question): Promise<Answer | undefined> {
    const gone: Answer = { ok: false, problem: 'the engine’s process ended' }
    if (this.#over.aborted) return undefined
    if (!this.#child.connected) return gone
    const done = new AbortController()
    const signal = AbortSignal.any([this.#over, done.signal])
    const answered = once(this.#child, 'message', { signal }).then(([answer]) => answer as Answer)
    const ended = once(this.#child, 'exit', { signal }).then(() => gone)
    // The one that comes second is not waited for.
    for (const each of [answered, ended]) each.catch(() => undefined)
    try {
      this.#child.send(question)
      return await Promise.race([answered, ended])
    } catch {
      return this.#over.aborted ? undefined : gone
    } finally {
      done.abort()
    }
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}

/**
 * Asks all servers of a configuration what they offer: for the operator's own commands, never for a caller. They are asked
 * at once, each within a time limit, and what was started for it is stopped again.
 */
import { listTools, type Offer } from '../catalog/list-tools.ts'
import type { Config, ServerConfig } from '../config/config.ts'
import { err, type Result } from '../model/result.ts'
import { ProcessGuard } from './process-guard.ts'
import { createSpawn } from './processes.ts'
import { systemTimers } from './timers.ts'
import { createInquiry } from './upstreams.ts'

export interface AskOptions {
  /** For starting a server and hearing all it has to say. */
  readonly limitSeconds: number
  /** Ends all questions early. */
  readonly signal: AbortSignal
}

export interface Offers {
  /** What each server offers, or in a sentence why it could not be asked; in the order of the configuration. */
  readonly servers: ReadonlyMap<string, Result<Offer, string>>
  /** Resolves when nothing is left running. */
  readonly closed: Promise<void>
}

/** More than the tools of any server take, and little enough to hold those of all. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024

/** Asks. It never rejects; `closed` is still to be waited for. */
export async function askServers({ servers, limits }: Config, options: AskOptions): Promise<Offers> {
  const guard = new ProcessGuard()
  const context = {
    limits: {
      ...limits,
      requestTimeoutSeconds: options.limitSeconds,
      maxResultBytes: Math.min(limits.maxResultBytes, MAX_MESSAGE_BYTES),
    },
    spawn: createSpawn(guard),
    timers: systemTimers,
  }
  const questions = [...servers.values()].map((server) => ask(server, context, options))
  const answers = await Promise.all(questions.map(({ answer }) => answer))
  const closed = Promise.allSettled(questions.map(({ closed: each }) => each)).then(() => guard.close())
  return { servers: new Map([...servers.keys()].map((name, at) => [name, answers[at] ?? err('')])), closed }
}

type Context = Omit<Parameters<typeof createInquiry>[1], 'log'>

function ask(server: ServerConfig, context: Context, { limitSeconds, signal }: AskOptions) {
  const over = AbortSignal.any([signal, AbortSignal.timeout(limitSeconds * 1000)])
  let lastWords: string | undefined
  const log = (text: string) => {
    lastWords = /: stderr: (.*\S)/s.exec(text)?.[1] ?? lastWords
  }
  const inquiry = createInquiry(server, { ...context, log }, over)
  const timeUp = new Promise<Result<Offer, string>>((resolve) => {
    const end = () =>
      resolve(
        err(signal.aborted ? 'The question was given up.' : `It did not answer within ${limitSeconds} s.`),
      )
    if (over.aborted) end()
    else over.addEventListener('abort', end, { once: true })
  })
  const listed = listTools(inquiry).catch((problem: unknown) => err(String(problem)))
  const answer = Promise.race([listed, timeUp]).then((given) => {
    const said = lastWords === undefined ? '' : ` It said: ${lastWords.slice(0, 300)}`
    return given.ok ? given : err(`${given.error}${said}`)
  })
  return { answer, closed: answer.then(() => inquiry.close()) }
}

/** What the commands about people and clients have in common: the store, and how times are written. */
import type { Config } from '../config/config.ts'
import { err, type Result } from '../model/result.ts'
import type { OpenOauthStore } from '../store/oauth.ts'
import { EXIT, type ExitCode, say } from './terminal.ts'

/** Opens the store, does one thing, and closes it; says what went wrong. */
export async function withOauthStore<T>(
  { dataDir }: Config,
  work: (store: OpenOauthStore) => Result<T, string>,
): Promise<Result<T, ExitCode>> {
  const { openOauthStore } = await import('../store/oauth.ts')
  const opened = openOauthStore(dataDir)
  if (!opened.ok) return failed(opened.error)
  try {
    const done = work(opened.value)
    return done.ok ? done : failed(done.error)
  } finally {
    opened.value.close()
  }
}

function failed(why: string): Result<never, ExitCode> {
  say(why)
  return err(EXIT.failed)
}

/** Members `…AtMs` as `…At`, in ISO 8601. */
export function describeTimes(times: Readonly<Record<string, number>>): object {
  return Object.fromEntries(
    Object.entries(times).map(([name, atMs]) => [name.replace(/Ms$/, ''), new Date(atMs).toISOString()]),
  )
}

/** The day, for tables. */
export function timesDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10)
}

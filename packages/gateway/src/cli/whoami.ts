/** `tollgate whoami`: who one is to the gateway. The gateway is asked; what a token says of itself proves nothing. */
import type { Command } from 'commander'
import type { CallerDescription } from '../authn/describe-caller.ts'
import { err, ok, type Result } from '../model/result.ts'
import { type JsonOptions, leaving, takesJson } from './command.ts'
import { give } from './login.ts'
import type { Problem } from './login-client.ts'
import { findPlace, type PlaceOptions, takesPlace } from './login-place.ts'
import { type Login, Logins } from './logins.ts'
import { EXIT, type ExitCode, harmless, print, printJson } from './terminal.ts'

const LIMIT_MS = 10_000

/** Registers the command. */
export function addWhoami(program: Command): void {
  takesJson(takesPlace(program.command('whoami')))
    .description('show who you are to the gateway, as policies and the audit log see you')
    .argument('[server]', 'the server; not needed where there is only one')
    .action(
      leaving(async (server: string | undefined, options: PlaceOptions & JsonOptions): Promise<ExitCode> => {
        const place = await findPlace(server, options)
        if (!place.ok) return place.error
        const { freshLogin } = await import('./login-client.ts')
        const login = await freshLogin(place.value, new Logins(process.env))
        if (!login.ok) return give(login.error)
        const told = await ask(login.value)
        if (!told.ok) return give(told.error)
        if (options.json) printJson(told.value)
        else show(told.value)
        return EXIT.ok
      }),
    )
}

async function ask({ gateway, server, accessToken }: Login): Promise<Result<CallerDescription, Problem>> {
  const failed = (message: string, exit: ExitCode = EXIT.failed) => err({ message, exit })
  try {
    const response = await fetch(`${gateway}/whoami/mcp/${server}`, {
      headers: { authorization: `Bearer ${accessToken}` },
      redirect: 'error',
      signal: AbortSignal.timeout(LIMIT_MS),
    })
    if (response.status === 401)
      return failed(
        `The gateway does not take this login any more: tollgate login --gateway ${gateway} --server ${server}`,
        EXIT.needsLogin,
      )
    if (response.status !== 200)
      return failed(`The gateway at ${gateway} answered with HTTP ${response.status}.`)
    return ok((await response.json()) as CallerDescription)
  } catch (problem) {
    const { cause, message } = problem as Error & { cause?: { code?: string } }
    return failed(`The gateway at ${gateway} cannot be asked: ${cause?.code ?? message}.`)
  }
}

function show({ principal, agent, delegation, groups, authentication }: CallerDescription): void {
  const { method, issuer, strength, at, goodUntil, bound, credential } = authentication
  const facts: readonly [string, string | undefined][] = [
    ['principal', principal],
    ['agent', agent],
    ['handed on by', delegation?.join(', ')],
    ['groups', groups?.join(', ')],
    ['proved by', issuer === undefined ? method : `${method} of ${issuer}`],
    ['bound by', bound],
    ['signed in', [strength, at].filter((part) => part !== undefined).join(', ')],
    ['good until', goodUntil],
    ['in the log as', credential],
  ]
  for (const [name, value] of facts) {
    if (value !== undefined && value !== '') print(`${name.padEnd(15)}${harmless(value)}`)
  }
}

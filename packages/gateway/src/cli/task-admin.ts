/** What commands about tasks ask the running gateway, and whom they ask for. */
import type { Config } from '../config/config.ts'
import { parseEntity } from '../config/entity.ts'
import { showEntity } from '../model/caller.ts'
import { err, ok, type Result } from '../model/result.ts'
import { askAdmin, errorsOf } from './admin-client.ts'
import { ownName } from './own-name.ts'
import { EXIT, type ExitCode, harmless, say } from './terminal.ts'

/** Asks; says why it did not work. The body of the answer is what the route promises. */
export async function askTasks<T>(
  { admin }: Config,
  route: string,
  body?: unknown,
): Promise<Result<T, ExitCode>> {
  const answer = await tryTasks<T>(admin.path, route, body)
  if (answer.ok) return answer
  for (const line of answer.error) say(line)
  return err(EXIT.failed)
}

/** Asks; the error says why it did not work, in lines for a terminal. */
export async function tryTasks<T>(
  adminPath: string,
  route: string,
  body?: unknown,
): Promise<Result<T, readonly string[]>> {
  const answer = await askAdmin(adminPath, route, body === undefined ? {} : { body })
  if (!answer.ok) return err([answer.error.message])
  if (answer.value.status < 300) return ok(answer.value.body as T)
  return err(errorsOf(answer.value).map(harmless))
}

/** Whose work it is: who was named, whom the gateway takes strangers for, or who sits at this terminal. */
export function principalOf(asked: string | undefined, { anonymous }: Config): Result<string, string> {
  if (asked !== undefined) {
    const read = parseEntity(asked)
    return read.ok ? ok(showEntity(read.value)) : err(`--principal ${read.error}`)
  }
  return ok(showEntity(anonymous ?? { type: 'User', id: ownName() }))
}

/**
 * What `tollgate login` was given, in the user's own folder: `$XDG_CONFIG_HOME/tollgate/logins.json`, mode 0600. It is
 * replaced as a whole, and changed under a lock, so that of two commands at once the second sees what the first has done.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { err, ok, type Result } from '../model/result.ts'
import { replacePrivateFile } from '../store/private-file.ts'

/** Where somebody is logged in: a gateway's address and one of its servers. */
export interface Place {
  /** Scheme, host and port. */
  readonly gateway: string
  readonly server: string
}

export interface Login extends Place {
  readonly issuer: string
  readonly clientId: string
  readonly accessToken: string
  readonly expiresAtMs: number
  readonly refreshToken?: string
}

/** Longer than a refresh takes that somebody else is at. */
const LOCK_WAIT_MS = 60_000

export class Logins {
  readonly #file: string

  /** Those of the user whose environment it is. */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    const home = env['XDG_CONFIG_HOME'] || path.join(env['HOME'] ?? '', '.config')
    this.#file = path.join(home, 'tollgate', 'logins.json')
  }

  /** All of them. The error is a sentence. */
  list(): Result<readonly Login[], string> {
    try {
      const text = readFileSync(this.#file, 'utf8')
      if ((statSync(this.#file).mode & 0o077) !== 0)
        return err(`${this.#file} can be read by others: chmod 600 ${this.#file}, then log out and in again`)
      return ok((JSON.parse(text) as { logins: readonly Login[] }).logins)
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code === 'ENOENT') return ok([])
      return err(`${this.#file} cannot be read: ${(problem as Error).message}`)
    }
  }

  find(place: Place): Result<Login | undefined, string> {
    const logins = this.list()
    return logins.ok ? ok(logins.value.find((login) => isAt(login, place))) : logins
  }

  /** Does something during which no other command changes them. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 })
    const { takeLock } = await import('../store/lock.ts')
    const lock = takeLock(`${this.#file}.lock`, LOCK_WAIT_MS)
    try {
      return await work()
    } finally {
      lock.release()
    }
  }

  /** Puts one in the place of what was there, or takes it away. To be called under the lock. */
  replace(place: Place, login: Login | undefined): Result<void, string> {
    const known = this.list()
    if (!known.ok) return known
    const others = known.value.filter((each) => !isAt(each, place))
    const logins = login === undefined ? others : [...others, login]
    replacePrivateFile(this.#file, `${JSON.stringify({ version: 1, logins }, null, 2)}\n`)
    return ok(undefined)
  }
}

function isAt(login: Login, { gateway, server }: Place): boolean {
  return login.gateway === gateway && login.server === server
}

/**
 * Passwords, kept as scrypt hashes with what they were made with: `scrypt$N$r$p$salt$hash`. One who is not known costs
 * as much time as one who is. A few at a time, for each takes 32 MiB and a thread.
 */
import { scrypt, timingSafeEqual } from 'node:crypto'
import type { Passwords } from '../ports.ts'

/** OWASP's second choice of equal strength: less memory, more time. */
const COST = { N: 2 ** 15, r: 8, p: 3 }
const LENGTH = 32
const MAX_AT_ONCE = 2
const MAX_WAITING = 32

export const MIN_PASSWORD_LENGTH = 12
export const MAX_PASSWORD_LENGTH = 256

/** What is wrong with a new password, as a sentence; undefined when nothing is. */
export function passwordFault(password: string, name: string): string | undefined {
  const { length } = password
  if (length < MIN_PASSWORD_LENGTH)
    return `The password must have at least ${MIN_PASSWORD_LENGTH} characters.`
  if (length > MAX_PASSWORD_LENGTH) return `The password must have at most ${MAX_PASSWORD_LENGTH} characters.`
  if (new Set(password).size < 5) return 'The password repeats a few characters: choose another.'
  if (password.toLowerCase().includes(name.toLowerCase()) && length < name.length + MIN_PASSWORD_LENGTH)
    return 'The password is hardly more than the name: choose another.'
  return undefined
}

export class ScryptPasswords implements Passwords {
  readonly #waiting: (() => void)[] = []
  readonly #randomBytes: (count: number) => Buffer
  readonly #cost: typeof COST
  #running = 0

  /** `cost` is what new hashes are made with. */
  constructor(randomBytes: (count: number) => Buffer, cost = COST) {
    this.#randomBytes = randomBytes
    this.#cost = cost
  }

  async hash(password: string): Promise<string> {
    const salt = this.#randomBytes(16)
    const derived = await this.#derive(password, salt, this.#cost)
    const { N, r, p } = this.#cost
    return ['scrypt', N, r, p, salt.toString('base64url'), derived.toString('base64url')].join('$')
  }

  async verify(password: string, stored: string | undefined): Promise<boolean> {
    const [, N, r, p, salt = '', expected = ''] = (stored ?? NOBODY).split('$')
    const cost = { N: Number(N), r: Number(r), p: Number(p) }
    const derived = await this.#derive(password, Buffer.from(salt, 'base64url'), cost)
    const wanted = Buffer.from(expected, 'base64url')
    return derived.length === wanted.length && timingSafeEqual(derived, wanted) && stored !== undefined
  }

  async #derive(password: string, salt: Buffer, cost: typeof COST): Promise<Buffer> {
    if (this.#waiting.length >= MAX_WAITING) throw new TooBusy()
    if (this.#running >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running++
    try {
      return await new Promise((resolve, reject) => {
        // The same text can be typed as different code points.
        scrypt(
          password.normalize('NFKC'),
          salt,
          LENGTH,
          { ...cost, maxmem: 128 * 1024 * 1024 },
          (error, key) => (error === null ? resolve(key) : reject(error)),
        )
      })
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }
}

/** More people sign in at once than can be served. */
export class TooBusy extends Error {}

const NOBODY = ['scrypt', COST.N, COST.r, COST.p, 'AAAAAAAAAAAAAAAAAAAAAA', 'A'.repeat(43)].join('$')

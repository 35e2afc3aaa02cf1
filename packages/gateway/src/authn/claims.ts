/** Finding claims and comparing them, as the configuration names them. */
import type { ClaimPath, ClaimValues } from '../model/issuer.ts'
import type { Members } from './jwt.ts'

/** The claim of this name, or at the end of this JSON Pointer; undefined when there is none. */
export function claimAt(claims: Members, path: ClaimPath): unknown {
  if (!path.startsWith('/')) return own(claims, path)
  const steps = path.slice(1).split('/')
  return steps.reduce<unknown>((value, step) => own(value, unescape(step)), claims)
}

/** Whether the token has every one of the claims, each with one of its values. */
export function hasAll(claims: Members, wanted: ClaimValues): boolean {
  return missing(claims, wanted) === undefined
}

/** The first of the claims that is not there or has another value. */
export function missing(claims: Members, wanted: ClaimValues): ClaimPath | undefined {
  for (const [path, values] of wanted) {
    const text = textOf(claimAt(claims, path))
    if (text === undefined || (values.length > 0 && !values.includes(text))) return path
  }
  return undefined
}

/** A claim as text: what is one already, a number or a truth value; undefined for all else. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

const MAX_NAME_LENGTH = 512

/** A name that can be compared and shown: not empty, bounded, well-formed, without control characters. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME_LENGTH) return false
  return value.isWellFormed() && !/\p{Cc}/u.test(value)
}

function own(value: unknown, name: string): unknown {
  if (Array.isArray(value) && !/^\d+$/.test(name)) return undefined
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Members)[name]
    : undefined
}

/** RFC 6901, 4. */
function unescape(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** A good token with one thing changed, and what the log says of it. */
import type { Claims } from '../../fixtures/token-issuer.ts'
import type { World } from './world.ts'

export type TokenCase = readonly [
  where: string,
  must: string,
  attempt: string,
  token: (world: World) => string | Promise<string>,
  detail: RegExp,
]

export const now = () => Math.floor(Date.now() / 1000)

/** Three parts, whatever they say. */
export function assemble(header: object | string, claims: object | string, signature = ''): string {
  const text = (part: object | string) => (typeof part === 'string' ? part : JSON.stringify(part))
  return `${[header, claims].map((part) => Buffer.from(text(part)).toString('base64url')).join('.')}.${signature}`
}
export const part = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Claims

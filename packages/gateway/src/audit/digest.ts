/**
 * A fingerprint of a call's arguments: the log can show that two calls carried the same ones, or that a given
 * set of arguments is what was called with, without keeping any of them. SHA-256 over canonical JSON
 * (RFC 8785): the order of members never matters, any other difference does.
 *
 * It hides arguments only as far as they are hard to guess: whoever reads the log can test a guess.
 */
import { hash } from 'node:crypto'

/**
 * `sha256:<base64url>` of a value as `JSON.parse` gives it. Depth is the caller's duty: the message reader bounds it.
 * Throws for what JSON cannot say (NaN, functions, bigint), which no parsed message contains.
 */
export function digestArguments(value: unknown): string {
  return `sha256:${hash('sha256', canonicalJson(value), 'base64url')}`
}

/** RFC 8785: members sorted by UTF-16 code units, numbers and strings as ECMAScript writes them, no spaces. */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value)
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('JSON has no such number')
      return String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value as Record<string, unknown>)
    default:
      throw new TypeError(`JSON cannot hold a ${typeof value}`)
  }
}

/** Strings that stand for themselves between quotes. */
const plain = /^[ !#-[\]-~]*$/

function canonicalString(value: string): string {
  return plain.test(value) ? `"${value}"` : JSON.stringify(value)
}

function canonicalArray(values: readonly unknown[]): string {
  let text = '['
  for (let index = 0; index < values.length; index++) {
    if (index > 0) text += ','
    text += canonicalJson(values[index])
  }
  return `${text}]`
}

function canonicalObject(value: Record<string, unknown>): string {
  // The default order of sort() is the one RFC 8785 asks for: by UTF-16 code units.
  const names = Object.keys(value).sort()
  let text = '{'
  for (const name of names) {
    if (text.length > 1) text += ','
    text += `${canonicalString(name)}:${canonicalJson(value[name])}`
  }
  return `${text}}`
}

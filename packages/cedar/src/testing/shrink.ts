// For tests: makes what shows a difference smaller, as long as it still shows it.

import { isLargeInteger } from './exact-json.ts'
import type { Json } from './random-world.ts'

/** Trying has to end; what is left by then is small enough to read. */
const MAX_TRIES = 4000

/**
 * A JSON value with parts left out, or put in the place of what they were part of, of which `shows` is true as it is of
 * the given one. Parts of an array or an object are dropped before they are taken apart.
 */
export function shrink<T>(value: T, shows: (smaller: T) => boolean): T {
  let tries = 0
  let smallest = value
  for (let found = true; found && tries < MAX_TRIES; ) {
    found = false
    for (const smaller of smallerThan(smallest as Json)) {
      if (++tries > MAX_TRIES) break
      if (!shows(smaller as T)) continue
      smallest = smaller as T
      found = true
      break
    }
  }
  return smallest
}

/** Large steps first. */
function* smallerThan(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    for (let size = value.length; size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at + size <= value.length; at += size) yield value.toSpliced(at, size)
    }
    for (const [at, item] of value.entries()) {
      for (const smaller of smallerThan(item)) yield value.with(at, smaller)
    }
  } else if (isObject(value)) {
    const members = Object.entries(value)
    for (const at of members.keys()) yield Object.fromEntries(members.toSpliced(at, 1))
    for (const [, member] of members) if (typeof member === 'object') yield* [member, ...childrenOf(member)]
    for (const [at, [name, member]] of members.entries()) {
      for (const smaller of smallerThan(member)) yield Object.fromEntries(members.with(at, [name, smaller]))
    }
  } else if (typeof value === 'string' && value !== '') {
    for (const part of ['', value.slice(0, value.length / 2), value.slice(value.length / 2)]) {
      if (part !== value) yield part
    }
  }
}

function childrenOf(value: Json): Json[] {
  return isObject(value) ? Object.values(value).filter((child) => typeof child === 'object') : []
}

function isObject(value: Json): value is { [name: string]: Json } {
  return typeof value === 'object' && !Array.isArray(value) && !isLargeInteger(value)
}

// For tests: makes what shows a difference smaller, as long as it still shows it.

import { isLargeInteger } from './exact-json.ts'
import type { Json } from './random-world.ts'

/** Trying has to end; what is left by then is small enough to read. */
const MAX_TRIES = 4000

/**
 * A JSON value with parts left out, put in the place of what they were part of, or exchanged for one of the `simple`
 * objects, of which `shows` is true as it is of the given one. Parts are dropped before they are taken apart.
 */
export function shrink<T>(value: T, shows: (smaller: T) => boolean, simple: readonly Json[] = []): T {
  let tries = 0
  let smallest = value
  for (let found = true; found && tries < MAX_TRIES; ) {
    found = false
    for (const smaller of smallerThan(smallest as Json, simple)) {
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
function* smallerThan(value: Json, simple: readonly Json[]): Generator<Json> {
  if (Array.isArray(value)) {
    yield* fewer(value)
    for (const [at, item] of value.entries()) {
      for (const smaller of smallerThan(item, simple)) yield value.with(at, smaller)
    }
  } else if (isObject(value)) {
    const members = Object.entries(value)
    const size = JSON.stringify(value).length
    yield* simple.filter((each) => JSON.stringify(each).length < size)
    for (const some of fewer(members)) yield Object.fromEntries(some)
    for (const [, member] of members) if (typeof member === 'object') yield* [member, ...childrenOf(member)]
    for (const [at, [name, member]] of members.entries()) {
      for (const smaller of smallerThan(member, simple))
        yield Object.fromEntries(members.with(at, [name, smaller]))
    }
  } else if (typeof value === 'string' && value !== '') {
    for (const part of ['', value.slice(0, value.length / 2), value.slice(value.length / 2)]) {
      if (part !== value) yield part
    }
  }
}

/** Without all items, without half of them, and so on down to one. */
function* fewer<T>(items: readonly T[]): Generator<T[]> {
  for (let size = items.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at + size <= items.length; at += size) yield items.toSpliced(at, size)
  }
}

function childrenOf(value: Json): Json[] {
  return isObject(value) ? Object.values(value).filter((child) => typeof child === 'object') : []
}

function isObject(value: Json): value is { [name: string]: Json } {
  return typeof value === 'object' && !Array.isArray(value) && !isLargeInteger(value)
}

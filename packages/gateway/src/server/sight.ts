/** This machine's file system, as far as the gateway can see it. */
import { lstatSync, realpathSync } from 'node:fs'
import type { Sight } from '../tasks/constraints/compile.ts'

/** Where a path leads; null: nowhere; NOTHING: there is nothing. */
type Seen = string | null | typeof NOTHING
const NOTHING = false

/**
 * What was seen in this turn of the event loop. The calls that are judged in it had arrived before its first look, so
 * nobody has learnt anything since that the look does not know; and looking is dear, as the kernel empties caches. But
 * while a turn is held up, by a call that takes long to judge, the rest of another one may arrive.
 */
const seen = new Map<string, Seen>()
const MAX_AGE_MS = 5
let isFresh = false
let beganMs = 0

export const SIGHT: Sight = {
  placeOf(path) {
    if (!isFresh) beginTurn()
    else if (performance.now() - beganMs > MAX_AGE_MS) lookAnew()
    let place = seen.get(path)
    if (place === undefined) {
      place = look(path)
      seen.set(path, place)
    }
    return place === NOTHING ? undefined : place
  },
}

function lookAnew(): void {
  seen.clear()
  beganMs = performance.now()
}

/** Immediates run once everything that had arrived has been handled. */
function beginTurn(): void {
  isFresh = true
  beganMs = performance.now()
  setImmediate(() => {
    isFresh = false
    seen.clear()
  })
}

function look(path: string): Seen {
  if (!isThere(path)) return NOTHING
  try {
    return realpathSync.native(path)
  } catch {
    return null
  }
}

/** Asked first, since it costs little to hear that nothing is there. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

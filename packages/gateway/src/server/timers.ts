/** The clock and timers of the system, for the rows that get time as an argument. */
import type { Timers } from '../upstream/channel.ts'

export const systemTimers: Timers = {
  now: Date.now,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

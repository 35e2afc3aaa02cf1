/** The clock and timers of the system, for the rows that get time as an argument. */
import type { Timers } from '../upstream/channel.ts'

export const systemTimers: Timers = {
  now: Date.now,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Resolves when the work is done or the time is over, whichever comes first. */
export async function within(seconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000)
  })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}

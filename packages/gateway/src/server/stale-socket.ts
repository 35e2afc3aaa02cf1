/** Socket files outlive a killed process, and a new one cannot listen where a file is. */
import { lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'

/** A socket file that nobody listens on is what a killed gateway leaves behind. Anything else stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (!alive) unlinkSync(path)
}

/** How a process of the benchmark tells the one that started it that it listens, and ends when that one is gone. */
import type { Server } from 'node:net'

/** What a process that serves says first. */
export interface Ready {
  readonly port: number
  /** The API key to call it with; empty where none is asked for. */
  readonly token: string
  /** What else it can be called with, to compare. */
  readonly otherToken?: string
  /** Arguments to call with; the usual ones where it leaves them out. */
  readonly args?: object
}

/** Reports the port of a server that listens. It ends in an orderly way when asked to, so that a profile is written. */
export function ready(server: Server): void {
  process.once('SIGTERM', () => process.exit())
  const address = server.address()
  if (address !== null && typeof address === 'object') report({ port: address.port, token: '' })
}

/** Reports, and ends this process with the one it reports to. */
export function report(message: Ready): void {
  process.once('disconnect', () => process.exit())
  process.send?.(message)
}

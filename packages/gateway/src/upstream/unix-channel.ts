/**
 * A channel over a Unix socket: the stdio framing of MCP on a stream socket (2026-07-28: basic/transports/stdio,
 * custom transports). The server behind it is someone else's to start and stop.
 */
import type { Duplex } from 'node:stream'
import type { Channel, Timers } from './channel.ts'
import { type ChannelLimits, StreamChannel } from './stream-channel.ts'

/** Connects to a socket; rejects when nobody listens there. */
export type Connect = (path: string) => Promise<Duplex>

export interface UnixOptions {
  readonly path: string
  readonly connect: Connect
  readonly limits: ChannelLimits
  readonly timers: Timers
  readonly log: (text: string) => void
}

/** How long the other side may take to close its half after we closed ours. */
const CLOSE_GRACE_MS = 1000

/** Connects; the channel is open while the connection is. */
export async function openUnix(options: UnixOptions): Promise<Channel> {
  const socket = await options.connect(options.path)
  const gone = new Promise<void>((resolve) => {
    socket.once('close', resolve)
  })
  const channel: StreamChannel = new StreamChannel({
    input: socket,
    output: socket,
    limits: options.limits,
    name: options.path,
    log: options.log,
    broken: () => void end('closed the connection'),
    async end() {
      socket.end()
      const cancel = options.timers.after(CLOSE_GRACE_MS, () => socket.destroy())
      await gone
      cancel()
    },
  })
  const end = (why: string) => {
    channel.closed(why)
    return channel.close()
  }
  socket.once('close', () => channel.closed('closed the connection'))
  return channel
}

import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../model/message.ts'
import type { Permit } from '../model/permit.ts'
import type { UpstreamSession } from '../model/upstream.ts'
import {
  alive,
  call,
  children,
  closeAll,
  events,
  forward,
  initialize,
  LEGACY_SDK_SERVER,
  modern,
  next,
  openFiles,
  overProcess,
  overSocket,
  permitFor,
  RAW_SERVER,
  refusal,
  scratchFolder,
  SDK_SERVER,
  single,
  spawn,
  structured,
  type TestUpstream,
  until,
  withToken,
} from '../../../../test/fixtures/stdio-upstream.ts'

afterEach(closeAll)

const RAW = [RAW_SERVER, 'modern']

async function pidOf(upstream: TestUpstream): Promise<number> {
  return structured(single(await forward(upstream, call('modern', 0, 'pid'))))['pid'] as number
}

describe('the upstream', () => {
  it('forwards nothing without a minted permit', async () => {
    const upstream = overProcess(RAW)
    const permit = permitFor(call('modern', 1, 'pid'))
    const forgeries = [structuredClone(permit), Object.create(permit) as Permit, undefined] as Permit[]
    for (const forged of forgeries) {
      await expect(upstream.forward(forged, AbortSignal.abort())).rejects.toThrow(/minted/)
    }
    expect(upstream.status().state).toBe('idle')
  })

  it('starts nothing before the first call', () => {
    expect(overProcess(RAW).status()).toEqual({ transport: 'stdio', state: 'idle', eras: [] })
  })

  it('ends the calls in flight when it is closed, and takes no more', async () => {
    const upstream = overProcess(RAW)
    const pid = await pidOf(upstream)
    const hanging = forward(upstream, call('modern', 1, 'hang'))
    await upstream.close()
    expect(refusal(await hanging)).toMatchObject({
      reason: 'unavailable',
      message: 'The server was stopped during the call.',
    })
    expect(refusal(await forward(upstream, call('modern', 1, 'pid'))).reason).toBe('unavailable')
    expect(alive(pid)).toBe(false)
  })

  it('leaves nothing behind when it is closed while it starts', async () => {
    const upstream = overProcess([SDK_SERVER])
    const before = children().length
    const starting = forward(upstream, call('modern', 1, 'echo'))
    await sleep(20)
    await upstream.close()
    expect(refusal(await starting).reason).toBe('unavailable')
    expect(children().length).toBeLessThanOrEqual(before + 1) // the guard
  })
})

describe.each(['modern', 'legacy'] as const)('a thousand %s callers at once, all with id 0', (era) => {
  it.each([
    ['a server on the SDK', era === 'modern' ? [SDK_SERVER] : [LEGACY_SDK_SERVER]],
    ['a server without', [RAW_SERVER, era]],
  ])('each get their own answer from %s', async (_, args) => {
    const upstream = overProcess(args)
    const callers = await Promise.all(
      Array.from({ length: 1000 }, async (__, index) => {
        const session = era === 'legacy' ? (await initialize(upstream)).session : undefined
        return { session, canary: `canary-${index}` }
      }),
    )
    const answers = await Promise.all(
      callers.map(({ session, canary }) =>
        forward(upstream, call(era, 0, 'echo', { text: canary }), { session }),
      ),
    )
    answers.forEach((answer, index) => {
      const message = single(answer)
      expect(message.body['id']).toBe(0)
      expect(message.text.match(/canary-\d+/g)).toContain(`canary-${index}`)
      expect(new Set(message.text.match(/canary-\d+/g)).size).toBe(1)
    })
  })

  it('and with the same progress token, each get their own progress', async () => {
    const upstream = overProcess([RAW_SERVER, era])
    const sessions: (UpstreamSession | undefined)[] = Array.from({ length: 200 })
    if (era === 'legacy') {
      for (const index of sessions.keys()) sessions[index] = (await initialize(upstream)).session
    }
    const streams = await Promise.all(
      sessions.map((session, index) =>
        forward(upstream, withToken(call(era, 0, 'progress', { steps: (index % 5) + 1 }), 'same'), {
          session,
        }),
      ),
    )
    for (const [index, reply] of streams.entries()) {
      const stream = events(reply)
      for (let progress = 1; progress <= (index % 5) + 1; progress++) {
        expect(await next(stream)).toMatchObject({ params: { progressToken: 'same', progress } })
      }
      expect(await next(stream)).toMatchObject({ id: 0 })
    }
  })
})

describe('a server that misbehaves', () => {
  it('harms only itself with lines that are no messages', async () => {
    const upstream = overProcess(RAW)
    single(await forward(upstream, call('modern', 1, 'garbage')))
    expect(upstream.log.filter((line) => /not a JSON-RPC message|not UTF-8/.test(line)).length).toBe(7)
  })

  it('cannot answer twice, nor answer what was not asked', async () => {
    const upstream = overProcess(RAW)
    const message = single(await forward(upstream, call('modern', 1, 'twice')))
    expect(message.body['result']).toMatchObject({ first: true })
    await pidOf(upstream)
    expect(upstream.log.filter((line) => /no request waits for/.test(line)).length).toBe(4)
  })

  it('may send several messages in one line, as old revisions allow', async () => {
    const upstream = overProcess(RAW)
    const text =
      '[{"jsonrpc":"2.0","method":"notifications/x"},{"jsonrpc":"2.0","id":$ID,"result":{"a":[1]}}]'
    expect(single(await forward(upstream, modern('b', 'test/raw', { text }))).text).toBe(
      '{"jsonrpc":"2.0","id":"b","result":{"a":[1]}}',
    )
  })

  it.each(['big', 'big-last'])('fails only the call whose answer is too long (%s)', async (kind) => {
    const upstream = overProcess(RAW, { limits: { maxMessageBytes: 100_000 } })
    const x = 'x'.repeat(200_000)
    const last = `{"result":{"x":"${x}"},"jsonrpc":"2.0","id":$ID}`
    const message =
      kind === 'big' ? call('modern', 1, 'big', { bytes: 200_000 }) : modern(1, 'test/raw', { text: last })
    const other = forward(upstream, call('modern', 1, 'progress', { steps: 0, pauseMs: 300 }))
    expect(refusal(await forward(upstream, message)).message).toMatch(/longer than 100000 bytes/)
    single(await other)
  })

  it('passes on large answers', async () => {
    const upstream = overProcess(RAW)
    const message = single(await forward(upstream, call('modern', 1, 'big', { bytes: 20_000_000 })))
    expect(message.text.length).toBeGreaterThan(20_000_000)
  })

  it('has a bounded time to answer, which progress extends', async () => {
    const upstream = overProcess(RAW, { limits: { requestTimeoutMs: 300 } })
    await pidOf(upstream)
    const hanging = forward(upstream, call('modern', 1, 'hang'))
    const trickle = withToken(call('modern', 2, 'trickle', { steps: 6, everyMs: 150 }), 1)
    const stream = events(await forward(upstream, trickle))
    for (let step = 0; step < 6; step++) await next(stream)
    expect(await next(stream)).toMatchObject({ id: 2 })
    expect(refusal(await hanging)).toMatchObject({
      reason: 'unavailable',
      message: 'The server did not answer within 0.3 s.',
    })
  })

  it('fails the calls it does not read, not the gateway’s memory', async () => {
    const upstream = overProcess(RAW)
    const pid = await pidOf(upstream)
    process.kill(pid, 'SIGSTOP')
    const leaving = new AbortController()
    const text = 'x'.repeat(1_000_000)
    const calls = Array.from({ length: 40 }, () =>
      forward(upstream, call('modern', 1, 'echo', { text }), { signal: leaving.signal }),
    )
    await sleep(100)
    leaving.abort()
    const messages = (await Promise.all(calls)).map((reply) => refusal(reply).message)
    process.kill(pid, 'SIGCONT')
    expect(
      messages.filter((message) => message === 'The server does not read what is sent to it.').length,
    ).toBeGreaterThan(20)
  })

  it('ends only the call whose caller does not read', async () => {
    const upstream = overProcess(RAW, { limits: { maxQueuedEvents: 10 } })
    const flood = withToken(call('modern', 1, 'progress', { steps: 100, pauseMs: 100 }), 1)
    const stream = events(await forward(upstream, flood))
    const other = await forward(upstream, withToken(call('modern', 1, 'progress', { steps: 5 }), 1))
    await sleep(50)
    for (let read = 0; read < 10; read++) await next(stream)
    await expect(next(stream)).rejects.toThrow('faster than it was read')
    const kept = events(other)
    for (let read = 0; read < 6; read++) await next(kept)
  })
})

describe('a server that dies', () => {
  it('during calls fails them, and the next call works', async () => {
    const upstream = overProcess(RAW)
    const pid = await pidOf(upstream)
    const hanging = Array.from({ length: 10 }, () => forward(upstream, call('modern', 0, 'hang')))
    const stream = events(
      await forward(upstream, withToken(call('modern', 0, 'progress', { steps: 1, pauseMs: 60_000 }), 1)),
    )
    await next(stream)
    process.kill(pid, 'SIGKILL')
    for (const reply of await Promise.all(hanging)) {
      expect(refusal(reply)).toMatchObject({
        reason: 'unavailable',
        message: 'The server was ended by SIGKILL during the call.',
      })
    }
    await expect(next(stream)).rejects.toThrow('ended by SIGKILL')
    expect(await pidOf(upstream)).not.toBe(pid)
    expect(upstream.status().state).toBe('ready')
  })

  it('tells the exit code', async () => {
    const upstream = overProcess([SDK_SERVER])
    expect(refusal(await forward(upstream, call('modern', 0, 'crash', { code: 7 }))).message).toBe(
      'The server exited (exit code 7) during the call.',
    )
  })

  it('has what it said before heard', async () => {
    const upstream = overProcess(RAW)
    for (let times = 0; times < 2; times++) {
      single(await forward(upstream, call('modern', 0, 'lastWords')))
      await until('its end is noticed', () => upstream.status().state === 'failed')
    }
  })
})

describe('ten thousand calls', () => {
  it('leave no more files and processes open than ten did', async () => {
    const upstream = overProcess([RAW_SERVER, 'modern'])
    const batch = (size: number) =>
      Promise.all(
        Array.from({ length: size }, async (_, id) => {
          const leaving = new AbortController()
          const message = id % 10 === 0 ? call('modern', id, 'hang') : call('modern', id, 'echo', { id })
          const reply = forward(upstream, message, { signal: leaving.signal })
          if (id % 10 === 0) setTimeout(() => leaving.abort(), 5)
          await reply
        }),
      )
    await batch(10)
    const files = openFiles()
    const processes = children()
    for (let count = 0; count < 50; count++) await batch(200)
    expect(children()).toEqual(processes)
    expect(openFiles()).toBe(files)
  })

  it('nor do a hundred sessions with a process each', async () => {
    const upstream = overProcess([RAW_SERVER, 'legacy'], { sharing: 'per-session' })
    const session = async () => (await initialize(upstream)).session.close()
    await session()
    await until('it is gone', () => upstream.status().state !== 'ready')
    await sleep(200)
    const files = openFiles()
    const processes = children()
    for (let count = 0; count < 20; count++) await Promise.all([1, 2, 3, 4, 5].map(session))
    await until('all are gone', () => children().length === processes.length)
    expect(openFiles()).toBe(files)
  })
})

describe('over a Unix socket', () => {
  /** A server on the SDK behind a socket; resolves when it listens. */
  async function listening() {
    const path = join(scratchFolder(), 'mcp.sock')
    const child = await spawn({ command: [process.execPath, SDK_SERVER, '--socket', path] })
    await new Promise((resolve) => child.stderr.once('data', resolve))
    return { path, child }
  }

  it('serves both eras on a connection each', async () => {
    const { path, child } = await listening()
    const upstream = overSocket(path)
    const { session } = await initialize(upstream)
    const [one, two] = await Promise.all([
      forward(upstream, call('modern', 0, 'whoami')),
      forward(upstream, call('legacy', 0, 'whoami'), { session }),
    ])
    expect([structured(single(one))['era'], structured(single(two))['era']]).toEqual(['modern', 'legacy'])
    expect(structured(single(one))['pid']).toBe(child.pid)
    expect(upstream.status().transport).toBe('unix')
    await upstream.close()
    expect(alive(child.pid)).toBe(true)
    child.signalGroup('SIGKILL')
    child.release()
  })

  it('says so when nobody listens', async () => {
    const upstream = overSocket(join(scratchFolder(), 'none.sock'))
    expect(refusal(await forward(upstream, call('modern', 0, 'x')))).toMatchObject({
      reason: 'unavailable',
      message: 'The server could not be started.',
      detail: expect.stringContaining('ENOENT'),
    })
  })

  it('fails the calls in flight when the connection breaks, and connects again', async () => {
    const path = join(scratchFolder(), 'mcp.sock')
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', (data) => {
        for (const line of data.toString().trim().split('\n')) {
          const { id, method } = JSON.parse(line) as JsonObject
          const result =
            method === 'server/discover' ? { supportedVersions: ['2026-07-28'] } : { n: sockets.length }
          if (method !== 'test/hang') socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`)
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const upstream = overSocket(path)
    single(await forward(upstream, modern(1, 'test/n')))
    const hanging = forward(upstream, modern(1, 'test/hang'))
    await sleep(50)
    sockets[0]?.destroy()
    expect(refusal(await hanging).message).toBe('The server closed the connection during the call.')
    expect(single(await forward(upstream, modern(1, 'test/n'))).body['result']).toEqual({ n: 2 })
    await upstream.close()
    await new Promise((resolve) => server.close(resolve))
  })
})

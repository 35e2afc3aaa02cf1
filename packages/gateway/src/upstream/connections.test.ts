import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  call,
  children,
  closeAll,
  forward,
  initialize,
  legacy,
  LEGACY_SDK_SERVER,
  modern,
  overProcess,
  overSocket,
  RAW_SERVER,
  refusal,
  scratchFolder,
  SDK_SERVER,
  single,
  spawn,
  structured,
  until,
} from '../../../../test/fixtures/stdio-upstream.ts'

afterEach(closeAll)

/** A raw server, and how often it was started. */
function counted(kind: string, settings: Parameters<typeof overProcess>[1] = {}) {
  const file = join(scratchFolder(), 'notes')
  const upstream = overProcess([RAW_SERVER, kind, file], settings)
  const notes = () => readFileSync(file, 'utf8')
  return { upstream, notes, starts: () => notes().match(/^pid/gm)?.length }
}

const fallBack = { reason: 'invalid', protocol: { status: 400, code: -32000 } }
const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } }

describe('a server of both eras', () => {
  it('serves both at once, from one process each', async () => {
    const upstream = overProcess([SDK_SERVER])
    const before = children().length
    const { session } = await initialize(upstream)
    const [a, b, c] = await Promise.all([
      forward(upstream, call('modern', 0, 'whoami')),
      forward(upstream, call('legacy', 0, 'whoami'), { session }),
      forward(upstream, call('modern', 0, 'whoami')),
    ])
    expect(structured(single(a))['era']).toBe('modern')
    expect(structured(single(b))['era']).toBe('legacy')
    expect(structured(single(a))['pid']).toBe(structured(single(c))['pid'])
    expect(structured(single(a))['pid']).not.toBe(structured(single(b))['pid'])
    expect(children().length - before).toBe(3) // and the guard
    expect(upstream.status()).toEqual({ transport: 'stdio', state: 'ready', eras: ['modern', 'legacy'] })
  })

  it('is asked once by the first of many callers', async () => {
    const { upstream, starts } = counted('modern')
    const calls = Array.from({ length: 20 }, () => forward(upstream, call('modern', 0, 'pid')))
    const pids = new Set((await Promise.all(calls)).map((reply) => structured(single(reply))['pid']))
    expect(pids.size).toBe(1)
    expect(starts()).toBe(1)
  })
})

describe('a legacy server', () => {
  it.each([
    ['on the SDK', [LEGACY_SDK_SERVER]],
    ['without one', [RAW_SERVER, 'legacy']],
  ])('%s refuses modern callers so that they fall back, and serves them then', async (_, args) => {
    const upstream = overProcess(args)
    expect(refusal(await forward(upstream, modern('probe', 'server/discover')))).toMatchObject(fallBack)
    const { session } = await initialize(upstream)
    single(await forward(upstream, call('legacy', 0, 'echo', { text: 'x' }), { session }))
    expect(refusal(await forward(upstream, call('modern', 0, 'echo'))).reason).toBe('invalid')
    expect(upstream.status()).toMatchObject({ state: 'ready', eras: ['legacy'] })
  })

  it('is served by the process that answered the probe', async () => {
    const { upstream, starts } = counted('legacy')
    refusal(await forward(upstream, modern(1, 'server/discover')))
    await initialize(upstream)
    expect(starts()).toBe(1)
  })

  it('may die of the probe', async () => {
    const { upstream, starts } = counted('dies-on-probe')
    expect(refusal(await forward(upstream, modern(1, 'server/discover')))).toMatchObject(fallBack)
    const { session } = await initialize(upstream)
    single(await forward(upstream, call('legacy', 0, 'pid'), { session }))
    expect(starts()).toBe(2)
  })

  it('may die of the probe when a legacy caller comes first', async () => {
    const { upstream, starts } = counted('dies-on-probe')
    const { session } = await initialize(upstream)
    single(await forward(upstream, call('legacy', 0, 'pid'), { session }))
    expect(refusal(await forward(upstream, modern(1, 'server/discover')))).toMatchObject(fallBack)
    expect(starts()).toBe(2)
  })

  it('may leave the probe unanswered', async () => {
    const { upstream, starts, notes } = counted('silent-on-probe', { limits: { startupTimeoutMs: 1000 } })
    expect(refusal(await forward(upstream, modern(1, 'server/discover')))).toMatchObject(fallBack)
    const { session } = await initialize(upstream)
    single(await forward(upstream, call('legacy', 0, 'pid'), { session }))
    expect(starts()).toBe(1)
    // Started again for a legacy caller, it is not asked a second time.
    refusal(await forward(upstream, call('legacy', 0, 'crash'), { session }))
    single(await forward(upstream, call('legacy', 0, 'pid'), { session }))
    expect(notes().match(/^probed/gm)).toHaveLength(1)
  })
})

describe('a modern server', () => {
  it('tells legacy callers which revisions it supports', async () => {
    const { upstream, starts } = counted('modern')
    const told = { status: 400, code: -32022, data: { supported: ['2026-07-28'], requested: '2025-06-18' } }
    for (let times = 0; times < 3; times++) {
      const reply = await forward(upstream, legacy(1, 'initialize', params))
      expect(refusal(reply)).toMatchObject({ reason: 'invalid', protocol: told })
    }
    single(await forward(upstream, call('modern', 0, 'pid')))
    expect(upstream.status().eras).toEqual(['modern'])
    expect(starts()).toBe(3) // the probed one, one that was not, and the one in use
  })
})

describe('a server of which it is known that it is modern', () => {
  it('is not taken for modern only because it cannot be reached', async () => {
    const socket = join(scratchFolder(), 'mcp.sock')
    const serve = async () => {
      const child = await spawn({ command: [process.execPath, SDK_SERVER, '--socket', socket] })
      await new Promise((resolve) => child.stderr.once('data', resolve))
      return child
    }
    const first = await serve()
    const upstream = overSocket(socket)
    single(await forward(upstream, call('modern', 0, 'echo')))
    first.signalGroup('SIGKILL')
    await until('its end is noticed', () => upstream.status().state === 'failed')
    expect(refusal(await forward(upstream, legacy(1, 'initialize', params))).reason).toBe('unavailable')
    rmSync(socket)
    const second = await serve()
    await initialize(upstream)
    second.signalGroup('SIGKILL')
    for (const child of [first, second]) child.release()
  })
})

describe('a server that does not work', () => {
  it.each(['modern', 'legacy'] as const)(
    'is unavailable to %s callers, not of the other era',
    async (era) => {
      const upstream = overProcess([RAW_SERVER, 'dies'])
      const message = era === 'modern' ? modern(1, 'server/discover') : legacy(1, 'initialize', params)
      const reply = refusal(await forward(upstream, message))
      expect(reply).toMatchObject({ reason: 'unavailable', message: expect.stringContaining('exit code 3') })
      expect(upstream.status()).toMatchObject({ state: 'failed', detail: 'the server exited (exit code 3)' })
    },
  )

  it('is unavailable when its program does not exist', async () => {
    const open = () => Promise.reject(new Error('spawn nothing ENOENT'))
    const upstream = overProcess([], { open })
    const reply = refusal(await forward(upstream, call('modern', 1, 'x')))
    expect(reply).toMatchObject({ reason: 'unavailable', detail: 'spawn nothing ENOENT' })
  })

  it('is given up when it starts and says nothing', async () => {
    const upstream = overProcess([RAW_SERVER, 'hangs'], { limits: { startupTimeoutMs: 300 } })
    const reply = refusal(await forward(upstream, legacy(1, 'initialize', params)))
    expect(reply.reason).toBe('unavailable')
    expect(upstream.status().state).toBe('failed')
  })

  it('is left alone for longer and longer, and says for how long', async () => {
    const { upstream, starts } = counted('dies-on-initialize')
    const outcomes = []
    for (let times = 0; times < 40; times++) {
      const reply = refusal(await forward(upstream, legacy(1, 'initialize', params)))
      outcomes.push(reply.message)
      if (/again in/.test(reply.message)) expect(reply.remedy?.kind).toBe('retry')
    }
    expect(outcomes.filter((message) => /again in/.test(message)).length).toBeGreaterThan(20)
    expect(starts()).toBeLessThan(12)
  })
})

describe('an eager server', () => {
  it('starts without a call, and again whenever it dies', async () => {
    const { upstream, starts } = counted('legacy', { startup: 'eager' })
    await until('it is ready', () => upstream.status().state === 'ready')
    const { session } = await initialize(upstream)
    refusal(await forward(upstream, call('legacy', 0, 'crash'), { session }))
    await until('it is ready again', () => upstream.status().state === 'ready')
    expect(starts()).toBe(2)
    single(await forward(upstream, call('legacy', 0, 'pid'), { session }))
    expect(starts()).toBe(2)
  })

  it('of both eras keeps its first process for the first call', async () => {
    const { upstream, starts } = counted('modern', { startup: 'eager' })
    await until('it is ready', () => upstream.status().state === 'ready')
    single(await forward(upstream, call('modern', 0, 'pid')))
    expect(starts()).toBe(1)
  })

  it('that keeps dying is started ever more rarely', async () => {
    const { upstream } = counted('dies', { startup: 'eager' })
    await until(
      'it has failed some times',
      () => upstream.log.filter((line) => /exit code 3/.test(line)).length > 4,
    )
    expect(upstream.status().state).not.toBe('ready')
  })
})

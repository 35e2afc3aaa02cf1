/** A file that forwards without a Permit does not compile, and a forged Permit fails at run time (invariant 1). */
import { describe, expect, test } from 'vitest'
import { createCaller } from '../../packages/gateway/src/model/caller.ts'
import type { DecisionEntry } from '../../packages/gateway/src/model/entry.ts'
import {
  mintPermit,
  Permit,
  type PermitFields,
  requirePermit,
} from '../../packages/gateway/src/model/permit.ts'
import type { Upstream } from '../../packages/gateway/src/model/upstream.ts'
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts'
import { timers } from '../fixtures/stdio-upstream.ts'
import { HttpUpstream } from '../../packages/gateway/src/upstream/http.ts'
import { createStdioUpstream, DEFAULT_STDIO_LIMITS } from '../../packages/gateway/src/upstream/stdio.ts'
import { Pool } from 'undici'

const fields: PermitFields = {
  caller: createCaller({ type: 'User', id: 'mallory' }, {}, { method: 'anonymous' }),
  server: 'files',
  message: {
    kind: 'request',
    era: 'legacy',
    protocolVersion: '2025-11-25',
    paramHeaders: [],
    id: 1,
    method: 'tools/call',
    params: { name: 'echo' },
    body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } },
  },
  entry: { requestId: 'r', entry: {} as DecisionEntry },
}
const signal = new AbortController().signal

/** Never run: these lines are checked by the compiler, and an error that is not there fails the type check. */
export function doesNotCompile(upstream: Upstream): void {
  // @ts-expect-error a message is not a Permit
  void upstream.forward(fields.message, signal)
  // @ts-expect-error an object with the same members is not a Permit
  void upstream.forward(fields, signal)
  // @ts-expect-error a serialised Permit is not a Permit
  void upstream.forward(JSON.stringify(mintPermit(fields)), signal)
  // @ts-expect-error nothing at all
  void upstream.forward()
}

const genuine = mintPermit(fields)
const forgeries: [string, unknown][] = [
  ['an object with the same members', { ...fields }],
  // oxlint-disable-next-line typescript/no-misused-spread -- what a spread loses is the point
  ['a spread copy', { ...genuine }],
  ['an object with its prototype', Object.assign(Object.create(Permit.prototype), fields)],
  ['an object that inherits from a genuine one', Object.create(genuine)],
  ['a structured clone', structuredClone({ server: genuine.server, message: genuine.message })],
  ['its JSON', JSON.parse(JSON.stringify(genuine))],
  ['a proxy of a genuine one', new Proxy(genuine, {})],
  ['null', null],
  ['nothing', undefined],
]

test.each(forgeries)('%s is no Permit', (_name, forged) => {
  expect(Permit.isPermit(forged)).toBe(false)
  expect(() => requirePermit(forged as Permit)).toThrow('without a minted Permit')
})

test('a Permit cannot be constructed without the key of its module', () => {
  expect(() => new Permit(Symbol('mint'), fields)).toThrow('minted by the pipeline')
})

describe('no upstream forwards for a forged Permit', () => {
  test('over HTTP', async () => {
    const recording = await startRecordingUpstream()
    const upstream = new HttpUpstream({
      url: new URL(recording.url),
      dispatcher: new Pool(new URL(recording.url).origin),
      transport: 'http',
      credential: () => ({ ok: true, value: undefined }),
      requestTimeoutMs: 5000,
      maxResultBytes: 1_000_000,
    })
    for (const [name, forged] of forgeries) {
      await expect(upstream.forward(forged as Permit, signal), name).rejects.toThrow(
        'without a minted Permit',
      )
    }
    expect(recording.requests).toEqual([])
    expect((await upstream.forward(genuine, signal)).ok, 'control: a minted one is forwarded').toBe(true)
    expect(recording.requests).toHaveLength(1)
    await upstream.close()
    await recording.close()
  })

  test('over stdio', async () => {
    let opened = 0
    const upstream = createStdioUpstream({
      name: 'files',
      transport: 'stdio',
      sharing: 'shared',
      startup: 'lazy',
      limits: DEFAULT_STDIO_LIMITS,
      timers,
      log: () => undefined,
      open: () => {
        opened++
        return Promise.reject(new Error('nothing to start'))
      },
    })
    for (const [name, forged] of forgeries) {
      await expect(upstream.forward(forged as Permit, signal), name).rejects.toThrow(
        'without a minted Permit',
      )
    }
    expect(opened).toBe(0)
    await upstream.forward(genuine, signal)
    expect(opened, 'control: a minted one starts the server').toBeGreaterThan(0)
    await upstream.close()
  })
})

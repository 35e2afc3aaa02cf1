import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { alive, children, until } from '../../../../test/fixtures/stdio-upstream.ts'
import { ProcessGuard } from './process-guard.ts'
import { createSpawn } from './processes.ts'

const GATEWAY = join(import.meta.dirname, '../../../../test/fixtures/gateway-like.ts')

interface Gateway {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly pids: readonly number[]
  readonly guard: number
  /** The next line it prints. */
  line(): Promise<{ pids: number[]; guard: number }>
}

const gateways: Gateway[] = []

afterEach(() => {
  for (const { child } of gateways.splice(0)) child.kill('SIGKILL')
})

async function startGateway(count = 3): Promise<Gateway> {
  const child = spawn(process.execPath, [GATEWAY, String(count)], { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => JSON.parse(String((await lines.next()).value)) as { pids: number[]; guard: number }
  const { pids, guard } = await line()
  const gateway = { child, pids, guard, line }
  gateways.push(gateway)
  expect(pids.filter(alive)).toHaveLength(2 * count)
  return gateway
}

function gone({ pids, guard }: Gateway): Promise<void> {
  return until('nothing is left', () => [...pids, guard].filter(alive).length === 0)
}

describe('when the gateway ends, nothing of its servers is left', () => {
  it.each(['SIGKILL', 'SIGTERM', 'SIGABRT', 'SIGSEGV', 'SIGHUP'] as const)('after %s', async (signal) => {
    const gateway = await startGateway()
    gateway.child.kill(signal)
    await gone(gateway)
  })

  it.each(['throw', 'exit'])('after %s', async (how) => {
    const gateway = await startGateway()
    gateway.child.stdin.write(how)
    await gone(gateway)
  })

  it('even when it had many', async () => {
    const gateway = await startGateway(30)
    gateway.child.kill('SIGKILL')
    await gone(gateway)
  })

  it('even when the guard had been killed before', async () => {
    const gateway = await startGateway()
    process.kill(gateway.guard, 'SIGKILL')
    await until('the guard is gone', () => !alive(gateway.guard))
    let { guard } = gateway
    await until('there is another', async () => {
      gateway.child.stdin.write('guard')
      guard = (await gateway.line()).guard
      return guard !== gateway.guard && alive(guard)
    })
    gateway.child.kill('SIGKILL')
    await gone({ ...gateway, guard })
  })

  it('even when the guard was asked to end', async () => {
    const gateway = await startGateway()
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(gateway.guard, signal)
    gateway.child.kill('SIGKILL')
    await gone(gateway)
  })
})

describe('the guard', () => {
  it('starts with the first child, kills only what is on its list, and ends when told', async () => {
    const guard = new ProcessGuard()
    expect(guard.pid).toBeUndefined()
    const before = children()
    const start = createSpawn(guard)
    const [kept, released] = await Promise.all([1, 2].map(() => start({ command: ['/bin/sleep', '300'] })))
    // A number that begins or ends alike must not be taken for another.
    guard.remove(Number(`${kept!.pid}0`))
    released!.release()
    await guard.close()
    await until('the listed one is gone', () => !alive(kept!.pid))
    expect(alive(released!.pid)).toBe(true)
    released!.signalGroup('SIGKILL')
    await until('the other is gone', () => !alive(released!.pid))
    // What earlier tests left may go meanwhile; nothing of this one may stay.
    await until('all are reaped', () => children().every((pid) => before.includes(pid)))
  })

  it('does not keep the gateway running', async () => {
    const code = `
      import { ProcessGuard } from ${JSON.stringify(join(import.meta.dirname, 'process-guard.ts'))}
      new ProcessGuard().add(${2 ** 22 + 1})`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' })
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0)
  })
})

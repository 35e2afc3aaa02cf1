/** Callers that go away at the worst moment. Nothing of it may end the gateway, or hold what others need. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAllowed, startWatchedGateway, type WatchedGateway } from '../fixtures/watched-gateway.ts'
import { open, withLine, write } from '../fixtures/wire.ts'

let gateway: WatchedGateway
const uncaught: unknown[] = []
const onUncaught = (problem: unknown) => void uncaught.push(problem)
beforeAll(async () => {
  gateway = await startWatchedGateway()
  process.on('uncaughtExceptionMonitor', onUncaught)
})
afterAll(async () => {
  process.off('uncaughtExceptionMonitor', onUncaught)
  await gateway.close()
})

const TIMES = 20

describe('a caller that resets its connection', () => {
  const cases: [string, () => string][] = [
    ['after nothing', () => ''],
    ['in the first line', () => 'POST /mc'],
    ['in the head', () => write(gateway.legacy()).toString().slice(0, 100)],
    ['in the body', () => write(gateway.legacy()).toString().slice(0, -10)],
    ['after a call', () => write(gateway.legacy()).toString()],
    ['after many calls at once', () => write(gateway.legacy()).toString().repeat(10)],
    ['after what is not HTTP', () => 'nonsense\r\n\r\n'],
    ['after CONNECT', () => `CONNECT x:1 HTTP/1.1\r\nHost: ${gateway.host}\r\n\r\n`],
    [
      'after Upgrade',
      () => write(withLine(withLine(gateway.legacy(), 'Connection', 'upgrade'), 'Upgrade', 'x')).toString(),
    ],
    [
      'after Expect',
      () =>
        write(withLine(gateway.legacy(), 'Expect', '100-continue'))
          .toString()
          .slice(0, -10),
    ],
  ]
  test.each(cases)('%s, soon or at once: others are served', async (_title, text) => {
    for (let delayMs = 0; delayMs < TIMES; delayMs++) {
      const socket = await open(gateway.origin)
      socket.write(text())
      await sleep(delayMs / 5)
      socket.resetAndDestroy()
    }
    await sleep(50)
    expectAllowed(await gateway.send(gateway.legacy()))
    expect(uncaught).toEqual([])
  })
})

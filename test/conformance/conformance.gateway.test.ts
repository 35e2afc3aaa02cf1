import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEverythingServer } from '../fixtures/everything-server.ts'
import { ANONYMOUS, PERMIT_ALL, startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { runConformance } from './run.ts'

// The suite takes seconds a revision; this only bounds a run that hangs.
const hangMs = 120_000

let server: Awaited<ReturnType<typeof startEverythingServer>>
let gateway: TestGateway

beforeAll(async () => {
  server = await startEverythingServer()
  const config = `${ANONYMOUS}servers:\n  everything: { url: '${server.url}' }\n`
  gateway = await startTestGateway({ config, policies: PERMIT_ALL })
})

afterAll(async () => {
  await gateway.close()
  await server.close()
})

test.each([
  { revision: '2025-11-25', required: 30 },
  { revision: '2026-07-28', required: 37 },
] as const)(
  'a server behind the gateway meets all $required requirements of $revision',
  async ({ revision, required }) => {
    const result = await runConformance(gateway.url('everything'), revision)
    expect(result).toEqual({ passed: required, required, failures: [] })
  },
  hangMs,
)

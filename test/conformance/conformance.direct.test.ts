import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEverythingServer } from '../fixtures/everything-server.ts'
import { runConformance } from './run.ts'

// The suite takes seconds a revision; this only bounds a run that hangs.
const hangMs = 120_000

let server: Awaited<ReturnType<typeof startEverythingServer>>

beforeAll(async () => {
  server = await startEverythingServer()
})

afterAll(() => server.close())

test.each([
  { revision: '2025-11-25', required: 30 },
  { revision: '2026-07-28', required: 37 },
] as const)(
  'the fixture server meets all $required requirements of $revision',
  async ({ revision, required }) => {
    expect(await runConformance(server.url, revision)).toEqual({ passed: required, required, failures: [] })
  },
  hangMs,
)

test(
  'a server that does not speak MCP is reported, not mistaken for a pass',
  async () => {
    const elsewhere = server.url.replace('/mcp', '/nothing-here')
    const { passed, required, failures } = await runConformance(elsewhere, '2026-07-28')
    expect(required).toBe(37)
    expect(passed).toBeLessThan(required)
    expect(failures.length).toBeGreaterThanOrEqual(required - passed)
    expect(failures).toContainEqual(expect.stringMatching(/^tools-list: tools-list: /))
  },
  hangMs,
)

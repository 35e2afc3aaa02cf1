/** Real servers, asked what they offer. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startRecordingUpstream } from '../../../../test/fixtures/recording-upstream.ts'
import { startScriptedUpstream } from '../../../../test/fixtures/scripted-upstream.ts'
import { LEGACY_SDK_SERVER, RAW_SERVER, SDK_SERVER } from '../../../../test/fixtures/stdio-upstream.ts'
import { parseConfig } from '../config/load.ts'
import { askServers } from './offers.ts'

let folder = ''
const closers: (() => Promise<void>)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tg-'))
})
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
  rmSync(folder, { recursive: true, force: true })
})

const run = (...args: string[]) => ({ command: [process.execPath, ...args] })

/** What servers offer: names of tools, or why not. */
async function ask(servers: object, options: { limitSeconds?: number; signal?: AbortSignal } = {}) {
  const path = join(folder, 'tollgate.yaml')
  const config = parseConfig(path, JSON.stringify({ servers }))
  if (!config.ok) throw new Error(JSON.stringify(config.error))
  const { limitSeconds = 20, signal = new AbortController().signal } = options
  const offers = await askServers(config.value, { limitSeconds, signal })
  await offers.closed
  return Object.fromEntries(
    [...offers.servers].map(([name, offer]) => [
      name,
      offer.ok ? offer.value.tools.map((tool) => tool.name) : offer.error,
    ]),
  )
}

/** Whether the process that the raw server says it is still runs. */
function isRunning(log: string): boolean {
  const pid = Number(/pid (\d+)/.exec(readFileSync(log, 'utf8'))?.[1])
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('servers that are asked what they offer', () => {
  it('tell, whatever they speak, and do not run on', async () => {
    const http = await Promise.all(
      (['legacy', 'modern', 'dual'] as const).map((era) =>
        startRecordingUpstream({ era, stream: era === 'dual' }),
      ),
    )
    closers.push(...http.map((upstream) => () => upstream.close()))
    const [legacy, modern, dual] = http
    const log = join(folder, 'log')
    const offers = await ask({
      sdk: run(SDK_SERVER),
      older: run(LEGACY_SDK_SERVER),
      newer: run(RAW_SERVER, 'modern', log),
      legacy: { url: legacy?.url },
      modern: { url: modern?.url },
      dual: { url: dual?.url },
    })
    expect(offers).toMatchObject({
      sdk: expect.arrayContaining(['echo', 'whoami']),
      older: ['echo', 'ask', 'grow'],
      newer: expect.arrayContaining(['echo', 'pid']),
      legacy: ['echo', 'query'],
      modern: ['echo', 'query'],
      dual: ['echo', 'query'],
    })
    expect(isRunning(log)).toBe(false)
    // The handshake and the question, and the end of the session; nothing else.
    const said = (upstream: typeof legacy) =>
      upstream?.requests.map(({ method, message }) => message?.['method'] ?? method)
    expect(said(legacy)).toEqual([
      'server/discover',
      'initialize',
      'notifications/initialized',
      'tools/list',
      'DELETE',
    ])
    expect(said(modern)).toEqual(['server/discover', 'tools/list'])
  })

  it('are reached with their credentials, and page by page', async () => {
    const pages: Record<string, string> = { '': 'one', one: 'two' }
    const upstream = await startScriptedUpstream(({ params }, { result }) => {
      const cursor = (params['cursor'] ?? '') as string
      result(JSON.stringify({ tools: [{ name: `t-${cursor}`, inputSchema: {} }], nextCursor: pages[cursor] }))
    })
    closers.push(() => upstream.close())
    const recording = await startRecordingUpstream()
    closers.push(() => recording.close())
    process.env['OFFERS_TEST_TOKEN'] = 'secret'
    const credential = { type: 'bearer', secret: 'env:OFFERS_TEST_TOKEN' }
    const offers = await ask({ paged: { url: upstream.url }, closed: { url: recording.url, credential } })
    delete process.env['OFFERS_TEST_TOKEN']
    expect(offers['paged']).toEqual(['t-', 't-one', 't-two'])
    for (const { rawHeaders } of recording.requests) expect(rawHeaders).toContain('Bearer secret')
  })

  it('say why they cannot be asked, and keep no one from asking the others', async () => {
    const garbage = await startRecordingUpstream()
    garbage.misbehave({ kind: 'invalid-json' }, ['server/discover', 'initialize', 'tools/list'])
    const strict = await startRecordingUpstream()
    strict.misbehave({ kind: 'status', status: 401 }, ['server/discover'])
    const broken = await startRecordingUpstream()
    broken.misbehave({ kind: 'reset-sse' }, ['tools/list'])
    const silent = await startRecordingUpstream()
    silent.misbehave({ kind: 'hang' }, ['tools/list'])
    closers.push(...[garbage, strict, broken, silent].map((upstream) => () => upstream.close()))
    const log = join(folder, 'log')
    const offers = await ask(
      {
        missing: { command: [join(folder, 'nothing')] },
        dies: run('-e', 'console.error("no such port"); process.exit(3)'),
        secret: { ...run(SDK_SERVER), env: { TOKEN: 'env:OFFERS_TEST_UNSET' } },
        nowhere: { url: 'http://127.0.0.1:9/mcp' },
        socket: { socket: join(folder, 'none.sock') },
        hangs: run(RAW_SERVER, 'hangs', log),
        echoes: run('-e', 'process.stdin.pipe(process.stdout)'),
        garbage: { url: garbage.url },
        strict: { url: strict.url },
        broken: { url: broken.url },
        silent: { url: silent.url },
        fine: run(RAW_SERVER, 'legacy'),
      },
      { limitSeconds: 6 },
    )
    expect(offers).toEqual({
      missing: expect.stringMatching(/^The server could not be started\. \(spawn .* ENOENT\)$/),
      dies: expect.stringMatching(/exited \(exit code 3\).* It said: no such port$/),
      secret: 'The server could not be started. (env.TOKEN: env:OFFERS_TEST_UNSET is not set)',
      nowhere: expect.stringMatching(
        /^The server cannot be reached or broke off its answer\. \(.*ECONNREFUSED/,
      ),
      socket: expect.stringMatching(/^The server could not be started\. \(connect ENOENT/),
      hangs: expect.stringMatching(/^(It did not answer within 6 s|The server did not answer in time)\.$/),
      echoes: expect.stringMatching(/^(It did not answer within 6 s|The server did not answer in time)\.$/),
      garbage: 'The server’s answer is not a JSON-RPC message. (HTTP 200)',
      strict: 'The server does not accept the gateway’s own credential. (HTTP 401)',
      broken: 'The server’s answer is not a JSON-RPC message. (HTTP 200)',
      silent: 'It did not answer within 6 s.',
      fine: expect.arrayContaining(['echo']),
    })
    expect(isRunning(log)).toBe(false)
  })

  it('are left alone when the question is given up', async () => {
    const log = join(folder, 'log')
    const given = new AbortController()
    const asked = ask({ hangs: run(RAW_SERVER, 'hangs', log) }, { signal: given.signal })
    setTimeout(() => given.abort(), 500)
    expect(await asked).toEqual({ hangs: 'The question was given up.' })
    expect(isRunning(log)).toBe(false)
  })
})

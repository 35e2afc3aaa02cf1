/** Nothing is exposed by accident (A1, invariant 7): a listener that others can reach needs TLS and authentication. */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Config, showConfigError } from '../../packages/gateway/src/config/config.ts'
import { parseConfig } from '../../packages/gateway/src/config/load.ts'
import { selfSigned } from '../fixtures/certificates.ts'
import { RunningGateway } from '../../packages/gateway/src/server/gateway.ts'
import { PERMIT_ALL } from '../fixtures/gateway.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-exposure-'))
  mkdirSync(join(folder, 'policies'))
  writeFileSync(join(folder, 'policies', 'all.cedar'), PERMIT_ALL)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const ANONYMOUS = `identity: { anonymous: 'User::"local"' }`
const TLS = 'tls: { cert: ./cert.pem, key: ./key.pem }'
const PROXY = 'trustedProxies: [127.0.0.1]'

function configOf(yaml: string): Config {
  const parsed = parseConfig(join(folder, 'tollgate.yaml'), yaml)
  if (!parsed.ok) throw new Error(parsed.error.map(showConfigError).join('\n'))
  return parsed.value
}

describe('refuses to start, with one sentence and its mend', () => {
  test.each([
    ['all addresses without TLS', 'listen: 0.0.0.0:0', /TLS.*tls\.cert/],
    ['all IPv6 addresses without TLS', 'listen: "[::]:0"', /TLS.*tls\.cert/],
    ['a public host name', 'listen: gate.example.com:0', /TLS/],
    ['an address of a private network', 'listen: 10.0.0.1:0', /TLS/],
    ['anonymous callers without TLS', `listen: 0.0.0.0:0\n${ANONYMOUS}`, /TLS/],
    ['anonymous callers behind TLS', `listen: 0.0.0.0:0\n${TLS}\n${ANONYMOUS}`, /identity\.anonymous/],
    ['anonymous callers behind a proxy', `listen: 0.0.0.0:0\n${PROXY}\n${ANONYMOUS}`, /identity\.anonymous/],
    ['a certificate that is not there', `listen: 127.0.0.1:0\n${TLS}`, /tls: .*certificate/],
  ])('%s', async (_name, yaml, sentence) => {
    const started = await RunningGateway.start(configOf(yaml), () => undefined)
    if (started.ok) await started.value.stop(0)
    expect(started).toEqual({ ok: false, error: [expect.stringMatching(sentence)] })
  })
})

describe('starts', () => {
  test.each([
    ['on loopback', 'listen: 127.0.0.1:0'],
    ['on loopback, with anonymous callers', `listen: 127.0.0.1:0\n${ANONYMOUS}`],
    ['on localhost', 'listen: localhost:0'],
    ['on IPv6 loopback', 'listen: "[::1]:0"'],
  ])('%s, and only there', async (_name, yaml) => {
    const started = await RunningGateway.start(configOf(yaml), () => undefined)
    if (!started.ok) throw new Error(started.error.join())
    const port = Number(new URL(started.value.endpoint).port)
    for (const address of otherAddresses()) expect(await canConnect(address, port), address).toBe(false)
    await started.value.stop(0)
  })

  test('on a Unix socket that only its user may open', async () => {
    const started = await RunningGateway.start(configOf('listen: unix:./gate.sock'), () => undefined)
    if (!started.ok) throw new Error(started.error.join())
    expect(statSync(join(folder, 'gate.sock')).mode & 0o777).toBe(0o600)
    await started.value.stop(0)
  })

  test('with TLS from files, and then speaks nothing else', async () => {
    const { cert, key } = await selfSigned('CN=gate', [{ type: 'ip', value: '127.0.0.1' }])
    writeFileSync(join(folder, 'cert.pem'), cert)
    writeFileSync(join(folder, 'key.pem'), key)
    const started = await RunningGateway.start(configOf(`listen: 127.0.0.1:0\n${TLS}`), () => undefined)
    if (!started.ok) throw new Error(started.error.join())
    const { endpoint } = started.value
    expect(endpoint).toMatch(/^https:/)
    expect(await httpsStatus(`${endpoint}/mcp/files`)).toBe(401)
    await expect(fetch(`${endpoint.replace('https', 'http')}/mcp/files`)).rejects.toThrow('fetch failed')
    await started.value.stop(0)
  })
})

/** Addresses of this machine that are not loopback; a sandbox may have none. */
function otherAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address)
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('close', () => socket.destroy())
  })
}

function httpsStatus(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const asked = request(url, { method: 'POST', headers, rejectUnauthorized: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode))
    })
    asked.once('error', reject)
    asked.end('{}')
  })
}

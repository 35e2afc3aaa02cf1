/** Which server a request is for is said by the exact path and by nothing else: no decoding, no joining, no default. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'
import { withLine, write } from '../fixtures/wire.ts'

let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway()
})
afterAll(() => gateway.close())

const NOT_FOUND = { status: 404, code: -31000, reason: 'unknown' } as const

test('control: /mcp/files and /mcp/db are the two servers', async () => {
  expect(expectAllowed(await gateway.send(gateway.legacy())).path).toBe('/files')
  expect(expectAllowed(await gateway.send(gateway.legacy({ server: 'db' }))).path).toBe('/db')
})

describe.each(['POST', 'GET', 'DELETE'])('a %s to', (method) => {
  test.each([
    '/',
    '/mcp',
    '/mcp/',
    '/mcp//',
    '/mcp//files',
    '//mcp/files',
    '///mcp/files',
    '/./mcp/files',
    '/mcp/./files',
    '/mcp/files/',
    '/mcp/files/.',
    '/mcp/files/..',
    '/mcp/files/../db',
    '/mcp/../mcp/files',
    '/x/../mcp/files',
    '/mcp/files/mcp/db',
    '/mcp/files/x',
    '/mcp/files?',
    '/mcp/files?x=1',
    '/mcp/files?server=db',
    '/mcp/files;x=1',
    '/mcp/files;',
    '/mcp;/files',
    '/mcp/files%20',
    '/mcp/files%00',
    '/mcp/files%2f',
    '/mcp/files%2f..%2fdb',
    '/mcp%2ffiles',
    '/mcp/%66iles',
    '/mcp/fil%65s',
    '/mcp/%2566iles',
    '/mcp/files%2e',
    '/mcp/%2e/files',
    '/mcp/%2e%2e/mcp/files',
    '/mcp/files.',
    '/mcp/files,db',
    '/mcp/files\\',
    '/mcp\\files',
    '\\mcp\\files',
    '/mcp/..\\files',
    '/mcp/Files',
    '/mcp/FILES',
    '/MCP/files',
    '/mcp/file',
    '/mcp/filess',
    '/mcp/f\u00eeles',
    '/mcp/*',
    '/mcp/{server}',
    '/mcp/__proto__',
    '/mcp/constructor',
    '/mcp/toString',
    '/mcp/undefined',
    '/mcp/0',
    '/files',
    '/db',
    '/api/v1/status',
    '/healthz',
    '/metrics',
    `/mcp/${'x'.repeat(8000)}`,
  ])('%s: refused, and no server is asked', async (target) => {
    const body = method === 'POST' ? gateway.legacy().body : ''
    const seen = await gateway.send({ ...gateway.legacy({ session: 'x' }), method, target, body })
    const isPath = /^\/[\x21-\x7e]*$/.test(target)
    expectRefused(seen, isPath ? NOT_FOUND : { status: 400, code: -32600, reason: 'invalid' })
  })

  test('a fragment: refused', async () => {
    const body = method === 'POST' ? gateway.legacy().body : ''
    for (const target of ['/mcp/files#', '/mcp/files#x', '/mcp/files#/../db']) {
      const { requests, decisions } = await gateway.send({ ...gateway.legacy(), method, target, body })
      expect(requests).toEqual([])
      expect(decisions).toMatchObject([{ decision: 'deny' }])
    }
  })
})

test.each([
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Forwarded-Prefix',
  'X-Forwarded-Path',
  'X-HTTP-Method-Override',
  'X-Method-Override',
  'router-key',
  'mcp-init-host',
  'x-mcp-servername',
])('%s does not change where a request goes', async (name) => {
  for (const value of ['/mcp/db', 'DELETE', 'db', 'secret-api-key']) {
    expect(expectAllowed(await gateway.send(withLine(gateway.legacy(), name, value)))).toMatchObject({
      path: '/files',
      method: 'POST',
    })
  }
})

describe('a method that MCP does not use', () => {
  test.each(['PUT', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'QUERY', 'LINK'])(
    '%s: refused',
    async (method) => {
      const request = write({ ...gateway.legacy(), method })
      const { replies, decisions, requests } = await gateway.send(request)
      expect(requests).toEqual([])
      expect(decisions).toMatchObject([{ decision: 'deny', reason: 'invalid' }])
      expect(replies.length === 0 ? 405 : replies[0]?.status).toBe(405)
      if (method !== 'HEAD') expect(replies[0]?.headers['allow']).toBe('GET, POST, DELETE')
    },
  )
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../test/fixtures/oauth/server.ts'
import { createAdapter } from './adapter.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const adapterOf = (kind: string) =>
  createAdapter(kind, { ...server.store, issuer: server.origin, now: Date.now })

describe('a proof that was seen', () => {
  it('is noted for one of two requests that both found it new', async () => {
    const adapter = adapterOf('ReplayDetection')
    expect([await adapter.find('a-proof'), await adapter.find('a-proof')]).toEqual([undefined, undefined])
    const noted = await Promise.allSettled([
      adapter.upsert('a-proof', { iss: 'client' }, 300),
      adapter.upsert('a-proof', { iss: 'client' }, 300),
    ])
    expect(noted.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  })
})

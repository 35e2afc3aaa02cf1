/**
 * A refusal explains itself without telling what the caller may not see (invariant 9): the log gets policies, places,
 * conditions and values; the caller gets ids and the names of its own arguments.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { postModern } from '../fixtures/raw-http.ts'
import { type RecordingUpstream, startRecordingUpstream } from '../fixtures/recording-upstream.ts'

const POLICIES = `
@id("small-transfers") permit (principal, action == Action::"bank__send", resource)
when { context.input.to == "acme-payroll-77" && context.input.amount <= 4321 };
@id("for-the-board") permit (principal == User::"the-chairwoman", action == Action::"bank__send", resource);
@id("only-at-night") permit (principal, action == Action::"bank__look", resource)
when { context.environment.name == "secret-place" && context.input.what == "x" };
@id("open-files") permit (principal, action == Action::"bank__look", resource)
when { context.input.what == "open-sesame" };
@id("careless") permit (principal, action == Action::"bank__count", resource) when { context.input.n > 17171 };
@id("hidden") permit (principal == User::"the-chairwoman", action == Action::"bank__erase", resource);`
/** What stands in the policies and is nobody's business. */
const SECRETS = [
  'acme-payroll',
  '4321',
  '17171',
  'chairwoman',
  'for-the-board',
  'secret-place',
  'only-at-night',
  'open-sesame',
  'context.',
]

let upstream: RecordingUpstream
let gateway: TestGateway
let key: string

beforeAll(async () => {
  upstream = await startRecordingUpstream()
  gateway = await startTestGateway({
    config: `servers: { bank: { url: '${upstream.url}' } }`,
    policies: POLICIES,
  })
  key = gateway.key('alice')
})
afterAll(async () => {
  await gateway.close()
  await upstream.close()
})

interface Answer {
  readonly error?: unknown
  readonly result: { readonly isError?: boolean; readonly _meta?: Record<string, unknown> }
}

async function call(name: string, args: object) {
  const request = { id: 1, method: 'tools/call', params: { name, arguments: args } }
  const response = await postModern(gateway.url('bank'), request, { key })
  const told = await response.text()
  const body = JSON.parse(told) as Answer
  const entry = gateway.entries().findLast(({ kind }) => kind === 'decision')
  return { told, entry: JSON.stringify(entry), requestId: entry?.requestId, body }
}

describe('a refused call', () => {
  test('with other arguments would have gone through', async () => {
    const { body } = await call('send', { to: 'acme-payroll-77', amount: 10 })
    expect(body.error).toBeUndefined()
    expect(body.result.isError).not.toBe(true)
  })

  test.each([
    ['another receiver', { to: 'mallory', amount: 10 }, ['to'], 'context.input.to == \\"acme-payroll-77\\"'],
    ['too much', { to: 'acme-payroll-77', amount: 5000 }, ['amount'], 'context.input.amount = 5000'],
  ])(
    'tells the caller which argument, and the log which condition: %s',
    async (_what, args, names, logged) => {
      const { told, entry, body } = await call('send', args)
      expect(body.result._meta?.['tollgate/refusal']).toMatchObject({
        reason: 'not-permitted',
        arguments: names,
      })
      expect(told).toContain(`would with another ${names[0]}`)
      for (const secret of SECRETS) expect(told).not.toContain(secret)
      expect(entry).toContain(logged.replaceAll('\\"', String.raw`\"`))
      expect(entry).toMatch(/nearest: \\"small-transfers\\" \([^)]*:3:\d+\)/)
    },
  )

  test('tells nothing of a condition on something else', async () => {
    const { told, entry } = await call('look', { what: 'y' })
    expect(told).toContain('Policy \\"open-files\\" would with another what.')
    for (const secret of SECRETS) expect(told).not.toContain(secret)
    expect(entry).toContain('only-at-night')
  })

  test('tells nothing of a policy that could not be evaluated', async () => {
    const { told, entry } = await call('count', { n: 'many' })
    for (const secret of [...SECRETS, 'careless', 'many']) expect(told).not.toContain(secret)
    expect(entry).toContain('careless')
    expect(entry).toContain(String.raw`context.input.n = \"many\"`)
  })

  test('of a hidden tool reads like that of no tool, and is explained in the log once it is answered', async () => {
    const hidden = await call('erase', {})
    const none = await call('nothing', {})
    expect(hidden.told.replace('erase', 'nothing')).toBe(none.told)
    expect(hidden.entry).not.toContain('chairwoman')
    const outcome = () =>
      gateway.entries().find(({ kind, requestId }) => kind === 'outcome' && requestId === hidden.requestId)
    await expect.poll(outcome).toMatchObject({
      status: 'refused',
      detail: expect.stringMatching(/"hidden" \([^)]*:10:\d+\): .*principal == User::"the-chairwoman"/),
    })
  })
})

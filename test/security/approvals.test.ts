/**
 * An approval is for one call: it is used once, and any difference makes another call. Each refusal here is of a call that
 * goes through when nothing was changed.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JsonObject } from '../../packages/gateway/src/model/message.ts'
import { type ApprovalBinding, bindingOf } from '../../packages/gateway/src/tasks/approvals.ts'
import { digestArguments } from '../../packages/gateway/src/audit/digest.ts'
import { adminOf, type Admin } from '../fixtures/admin.ts'
import { startWatchedGateway, type WatchedGateway } from '../fixtures/watched-gateway.ts'

const POLICIES = `@id("all") permit (principal, action in Action::"tools/call", resource);
permit (principal, action == Action::"tools/list", resource);
@id("asked") @remedy("approval") forbid (principal, action == Action::"files__deploy", resource)
unless { context has approval };
@id("leads") permit (principal == User::"lead", action == Action::"approvals/approve", resource in Server::"files")
when { context.requester.name != "mallory" };
permit (principal == User::"ada", action == Action::"approvals/approve", resource);`

let gateway: WatchedGateway
let admin: Admin
let ada: string
beforeAll(async () => {
  gateway = await startWatchedGateway({ policies: POLICIES })
  admin = await adminOf(gateway)
  ada = gateway.key('ada', 'helper')
})
afterAll(async () => {
  await admin.close()
  await gateway.close()
})

interface Answered {
  readonly reason: string | undefined
  readonly id: string
  readonly text: string
  readonly forwarded: number
}

async function call(args: JsonObject, key = ada, name = 'deploy'): Promise<Answered> {
  const { replies, requests } = await gateway.send(gateway.modern({ key, params: { name, arguments: args } }))
  const { result } = JSON.parse(replies[0]?.body.toString() ?? '{}') as {
    result?: { content?: { text: string }[]; _meta?: JsonObject }
  }
  const refusal = result?._meta?.['tollgate/refusal'] as
    | { reason: string; remedy?: { id?: string } }
    | undefined
  return {
    reason: refusal?.reason,
    id: refusal?.remedy?.id ?? '',
    text: result?.content?.[0]?.text ?? '',
    forwarded: requests.length,
  }
}

const answer = (id: string, verb: 'approve' | 'deny' = 'approve', as = 'User::"lead"') =>
  admin.ask(`POST /api/v1/approvals/${id}/${verb}`, { as })

const THERE = { version: '1.2.3', to: ['prod', 'staging'], force: true, notes: { by: 'ada', at: null } }

describe('an approval', () => {
  test('lets exactly this call through, once', async () => {
    const asked = await call(THERE)
    expect(asked).toMatchObject({ reason: 'approval-required', forwarded: 0 })
    expect(asked.text).toContain(`/approvals/${asked.id} `)
    expect(asked.text).toContain(`tollgate approvals approve ${asked.id} `)
    expect(await answer(asked.id)).toMatchObject({ status: 200 })
    expect(await call(THERE)).toMatchObject({ reason: undefined, forwarded: 1 })
    const again = await call(THERE)
    expect(again).toMatchObject({ reason: 'approval-required', forwarded: 0 })
    expect(again.id).not.toBe(asked.id)
  })

  test('is asked for once, however often the call is made meanwhile', async () => {
    const first = await call({ once: 1 })
    expect((await call({ once: 1 })).id).toBe(first.id)
  })

  test.each<[string, JsonObject]>([
    ['another value', { ...THERE, version: '1.2.4' }],
    ['a value of another type', { ...THERE, force: 'true' }],
    ['one more', { ...THERE, more: 1 }],
    ['one less', { version: THERE.version, to: THERE.to, force: true }],
    ['another order of a list', { ...THERE, to: ['staging', 'prod'] }],
    ['a member deeper down', { ...THERE, notes: { by: 'eve', at: null } }],
    ['null for nothing', { ...THERE, notes: { by: 'ada' } }],
    ['a space', { ...THERE, version: '1.2.3 ' }],
    ['another Unicode form', { ...THERE, version: '1.2.３' }],
  ])('is not one for %s', async (_, other) => {
    const { id } = await call({ ...THERE })
    await answer(id)
    expect(await call(other)).toMatchObject({ reason: 'approval-required', forwarded: 0 })
    expect(await call(THERE)).toMatchObject({ reason: undefined, forwarded: 1 })
  })

  /** The text of the arguments, as a client may write it. */
  async function callAsWritten(args: string): Promise<{ forwarded: readonly string[]; body: string }> {
    const request = gateway.modern({ key: ada, params: { name: 'deploy', arguments: { at: 'here' } } })
    const body = String(request.body).replace('{"at":"here"}', args)
    const { replies, requests } = await gateway.send({ ...request, body })
    const text = replies[0]?.body.toString() ?? ''
    return { forwarded: requests.map((each) => each.body.toString()), body: text }
  }

  test.each<[string, string, string]>([
    ['a number that is not the same', '{"n":1}', '{"n":1.0000000000000002}'],
    ['a number as text', '{"n":1}', '{"n":"1"}'],
    ['a number beyond what is exact', '{"n":9007199254740992}', '{"n":9007199254740993}'],
    ['more digits than are exact', '{"n":0.1}', '{"n":0.10000000000000000555}'],
    ['a number too large', '{"n":1}', '{"n":1e999}'],
    ['a name twice', '{"n":1}', '{"n":2,"n":1}'],
    ['a name twice, the other first', '{"n":1}', '{"n":1,"n":2}'],
    ['a name in another case as well', '{"n":1}', '{"n":1,"N":1}'],
    ['__proto__', '{"n":1}', '{"n":1,"__proto__":{"m":2}}'],
    ['__proto__ deeper down', '{"n":{"m":1}}', '{"n":{"m":1,"__proto__":{"m":2}}}'],
    ['__proto__ in escapes', '{"n":1}', '{"n":1,"\\u005f_proto__":{}}'],
    ['constructor', '{"n":1}', '{"n":1,"constructor":{"prototype":{}}}'],
    ['decomposed letters', '{"n":"\u00e9"}', '{"n":"e\u0301"}'],
    ['a letter that looks like it', '{"n":"a"}', '{"n":"\u0430"}'],
    ['half a character', '{"n":"x"}', '{"n":"x\\ud800"}'],
    ['something invisible', '{"n":"x"}', '{"n":"x\\u200b"}'],
    ['NUL', '{"n":"x"}', '{"n":"x\\u0000"}'],
    ['an empty list for nothing', '{"n":1}', '{"n":1,"l":[]}'],
    ['an object for a list', '{"l":["a"]}', '{"l":{"0":"a"}}'],
    ['a list in a list', '{"l":["a"]}', '{"l":[["a"]]}'],
    ['null at the end of a list', '{"l":["a"]}', '{"l":["a",null]}'],
    ['the name of nothing', '{"n":1}', '{"n":1,"":1}'],
    ['text instead', '{"n":1}', '"{\\"n\\":1}"'],
    ['a list instead', '{"n":1}', '[{"n":1}]'],
    ['null instead', '{"n":1}', 'null'],
    ['nothing instead', '{"n":1}', '{}'],
  ])('does not let through %s, as it is written', async (_, approved, other) => {
    const asked = await callAsWritten(approved)
    const [, id = ''] = /"id":"(a-[a-z2-7]{24})"/.exec(asked.body) ?? /(a-[a-z2-7]+)/.exec(asked.body) ?? []
    expect(await answer(id)).toMatchObject({ status: 200 })
    expect((await callAsWritten(other)).forwarded).toEqual([])
    expect((await callAsWritten(approved)).forwarded).toHaveLength(1)
  })

  test.each([
    ['{"n":1,"t":"é"}', '{ "t" : "\\u00E9" , "n" : 1.0e0 }'],
    ['{"n":0}', '{"n":-0}'],
    ['{"n":100}', '{"n":1E2}'],
  ])('lets through the same values, written otherwise: %s as %s', async (approved, same) => {
    const asked = await callAsWritten(approved)
    const [, id = ''] = /(a-[a-z2-7]+)/.exec(asked.body) ?? []
    expect(await answer(id)).toMatchObject({ status: 200 })
    const { forwarded } = await callAsWritten(same)
    const { params } = JSON.parse(forwarded[0] ?? '{}') as { params?: { arguments: JsonObject } }
    expect(JSON.stringify(sorted(params?.arguments))).toBe(JSON.stringify(sorted(JSON.parse(approved))))
  })

  test('is for the same arguments in another order: they are the same', async () => {
    const { id } = await call({ a: 1, b: 2 })
    await answer(id)
    expect(await call({ b: 2, a: 1 })).toMatchObject({ reason: undefined, forwarded: 1 })
  })

  test('is for the agent, principal and task that asked', async () => {
    const mine = { mine: 1 }
    const { id } = await call(mine)
    await answer(id)
    const grant = { tools: { files__deploy: { mine: {} } } }
    for (const other of [
      gateway.key('ada'),
      gateway.key('ada', 'other'),
      gateway.key('bob', 'helper'),
      gateway.task(grant, { agent: 'helper' }).key,
    ])
      expect(await call(mine, other)).toMatchObject({ reason: 'approval-required', forwarded: 0 })
    expect(await call(mine)).toMatchObject({ reason: undefined, forwarded: 1 })
  })

  test('is for the policies by which it was asked', async () => {
    const { id } = await call({ policy: 1 })
    await answer(id)
    expect(await gateway.reload({ policies: `${POLICIES}\n// another` })).toEqual([])
    expect(await call({ policy: 1 })).toMatchObject({ reason: 'approval-required', forwarded: 0 })
    expect(await gateway.reload({ policies: POLICIES })).toEqual([])
    expect(await call({ policy: 1 })).toMatchObject({ reason: undefined, forwarded: 1 })
  })

  test('is used by one of many calls at once', async () => {
    const { id } = await call({ many: 1 })
    await answer(id)
    const request = gateway.modern({ key: ada, params: { name: 'deploy', arguments: { many: 1 } } })
    const sent = await Promise.all(
      Array.from({ length: 100 }, () =>
        fetch(`${gateway.origin}${request.target}`, {
          method: 'POST',
          headers: request.headers
            .filter(([name]) => name !== 'Host')
            .map(([name, value]): [string, string] => [name, value]),
          body: String(request.body),
        }).then((response) => response.text()),
      ),
    )
    expect(sent.filter((text) => !text.includes('tollgate/refusal'))).toHaveLength(1)
    expect(gateway.since().requests).toHaveLength(1)
  })
})

describe('whoever answers', () => {
  test('is somebody whom policies let', async () => {
    const { id } = await call({ who: 1 })
    const refused = await answer(id, 'approve', 'User::"bob"')
    expect(refused.status).toBe(422)
    expect(JSON.stringify(refused.body)).toContain('approvals/approve')
    expect(await call({ who: 1 })).toMatchObject({ reason: 'approval-required', forwarded: 0 })
  })

  test('is asked about the requester', async () => {
    const { id } = await call({ who: 2 }, gateway.key('mallory'))
    expect((await answer(id)).status).toBe(422)
  })

  test('is never the one who asked, whatever policies say', async () => {
    const { id } = await call({ own: 1 })
    expect((await answer(id, 'approve', 'User::"ada"')).status).toBe(422)
    expect(await gateway.reload({ config: `approvals: { self: true }\n${serversOf(gateway)}` })).toEqual([])
    expect((await answer(id, 'approve', 'User::"ada"')).status).toBe(200)
    expect(await gateway.reload({ config: serversOf(gateway) })).toEqual([])
  })

  test('is not the agent that asked, for whomever it did', async () => {
    await gateway.reload({
      policies: `${POLICIES}\npermit (principal, action == Action::"approvals/approve", resource);`,
    })
    const { id } = await call({ agent: 1 })
    expect((await answer(id, 'approve', 'Agent::"helper"')).status).toBe(422)
    expect((await answer(id, 'approve', 'Agent::"other"')).status).toBe(200)
    await gateway.reload({ policies: POLICIES })
  })

  test('has nothing to approve once the task is over', async () => {
    const task = gateway.task({ tools: { files__deploy: { over: {} } } })
    const { id } = await call({ over: 1 }, task.key)
    gateway.endTask(task.id)
    await expect.poll(async () => (await call({ over: 1 }, task.key)).reason).toBeUndefined()
    const late = await answer(id)
    expect(late.status).toBe(422)
    expect(JSON.stringify(late.body)).toContain(`The task ${task.id} is over`)
    expect((await answer(id, 'deny')).status).toBe(200)
  })

  test('answers once; a no stays a no', async () => {
    const { id } = await call({ no: 1 })
    expect((await answer(id, 'deny')).status).toBe(200)
    expect((await answer(id)).status).toBe(422)
    expect(await call({ no: 1 })).toMatchObject({ reason: 'approval-required', forwarded: 0 })
  })

  test('is on record before it counts, and with the call that it let through', async () => {
    const { id } = await call({ record: 1 })
    await answer(id)
    expect(
      gateway
        .entries()
        .filter(({ kind }) => kind === 'event')
        .at(-1),
    ).toMatchObject({
      event: 'approval',
      principal: 'User::"lead"',
      detail: expect.stringContaining(id) as string,
    })
    await call({ record: 1 })
    const decisions = gateway.entries().filter(({ kind }) => kind === 'decision')
    expect(decisions.at(-1)).toMatchObject({ decision: 'allow', approval: id })
    expect(decisions.filter((entry) => 'approval' in entry && entry.approval === id)).toHaveLength(1)
  })
})

function serversOf({ upstream }: WatchedGateway): string {
  const at = (path: string) => new URL(path, upstream.url).href
  return `servers:\n  files: { url: '${at('/files')}' }\n  db: { url: '${at('/db')}' }\n`
}

test('no two calls have one binding: every mutation of one that was approved is another', () => {
  const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => typeof value === 'object' && value !== null)
  const base: ApprovalBinding = {
    task: 't-a',
    bindingKey: 'ada',
    action: 'files__deploy',
    resource: { type: 'Tool', id: 'files__deploy' },
    argumentsDigest: null,
    pin: null,
    policyVersion: 'v',
  }
  const of = (args: unknown) => bindingOf({ ...base, argumentsDigest: digestArguments(args) })
  fc.assert(
    fc.property(json, json, (one, other) => {
      const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))
      expect(of(one) === of(other)).toBe(same)
    }),
    { numRuns: 5000 },
  )
  const text = fc.string({ maxLength: 8 })
  const parts = fc.record({ task: text, bindingKey: text, action: text, policyVersion: text })
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other)
      expect(bindingOf({ ...base, ...one }) === bindingOf({ ...base, ...other })).toBe(same)
    }),
    { numRuns: 5000 },
  )
})

/** The order of members says nothing; that of elements does. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value
  const entries = Object.entries(value).map(([name, each]): [string, unknown] => [name, sorted(each)])
  return { members: entries.sort(([a], [b]) => (a < b ? -1 : 1)) }
}

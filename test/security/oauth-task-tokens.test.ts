/** Tasks in OAuth messages (RFC 9396): tokens that come of a task's tokens are for it, or for a part of it. */
import { afterAll, describe, expect, it } from 'vitest'
import { Browser } from '../fixtures/oauth/browser.ts'
import { claimsOf } from '../fixtures/oauth/machine.ts'
import { allow } from '../fixtures/oauth/person.ts'
import { ASKED, asking, startTaskServer } from '../fixtures/oauth/task-server.ts'

const { server, client, planner, worker, grant, taskOf, refresh, exchange, end } = await startTaskServer()
afterAll(() => server.close())

describe('a refresh', () => {
  it('keeps the task, for as long as it lasts', async () => {
    const body = await grant()
    const task = taskOf(body.access_token)
    const again = await refresh(body.refresh_token)
    expect(taskOf(again.body['access_token'])?.id).toBe(task?.id)
    expect(again.body['authorization_details']).toMatchObject([{ id: task?.id }])
    end(task?.id)
    const over = await refresh(String(again.body['refresh_token']))
    expect(over).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  it.each<[string, Record<string, string>, string]>([
    ['details that widen', asking({ servers: ['files', 'mail'] }), 'invalid_authorization_details'],
    ['the same details', asking(), 'invalid_authorization_details'],
    [
      'the id of another task',
      { authorization_details: JSON.stringify([{ type: 'tollgate_task', id: 't-b' }]) },
      'invalid_authorization_details',
    ],
    ['another route', { resource: 'ORIGIN/mcp/db' }, 'invalid_target'],
  ])('is refused with %s', async (_, changes, error) => {
    const { refresh_token: token } = await grant()
    const given = Object.entries(changes).map(([name, value]) => [
      name,
      value.replace('ORIGIN', server.origin),
    ])
    const { body } = await refresh(token, Object.fromEntries(given) as Record<string, string>)
    expect(body).toMatchObject({ error })
    expect(body).not.toHaveProperty('access_token')
  })

  it('with an empty list of details still has the task', async () => {
    const { access_token: token, refresh_token: refreshToken } = await grant()
    const { body } = await refresh(refreshToken, { authorization_details: '[]' })
    expect(taskOf(body['access_token'])?.id).toBe(taskOf(token)?.id)
  })

  it('a code is for the task that was settled, too', async () => {
    const back = await allow(new Browser(server.origin), server.authorizeUrl(client, asking()))
    const code = back.searchParams.get('code') ?? ''
    const wider = server.exchange(client, code, asking({ servers: ['mail'] }))
    expect((await server.token(wider)).body).toMatchObject({ error: 'invalid_authorization_details' })
  })
})

describe('a client on its own', () => {
  it('narrows itself to a task, which is its own', async () => {
    const own = { grant_type: 'client_credentials', resource: server.resource() }
    const { body } = await worker.token({ ...own, ...asking({ expires_in: 60 }) })
    expect(taskOf(body['access_token'])).toMatchObject({
      principal: { type: 'Service', id: 'local/worker' },
      grant: { purpose: ASKED.purpose },
    })
    expect(taskOf(body['access_token'])).not.toHaveProperty('agent')
    expect(Number(body['expires_in'])).toBeLessThanOrEqual(60)
    expect(taskOf((await worker.token(own)).body['access_token'])).toBeUndefined()
  })
})

describe('an exchange', () => {
  it('gives a token for the same task', async () => {
    const { access_token: token } = await grant()
    const { body } = await exchange(planner, token)
    expect(taskOf(body['access_token'])?.id).toBe(taskOf(token)?.id)
    expect(body['authorization_details']).toMatchObject([{ id: taskOf(token)?.id, purpose: ASKED.purpose }])
    const { body: second } = await exchange(worker, body['access_token'])
    expect(taskOf(second['access_token'])?.id).toBe(taskOf(token)?.id)
  })

  it('gives a part of the task where one is asked for, which ends with it', async () => {
    const { access_token: token } = await grant(asking({ expires_in: 120 }))
    const whole = taskOf(token)
    const wider = { servers: ['files', 'mail'], expires_in: 86_400, flow: 'off' }
    const { body } = await exchange(planner, token, asking(wider))
    const part = taskOf(body['access_token'])
    expect(part).toMatchObject({
      parent: whole?.id,
      principal: whole?.principal,
      agent: 'local/planner',
      expiresAtMs: whole?.expiresAtMs,
    })
    expect(Number(claimsOf(body['access_token'])['exp']) * 1000).toBeLessThanOrEqual(whole?.expiresAtMs ?? 0)
    end(whole?.id)
    expect((await exchange(worker, body['access_token'])).body).toMatchObject({
      error: 'invalid_request',
      error_description: expect.stringContaining('its task is over') as string,
    })
  })

  it('narrows what has no task to one of the principal', async () => {
    const { access_token: token } = await grant({})
    const { body } = await exchange(planner, token, asking({ expires_in: 30 }))
    expect(taskOf(body['access_token'])).toMatchObject({
      principal: { type: 'User', id: 'local/alice' },
      agent: 'local/planner',
    })
    expect(Number(claimsOf(body['access_token'])['exp'])).toBeLessThanOrEqual(Date.now() / 1000 + 30)
    expect(taskOf(body['access_token'])).not.toHaveProperty('parent')
    const own = await worker.ownToken(server.resource())
    const service = await exchange(planner, own, asking())
    expect(taskOf(service.body['access_token'])?.principal).toEqual({ type: 'Service', id: 'local/worker' })
  })

  it.each<[string, Record<string, string>]>([
    ['no details', {}],
    ['an empty list', { authorization_details: '[]' }],
    ['the route named', { resource: 'RESOURCE' }],
    ['the scope named', { scope: 'mcp' }],
  ])('never sheds the task: %s', async (_, changes) => {
    const { access_token: token } = await grant()
    const resource = server.resource()
    const given = Object.entries(changes).map(([name, value]) => [name, value.replace('RESOURCE', resource)])
    const { body } = await exchange(planner, token, Object.fromEntries(given) as Record<string, string>)
    expect(taskOf(body['access_token'])?.id).toBe(taskOf(token)?.id)
  })

  it.each<[string, Record<string, string>, string]>([
    ['another route', { resource: 'ORIGIN/mcp/db' }, 'invalid_target'],
    [
      'another type of details',
      { authorization_details: '[{"type":"other"}]' },
      'invalid_authorization_details',
    ],
    [
      'the id of another task',
      { authorization_details: '[{"type":"tollgate_task","id":"t-b"}]' },
      'invalid_authorization_details',
    ],
  ])('is refused for %s', async (_, changes, error) => {
    const { access_token: token } = await grant()
    const given = Object.entries(changes).map(([name, value]) => [
      name,
      value.replace('ORIGIN', server.origin),
    ])
    const { body } = await exchange(planner, token, Object.fromEntries(given) as Record<string, string>)
    expect(body).toMatchObject({ error })
  })

  it('is not what a client does on its own: that is for itself', async () => {
    const { access_token: token } = await grant()
    const { body } = await exchange(planner, token)
    expect(claimsOf(body['access_token'])['sub']).toBe('alice')
    const own = claimsOf(await planner.ownToken(server.resource()))
    expect(own).toMatchObject({ sub: 'planner', principal_type: 'agent' })
    expect(own).not.toHaveProperty('act')
  })
})

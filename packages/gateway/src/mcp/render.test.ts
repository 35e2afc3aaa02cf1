import { describe, expect, test } from 'vitest'
import type { Message } from '../model/message.ts'
import type { Refusal } from '../model/refusal.ts'
import { renderRefusal } from './render.ts'

const common = { era: 'legacy', protocolVersion: '2025-11-25', paramHeaders: [] } as const
const request = (method: string, era: 'legacy' | 'modern' = 'legacy'): Message => {
  return { kind: 'request', ...common, era, id: 7, method, params: {}, body: {} }
}
const notification: Message = {
  kind: 'notification',
  ...common,
  method: 'notifications/initialized',
  params: undefined,
  body: {},
}

function render(refusal: Refusal, message: Message | undefined) {
  const { status, headers, body } = renderRefusal(refusal, {
    requestId: 'r1',
    message,
    challenge: 'Bearer realm="tollgate"',
  })
  return { status, headers, body: JSON.parse(body) as unknown }
}

describe('the wire form of every refusal', () => {
  const told = (reason: string) => ({ reason, requestId: 'r1' })
  const rpc = (code: number, message: string, data?: unknown) => {
    return { jsonrpc: '2.0', id: 7, error: data === undefined ? { code, message } : { code, message, data } }
  }

  test.each<[Refusal, string, number, unknown]>([
    [
      { reason: 'unauthenticated', message: 'm' },
      'tools/call',
      401,
      rpc(-31000, 'm', told('unauthenticated')),
    ],
    [
      { reason: 'unknown', what: 'route', message: 'm' },
      'tools/call',
      404,
      rpc(-31000, 'm', told('unknown')),
    ],
    [
      { reason: 'unknown', what: 'session', message: 'm' },
      'tools/call',
      404,
      rpc(-32001, 'm', told('unknown')),
    ],
    [{ reason: 'unknown', what: 'name', message: 'm' }, 'tools/call', 200, rpc(-32602, 'm')],
    [{ reason: 'unknown', what: 'name', message: 'm' }, 'resources/read', 200, rpc(-32002, 'm')],
    [{ reason: 'unknown', what: 'handle', message: 'm' }, 'tasks/get', 200, rpc(-32602, 'm')],
    [
      { reason: 'invalid', message: 'm', protocol: { status: 400, code: -32020 } },
      'tools/call',
      400,
      rpc(-32020, 'm', told('invalid')),
    ],
    [
      { reason: 'invalid', message: 'm', protocol: { status: 400, code: -32022, data: { supported: [] } } },
      'tools/call',
      400,
      rpc(-32022, 'm', { supported: [] }),
    ],
    [{ reason: 'internal', message: 'm' }, 'tools/call', 500, rpc(-32603, 'm', told('internal'))],
    ...(
      [
        'not-permitted',
        'task-required',
        'outside-task',
        'approval-required',
        'changed',
        'limited',
        'unavailable',
      ] as const
    ).map((reason): [Refusal, string, number, unknown] => [
      { reason, message: 'm' },
      'prompts/get',
      200,
      rpc(-31000, 'm', { 'tollgate/refusal': told(reason) }),
    ]),
  ])('%j of %s', (refusal, method, status, body) => {
    expect(render(refusal, request(method))).toMatchObject({ status, body })
    expect(render(refusal, request(method)).body).toEqual(body)
  })

  test('a refused tool call is a result that a model can read', () => {
    const refusal: Refusal = {
      reason: 'task-required',
      message: 'Policy "p" forbids this call.',
      remedy: { kind: 'task' },
    }
    const explained = { reason: 'task-required', requestId: 'r1', remedy: { kind: 'task' } }
    const text =
      'Policy "p" forbids this call. Start or request a task that covers this call. (task-required, request r1)'
    const result = {
      content: [{ type: 'text', text }],
      isError: true,
      _meta: { 'tollgate/refusal': explained },
    }
    expect(render(refusal, request('tools/call'))).toMatchObject({
      status: 200,
      body: { jsonrpc: '2.0', id: 7, result },
    })
    expect(render(refusal, request('tools/call', 'modern')).body).toEqual({
      jsonrpc: '2.0',
      id: 7,
      result: { resultType: 'complete', ...result },
    })
  })

  test.each([
    ['not-permitted', 403],
    ['limited', 429],
    ['unavailable', 503],
  ] as const)('%s of something without an answer is an HTTP status', (reason, status) => {
    expect(render({ reason, message: 'm' }, notification)).toMatchObject({ status, body: { id: null } })
    expect(render({ reason, message: 'm' }, undefined)).toMatchObject({ status, body: { id: null } })
  })

  test('details for operators stay out', () => {
    const refusals: Refusal[] = [
      { reason: 'internal', message: 'm', detail: 'SECRET' },
      { reason: 'unknown', what: 'name', message: 'm', detail: 'SECRET' },
      { reason: 'not-permitted', message: 'm', detail: 'SECRET', policies: ['SECRET'] },
    ]
    for (const refusal of refusals)
      expect(JSON.stringify(render(refusal, request('tools/call')))).not.toContain('SECRET')
  })
})

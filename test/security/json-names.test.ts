/**
 * Names in a body that two parsers could read differently (A8). Whatever policy would have seen of such a body is not
 * what a server might see, so the body is refused at every depth, arguments included.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  expectAllowed,
  expectRefused,
  startWatchedGateway,
  type WatchedGateway,
} from '../fixtures/watched-gateway.ts'

let gateway: WatchedGateway
beforeAll(async () => {
  gateway = await startWatchedGateway()
})
afterAll(() => gateway.close())

const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}'
const withArguments = (text: string) => CALL.replace('{"a":1}', text)
const send = (body: string | Buffer) => gateway.send({ ...gateway.legacy(), body })

interface Case {
  readonly title: string
  readonly body: string
  readonly detail: RegExp
}

test('control: the same call, well-formed, goes through as it was', async () => {
  const { message } = expectAllowed(await send(CALL))
  expect(message).toEqual(JSON.parse(CALL))
})

describe('a member twice', () => {
  const cases: Case[] = [
    ['method, to the side of the judged one', CALL.replace('{', '{"method":"ping",')],
    ['method, spelled with an escape', CALL.replace('{', '{"m\\u0065thod":"ping",')],
    ['id', CALL.replace('{', '{"id":2,')],
    ['params', CALL.replace('{', '{"params":{"name":"other"},')],
    ['jsonrpc', CALL.replace('{', '{"jsonrpc":"2.0",')],
    ['name in params', CALL.replace('{"name"', '{"name":"other","name"')],
    ['arguments in params', CALL.replace('{"name"', '{"arguments":{},"name"')],
    ['_meta in params', CALL.replace('{"name"', '{"_meta":{},"_meta":{},"name"')],
    ['in arguments', withArguments('{"path":"/a","path":"/b"}')],
    ['in arguments, with equal values', withArguments('{"path":"/a","path":"/a"}')],
    ['in an object in arguments', withArguments('{"to":{"path":"/a","path":"/b"}}')],
    [
      'in an array of objects in arguments',
      withArguments('{"files":[{"path":"/a"},{"path":"/b","path":"/c"}]}'),
    ],
    ['in arrays in arrays', withArguments('{"files":[[[{"x":1,"x":2}]]]}')],
    ['the empty name', withArguments('{"":1,"":2}')],
    ['names of digits', withArguments('{"0":1,"0":2}')],
    ['one of them escaped', withArguments('{"path":"/a","\\u0070ath":"/b"}')],
    ['hidden behind a colon in a string', withArguments('{"a":":","a":"::"}')],
  ].map(([title = '', body = '']) => ({ title, body, detail: /duplicate member/ }))
  test.each(cases)('$title: refused', async ({ body, detail }) => {
    expectRefused(await send(body), { status: 400, code: -32600, reason: 'invalid', detail })
  })
})

describe('members that differ only by case', () => {
  const cases: Case[] = [
    ['Method beside method', CALL.replace('{', '{"Method":"ping",')],
    ['PARAMS beside params', CALL.replace('{', '{"PARAMS":{"name":"other"},')],
    ['path and Path', withArguments('{"path":"/a","Path":"/b"}')],
    ['PATH and Path', withArguments('{"PATH":"/a","Path":"/b"}')],
    ['in an object in an array', withArguments('{"to":[{"who":1,"WHO":2}]}')],
    ['the Kelvin sign', withArguments('{"key":1,"\u212aey":2}')],
    ['the Kelvin sign, escaped', withArguments('{"key":1,"\\u212aey":2}')],
    ['the long s', withArguments('{"sql":1,"\u017fql":2}')],
    ['the dotless i', withArguments('{"id":1,"\u0131d":2}')],
    ['the capital sharp s', withArguments('{"stra\u00dfe":1,"STRA\u1e9eE":2}')],
    ['Cyrillic', withArguments('{"\u043f\u0443\u0442\u044c":1,"\u041f\u0443\u0442\u044c":2}')],
    ['Deseret, outside the first plane', withArguments('{"\u{10428}":1,"\u{10400}":2}')],
  ].map(([title = '', body = '']) => ({ title, body, detail: /differ only by case/ }))
  test.each(cases)('$title: refused', async ({ body, detail }) => {
    expectRefused(await send(body), { status: 400, code: -32600, reason: 'invalid', detail })
  })
})

describe('a name of the protocol, spelled otherwise', () => {
  const meta = '{"_meta":{"io.modelcontextprotocol/ProtocolVersion":"2026-07-28"},"name"'
  const listen = CALL.replace('tools/call', 'subscriptions/listen')
  const complete = CALL.replace('tools/call', 'completion/complete')
  const cases: Case[] = [
    ['METHOD', CALL.replace('"method"', '"METHOD"')],
    ['Method beside nothing', CALL.replace('"method"', '"Method"')],
    ['Params', CALL.replace('"params"', '"Params"')],
    ['paramſ', CALL.replace('"params"', '"param\u017f"')],
    ['JsonRpc', CALL.replace('"jsonrpc"', '"JsonRpc"')],
    ['ID', CALL.replace('"id"', '"ID"')],
    ['Name', CALL.replace('"name"', '"Name"')],
    ['Arguments', CALL.replace('"arguments"', '"Arguments"')],
    ['_META', CALL.replace('{"name"', '{"_META":{},"name"')],
    ['URI', CALL.replace('"name"', '"URI"')],
    ['TaskId', CALL.replace('"name"', '"TaskID"')],
    ['RequestState', CALL.replace('{"name"', '{"RequestState":"x","name"')],
    ['the version in _meta', CALL.replace('{"name"', meta)],
    [
      'the resources of a subscription',
      listen.replace('{"name"', '{"notifications":{"ResourceSubscriptions":["a"]},"name"'),
    ],
    [
      'the kind of a reference',
      complete.replace('{"name"', '{"ref":{"Type":"ref/prompt","Name":"x"},"name"'),
    ],
    [
      'what a reference names',
      complete.replace('{"name"', '{"ref":{"type":"ref/prompt","name":"x","Uri":"y"},"name"'),
    ],
  ].map(([title = '', body = '']) => ({ title, body, detail: /must be spelled/ }))
  test.each(cases)('$title: refused', async ({ body, detail }) => {
    expectRefused(await send(body), { status: 400, code: -32600, reason: 'invalid', detail })
  })

  test.each([
    ['in arguments, where it is the tool’s own', withArguments('{"Method":"x","NAME":"y","Uri":"z"}')],
    ['beside one of another meaning', withArguments('{"path":"/a","pathname":"/b","PathName2":"/c"}')],
    ['with capitals, but alone', withArguments('{"Path":"/a","to":[{"Path":"/b"},{"path":"/c"}]}')],
  ])('control: %s: passes', async (_title, body) => {
    const { message } = expectAllowed(await send(body))
    expect(message).toEqual(JSON.parse(body))
  })
})

describe('__proto__', () => {
  const cases: Case[] = [
    ['at the top', CALL.replace('{', '{"__proto__":{"method":"ping"},')],
    ['in params', CALL.replace('{"name"', '{"__proto__":{"name":"other"},"name"')],
    ['in arguments', withArguments('{"__proto__":{"admin":true}}')],
    ['in arguments, escaped', withArguments('{"\\u005f\\u005fproto\\u005f\\u005f":{"admin":true}}')],
    ['half escaped', withArguments('{"__pr\\u006fto__":1}')],
    ['in an object in an array', withArguments('{"a":[{"__proto__":null}]}')],
  ].map(([title = '', body = '']) => ({ title, body, detail: /__proto__/ }))
  test.each(cases)('$title: refused', async ({ body, detail }) => {
    expectRefused(await send(body), { status: 400, code: -32600, reason: 'invalid', detail })
  })

  test.each(['constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'])(
    'control: %s is a name like any other, and reaches the server as it was',
    async (name) => {
      const body = withArguments(`{"${name}":{"a":1}}`)
      const { body: sent } = expectAllowed(await send(body))
      expect(sent.toString()).toBe(body)
    },
  )

  test('control: a string that says __proto__ passes', async () => {
    expectAllowed(await send(withArguments('{"a":"__proto__"}')))
  })
})

import { beforeAll, describe, expect, it } from 'vitest'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { readCall } from './made-up-call.ts'

const CONFIG = 'servers: { files: { command: [node, none.js] }, db: { command: [node, none.js] } }\n'
const ALICE = { principal: 'User::"alice"', group: [], tag: [], sourceIp: '10.0.0.7' }

let config: Config
beforeAll(async () => {
  const loaded = await loadConfig({ path: '/made/up/tollgate.yaml', readFile: async () => CONFIG })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error))
  config = loaded.value
})

describe('a call from a command line', () => {
  it('is the query of the same request on the wire', () => {
    const options = { ...ALICE, agent: 'Agent::"bot"', group: ['Group::"staff"'], tag: ['level=a=b'] }
    const call = readCall(['files__read', '{"path":"docs/a"}'], options, config)
    expect(call).toMatchObject({
      ok: true,
      value: {
        caller: {
          principal: { type: 'User', id: 'alice' },
          agent: { type: 'Agent', id: 'bot' },
          known: { groups: [{ type: 'Group', id: 'staff' }], tags: { level: 'a=b' } },
        },
        server: 'files',
        method: 'tools/call',
        target: { action: 'files__read', resource: { type: 'Tool', id: 'files__read' } },
        input: { path: 'docs/a' },
        source: { ip: '10.0.0.7' },
      },
    })
  })

  it.each([
    [['look'], {}, 'look is no full name of a tool'],
    [[], {}, 'name what is called'],
    [['fils__look'], {}, 'there is no server fils; did you mean files?'],
    [['files__look'], { server: 'db' }, 'files__look is no tool of db'],
    [['files__look', '{"a":1,'], {}, 'the arguments: this text is not valid JSON. {"a":1,'],
    [['files__look', '{"a":1,"a":2}'], {}, 'duplicate member'],
    [['files__look', '[1]'], {}, 'the arguments must be a JSON object'],
    [[], { resource: 'a:b' }, '--server must say whose resource or prompt it is'],
    [['{}'], { server: 'db', resource: 'a:b' }, '--resource stands alone'],
    [['db__x', '{}'], { server: 'db', prompt: 'hello' }, '--prompt stands in the place of a tool'],
    [['files__look'], { principal: 'User::alice' }, '--principal must be an entity'],
    [['files__look'], { agent: 'bot' }, '--agent must be an entity'],
    [['files__look'], { group: ['staff'] }, '--group must be an entity'],
    [['files__look'], { tag: ['=x'] }, '--tag must be name=value'],
    [['files__look'], { sourceIp: 'here' }, '--source-ip must be an address'],
  ])('that cannot be one is refused in a sentence: %j %j', (given, options, message) => {
    const call = readCall(given, { ...ALICE, ...options }, config)
    expect(call).toMatchObject({ ok: false, error: expect.stringContaining(message) })
  })
})

import { getCedarSDKVersion, schemaToJson } from '@cedar-policy/cedar-wasm/nodejs'
import { afterEach, describe, expect, it } from 'vitest'
import { ENGINE, Engine } from './engine.ts'

const converted = schemaToJson(`
entity User;
action view appliesTo { principal: User, resource: User, context: { depth: Long } };`)
const SCHEMA = JSON.stringify(converted.type === 'success' ? converted.json : undefined)

const right = 'permit (principal, action, resource);'
const wrong = 'permit (principal, action, resource) when { context.dept == 1 };'

let engine: Engine | undefined
afterEach(() => engine?.stop())

async function judge(texts: readonly string[], options: { schema?: string; over?: AbortController } = {}) {
  const { schema = SCHEMA, over = new AbortController() } = options
  engine = new Engine(over.signal)
  const told: string[] = []
  const refused = await engine.judge({
    schema,
    policies: new Map(texts.map((text, index) => [`${index}`, text])),
    judged: (key, diagnostics) => void told.push(`${key}: ${diagnostics.length}`),
    failed: (key, problem) => void told.push(`${key}: ${problem}`),
  })
  return { refused, told: told.toSorted() }
}

describe('the engine', () => {
  it('is the version that what it says is kept for', () => {
    expect(ENGINE).toBe(`cedar-wasm ${getCedarSDKVersion()}`)
  })

  it('finds the one policy that it cannot judge, and judges all others', async () => {
    const texts = [right, wrong, 'permit (', right, wrong, right, right, right, right, right]
    const { refused, told } = await judge(texts)
    expect(refused).toBeUndefined()
    expect(told).toHaveLength(texts.length)
    expect(told.slice(0, 3)).toEqual(['0: 0', '1: 1', expect.stringMatching(/^2: failed to parse policy/)])
  })

  it('goes on in a new process after it broke', async () => {
    const deep = `permit (principal, action, resource) when { ${'('.repeat(20_000)}true${')'.repeat(20_000)} };`
    const { told } = await judge([right, deep, wrong])
    expect(told).toEqual(['0: 0', expect.stringMatching(/^1: /), '2: 1'])
  })

  it('says why it does not take a schema', async () => {
    const deep = `{"": {"entityTypes": {"User": {"memberOfTypes": ["Grup"]}}, "actions": {}}}`
    expect(await judge([right], { schema: deep })).toEqual({
      refused: 'failed to resolve type: Grup (`Grup` has not been declared as an entity type)',
      told: [],
    })
    expect((await judge([right], { schema: '{' })).refused).toContain('the engine broke: SyntaxError')
  })

  it('keeps what it judged before the time was over', async () => {
    const over = new AbortController()
    engine = new Engine(over.signal)
    const told: string[] = []
    const policies = new Map(Array.from({ length: 100 }, (_, index) => [`${index}`, right]))
    const judged = (key: string) => {
      told.push(key)
      over.abort()
    }
    const refused = await engine.judge({ schema: SCHEMA, policies, judged, failed: () => undefined })
    expect(refused).toBeUndefined()
    expect(told).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
  })
})

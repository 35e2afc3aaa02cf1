import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editJson } from '../model/json-text.ts'
import { replaceId } from './restore.ts'

describe('the id of a response', () => {
  it.each([
    ['in front', '{"jsonrpc":"2.0","id":7,"result":{}}', '{"jsonrpc":"2.0","id":"a","result":{}}'],
    ['behind', '{"result":{},"jsonrpc":"2.0","id":7}', '{"result":{},"jsonrpc":"2.0","id":"a"}'],
    ['spaced', '{ "id" :\n7 , "result": {}}', '{ "id" :\n"a" , "result": {}}'],
    ['spelled as another number', '{"id":7.0e0,"result":{}}', '{"id":"a","result":{}}'],
    ['with others further in', '{"result":{"id":7},"id":7}', '{"result":{"id":7},"id":"a"}'],
    ['and a string like its name', '{"result":"id","id":7}', '{"result":"id","id":"a"}'],
    ['and its name in a string', '{"result":"\\"id\\":1","id":7}', '{"result":"\\"id\\":1","id":"a"}'],
    ['twice', '{"id":7,"result":{},"id":7}', '{"id":"a","result":{},"id":"a"}'],
    ['escaped', '{"\\u0069d":7,"result":"id"}', '{"\\u0069d":"a","result":"id"}'],
  ])('%s', (_where, text, expected) => {
    expect(replaceId(text, 'a')).toBe(expected)
  })

  it('is replaced as by a walk through the whole text', () => {
    const names = fc.constantFrom('id', 'iD', 'result', '"id"', 'a\\', '')
    const values = fc.jsonValue({ maxDepth: 3 })
    const members = fc.array(fc.tuple(names, fc.oneof(values, names)))
    fc.assert(
      fc.property(members, fc.integer(), fc.nat(5), fc.boolean(), (others, number, at, spaced) => {
        const entries = others.filter(([name]) => name !== 'id')
        entries.splice(at, 0, ['id', number])
        const text = JSON.stringify(Object.fromEntries(entries), null, spaced ? 1 : 0)
        expect(replaceId(text, 'mine')).toBe(editJson(text, [{ path: ['id'], value: '"mine"' }]))
      }),
    )
  })
})

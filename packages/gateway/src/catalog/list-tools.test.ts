import { describe, expect, it } from 'vitest'
import { unavailable } from '../model/refusal.ts'
import { err, ok } from '../model/result.ts'
import { DEFAULT_LIST_LIMITS, listTools, type ListLimits } from './list-tools.ts'

const object = { type: 'object' }

/** Answers with these bodies by turns; the last one for ever. */
async function list(bodies: readonly object[], limits: Partial<ListLimits> = {}) {
  const cursors: (string | undefined)[] = []
  const tools = async (cursor: string | undefined) => {
    const body = { jsonrpc: '2.0', id: 1, ...bodies[Math.min(cursors.length, bodies.length - 1)] }
    cursors.push(cursor)
    return ok({ text: JSON.stringify(body), body })
  }
  return { listed: await listTools({ tools }, { ...DEFAULT_LIST_LIMITS, ...limits }), cursors }
}

const page = (tools: unknown, nextCursor?: unknown) => ({ result: { tools, nextCursor } })
const tool = (name: string) => ({ name, inputSchema: object })

describe('the list of tools', () => {
  it('has all pages, and of each tool what it is', async () => {
    const look = {
      ...tool('look'),
      description: 'Looks',
      annotations: { readOnlyHint: true },
      outputSchema: object,
    }
    const { listed, cursors } = await list([
      page([{ ...look, title: 7, _meta: {} }], 'a'),
      page([], 'b'),
      page([tool('go')]),
    ])
    expect(listed).toEqual(ok({ tools: [look, tool('go')], faults: [] }))
    expect(cursors).toEqual([undefined, 'a', 'b'])
  })

  it('is empty where the server does not know the method', async () => {
    const { listed } = await list([{ error: { code: -32601, message: 'Method not found' } }])
    expect(listed).toEqual(ok({ tools: [], faults: [] }))
  })

  it.each<[string, object, string]>([
    [
      'an error',
      { error: { code: -32000, message: 'no\u001b[2J' } },
      'It answers tools/list with an error: -32000 no\u001b[2J',
    ],
    [
      'a long error',
      { error: { code: 1, message: 'x'.repeat(1e6) } },
      `It answers tools/list with an error: 1 ${'x'.repeat(298)}`,
    ],
    ['no result', {}, 'It answers tools/list with something that is no list of tools.'],
    ['tools that are no list', page({}), 'It answers tools/list with something that is no list of tools.'],
    ['a cursor that is no text', page([], 7), 'It gives a cursor that is no text.'],
    ['a long cursor', page([], 'x'.repeat(4097)), 'It gives a cursor that is too long.'],
    [
      'one cursor for ever',
      page([tool('a')], 'x'),
      'It gives the same cursor twice, so its list has no end.',
    ],
  ])('is no list with %s', async (_title, body, why) => {
    expect((await list([body])).listed).toEqual(err(why))
  })

  it.each<[string, Partial<ListLimits>, string]>([
    ['pages', { maxPages: 2 }, 'Its list has more than 2 pages.'],
    ['tools', { maxTools: 3 }, 'It offers more than 3 tools.'],
    ['characters', { maxCharacters: 250 }, 'Its list is longer than 250 characters.'],
  ])('has a bound on %s', async (_title, limits, why) => {
    const bodies = [page([tool('a'), tool('b')], '1'), page([tool('c'), tool('d')], '2'), page([tool('e')])]
    expect((await list(bodies)).listed.ok).toBe(true)
    expect((await list(bodies, limits)).listed).toEqual(err(why))
  })

  it('takes of hostile definitions what has the right shape', async () => {
    const deep = JSON.parse(`${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`) as object
    const wide = Object.fromEntries(Array.from({ length: 20_001 }, (_, index) => [`${index}`, 1]))
    const own = JSON.parse('{"__proto__": {"type": "object"}, "constructor": 1}') as object
    const { listed } = await list([
      page([
        7,
        null,
        ['look'],
        {},
        { name: '' },
        { name: 'x'.repeat(257) },
        { name: '\ud800' },
        { name: 'none' },
        { name: 'list', inputSchema: [] },
        { name: 'deep', inputSchema: deep },
        { name: 'wide', inputSchema: object, annotations: wide },
        { name: 'odd', description: {}, inputSchema: own },
        tool('twice'),
        { ...tool('twice'), description: 'another' },
      ]),
    ])
    expect(listed).toEqual(
      ok({
        tools: [
          { name: 'none' },
          { name: 'list' },
          { name: 'deep' },
          { name: 'wide', inputSchema: object },
          { name: 'odd', inputSchema: own },
          { name: 'twice' },
        ],
        faults: [
          'offers a tool that is no object',
          'offers a tool that is no object',
          'offers a tool that is no object',
          'offers a tool without a name',
          'offers a tool without a name',
          'offers a tool whose name is longer than 256 characters',
          'offers a tool whose name is not Unicode',
          'offers a tool "none" whose inputSchema is missing',
          'offers a tool "list" whose inputSchema is no object',
          'offers a tool "deep" whose inputSchema is nested deeper than 64 levels',
          'offers a tool "wide" whose annotations has more than 20000 members',
          'offers several tools named "twice"',
        ],
      }),
    )
    const bad = await list([page(Array.from({ length: 100 }, () => 7))])
    expect(bad.listed.ok && bad.listed.value.faults.slice(19)).toEqual([
      'offers a tool that is no object',
      'offers 80 more tools like these',
    ])
  })

  it('says why the server could not be asked', async () => {
    const tools = async () => err(unavailable('The server exited.', 'exit code 3'))
    expect(await listTools({ tools })).toEqual(err('The server exited. (exit code 3)'))
  })
})

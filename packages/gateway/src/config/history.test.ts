import { describe, expect, test } from 'vitest'
import { showConfigError } from './config.ts'
import { parseConfig } from './load.ts'

function load(history: string) {
  const text = `servers: { git: { url: 'http://127.0.0.1:9/mcp' } }\nhistory:\n${history}\n`
  const loaded = parseConfig('/etc/tollgate.yaml', text)
  return loaded.ok ? loaded.value.history : loaded.error.map(showConfigError)
}

describe('history', () => {
  test('is counters by name, with what they leave out', () => {
    expect(
      load(`  pushes: { tools: [git__push], per: task, window: 1h }
  refusals: { count: refused, per: agent, window: 90s }`),
    ).toEqual([
      { name: 'pushes', count: 'calls', per: 'task', windowMs: 3_600_000, tools: new Set(['git__push']) },
      { name: 'refusals', count: 'refused', per: 'agent', windowMs: 90_000 },
    ])
  })

  test.each([
    [
      'a window that is none',
      '  calls: { per: task, window: 60 }',
      '3:31: history.calls.window must be text: put it in quotes (1h)',
    ],
    [
      'a window without a unit',
      "  calls: { per: task, window: '60' }",
      '3:31: history.calls.window must be a time such as 90s, 10m, 1h or 7d',
    ],
    [
      'a window too long',
      '  calls: { per: task, window: 32d }',
      '3:31: history.calls.window must not be longer than 31d',
    ],
    [
      'nobody to count for',
      '  calls: { window: 1h }',
      '3:10: history.calls.per is missing; it is task, principal or agent',
    ],
    [
      'an unknown thing to count',
      '  calls: { count: call, per: task, window: 1h }',
      '3:19: history.calls.count must be calls, refused or result_bytes; did you mean calls?',
    ],
    [
      'a tool without its server',
      '  calls: { tools: [push], per: task, window: 1h }',
      '3:20: history.calls.tools[0] must be the full name of a tool, such as git__push',
    ],
    [
      'a server that is not there',
      '  calls: { tools: [gti__push], per: task, window: 1h }',
      '3:20: history.calls.tools[0] names a tool of gti, and there is no such server; did you mean git__push?',
    ],
    [
      'a name that policies could not write',
      '  my-calls: { per: task, window: 1h }',
      '3:3: history.my-calls must be a name of letters, digits and _ that begins with a letter, such as pushes',
    ],
  ])('%s is told with its place', (_, history, expected) => {
    expect(load(history)).toEqual([`/etc/tollgate.yaml:${expected}`])
  })
})

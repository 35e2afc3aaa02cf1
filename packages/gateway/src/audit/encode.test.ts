import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DecisionEntry, OutcomeEntry } from '../model/entry.ts'
import { encodeEntry, type GapEntry, maxLineBytes } from './encode.ts'

const gap: GapEntry = {
  kind: 'gap',
  time: '2026-01-02T03:04:06.000Z',
  since: '2026-01-02T03:04:05.000Z',
  cause: 'ENOSPC: no space left on device, write',
  refusedCalls: 3,
  lostOutcomes: 0,
}

const hostile = fc.constantFrom(
  '\u001b',
  '\n',
  '\u0000',
  '\u202e',
  '\u2028',
  '"',
  '\\',
  '\u{e0041}',
  '\ud800',
)
const anyText = fc.string({
  unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), hostile),
})

describe('encodeEntry', () => {
  it('is pinned: what reads logs today reads these', () => {
    expect(encodeEntry(decision())).toBe(
      '{"kind":"decision","requestId":"r1","time":"2026-01-02T03:04:05.678Z","principal":"User::\\"alice\\"",' +
        '"agent":"Agent::\\"coder\\"","credential":"laptop","source":"127.0.0.1","server":"files",' +
        '"method":"tools/call","tool":"files__read",' +
        '"argumentsDigest":"sha256:RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o",' +
        '"decision":"allow","policies":["policy0"],"reason":null,"detail":null}\n',
    )
    expect(encodeEntry(outcome())).toBe(
      '{"kind":"outcome","requestId":"r1","time":"2026-01-02T03:04:05.679Z","status":"ok","reason":null,' +
        '"detail":null,"durationMs":1,"resultBytes":20}\n',
    )
    expect(encodeEntry(gap)).toBe(
      '{"kind":"gap","time":"2026-01-02T03:04:06.000Z","since":"2026-01-02T03:04:05.000Z",' +
        '"cause":"ENOSPC: no space left on device, write","refusedCalls":3,"lostOutcomes":0}\n',
    )
  })

  it('writes members in one order, whatever the order they came in', () => {
    const backwards = Object.fromEntries(Object.entries(decision()).reverse()) as typeof gap
    expect(encodeEntry(backwards)).toBe(encodeEntry(decision()))
  })

  it('leaves out members that the format does not have', () => {
    const more = { ...decision(), arguments: { password: 'x' } }
    expect(encodeEntry(more)).toBe(encodeEntry(decision()))
  })

  it('writes nothing that a terminal or an eye could be deceived by', () => {
    const nasty = '\u001b[2J\r\n\u0007\u007f\u009b31m\u202e\u2066\u200b\u2028\ufeff\u{e0041}\ud800é漢😀'
    const line = encodeEntry(decision({ tool: nasty }))
    expect(line.slice(0, -1)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
    expect(line).toContain(
      '\\u001b[2J\\r\\n\\u0007\\u007f\\u009b31m\\u202e\\u2066\\u200b\\u2028\\ufeff\\udb40\\udc41',
    )
    expect(line).toContain('é漢😀')
    expect(JSON.parse(line).tool).toBe(nasty)
  })

  it('is one line that says the same, for any short strings', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.array(anyText, { maxLength: 5 }), (tool, detail, policies) => {
        const entry = decision({ tool, detail, policies })
        const line = encodeEntry(entry)
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(line.slice(0, -1)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
        expect(JSON.parse(line)).toEqual(entry)
      }),
    )
  })

  it('is at most 8 KiB and still one line, for any strings', () => {
    const huge = fc.oneof(
      anyText,
      fc.tuple(anyText, fc.nat(9000)).map(([text, times]) => text.repeat(times).slice(0, 9000)),
    )
    const lists = fc.oneof(
      fc.array(huge, { maxLength: 3 }),
      fc.tuple(anyText, fc.nat(2000)).map(([text, count]) => Array<string>(count).fill(text)),
    )
    fc.assert(
      fc.property(huge, huge, huge, lists, (requestId, tool, detail, policies) => {
        const entry = decision({
          requestId,
          principal: tool,
          agent: tool,
          credential: tool,
          tool,
          detail,
          policies,
        })
        const line = encodeEntry(entry)
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(maxLineBytes)
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(JSON.parse(line)).toMatchObject({ kind: 'decision', decision: 'allow' })
      }),
      { numRuns: 200 },
    )
  })

  it('marks what it cut, and keeps two long names apart', () => {
    const one = JSON.parse(encodeEntry(decision({ tool: `${'x'.repeat(9000)}1` })))
    const other = JSON.parse(encodeEntry(decision({ tool: `${'x'.repeat(9000)}2` })))
    expect(one.tool).toMatch(/^x{4096}… \[cut: 9001 characters, sha256 [\w-]{16}\]$/)
    expect(one.tool).not.toBe(other.tool)
    expect(one.principal).toBe('User::"alice"')
  })

  it('costs no more for a name of ten megabytes than for hashing it', () => {
    const entry = decision({ tool: '\u001b'.repeat(10_000_000) })
    const startMs = performance.now()
    encodeEntry(entry)
    expect(performance.now() - startMs).toBeLessThan(500)
  })

  it('marks a list that it cut', () => {
    const policies = Array.from({ length: 5000 }, (_, index) => `policy${index}`)
    const cut = JSON.parse(encodeEntry(decision({ policies })))
    expect(cut.policies[0]).toBe('policy0')
    expect(cut.policies.at(-1)).toMatch(/^… \[cut: 5000 ids, sha256 [\w-]{16}\]$/)
  })
})

function decision(fields: Partial<DecisionEntry> = {}): DecisionEntry {
  return {
    kind: 'decision',
    requestId: 'r1',
    time: '2026-01-02T03:04:05.678Z',
    principal: 'User::"alice"',
    agent: 'Agent::"coder"',
    credential: 'laptop',
    source: '127.0.0.1',
    server: 'files',
    method: 'tools/call',
    tool: 'files__read',
    argumentsDigest: 'sha256:RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o',
    decision: 'allow',
    policies: ['policy0'],
    reason: null,
    detail: null,
    ...fields,
  }
}

function outcome(fields: Partial<OutcomeEntry> = {}): OutcomeEntry {
  return {
    kind: 'outcome',
    requestId: 'r1',
    time: '2026-01-02T03:04:05.679Z',
    status: 'ok',
    reason: null,
    detail: null,
    durationMs: 1,
    resultBytes: 20,
    ...fields,
  }
}

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FollowOptions, followEntries, type LogLine, readEntries } from './audit-reader.ts'

let log: string
beforeEach(() => {
  log = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-reader-')), 'audit.jsonl')
})
afterEach(() => fs.rmSync(path.dirname(log), { recursive: true }))

describe('readEntries', () => {
  it('gives the last entries, oldest first', async () => {
    fs.writeFileSync(log, ['a', 'b', 'c'].map(line).join(''))
    expect(await idsOf({ last: 2 })).toEqual(['b', 'c'])
    expect(await idsOf({ last: 3 })).toEqual(['a', 'b', 'c'])
    expect(await idsOf({ last: 4 })).toEqual(['a', 'b', 'c'])
    expect(await idsOf({ last: 0 })).toEqual([])
  })

  it('gives none when there is no log, or an empty one', async () => {
    expect(await readEntries(log, { last: 5 })).toEqual([])
    fs.writeFileSync(log, '')
    expect(await readEntries(log, { last: 5 })).toEqual([])
  })

  it('leaves out a last line that is not whole yet', async () => {
    fs.writeFileSync(log, `${line('a')}{"kind":"decision","requ`)
    expect(await idsOf({ last: 5 })).toEqual(['a'])
    fs.writeFileSync(log, '{"kind":"decision","requ')
    expect(await idsOf({ last: 5 })).toEqual([])
  })

  it('shows a line that is no entry as what it is', async () => {
    fs.writeFileSync(log, `${line('a')}not JSON\n[1]\n{"kind":"else"}\n\n${line('b')}`)
    const lines = await readEntries(log, { last: 10 })
    expect(lines.map(({ text, entry }) => [text.length, entry?.kind])).toEqual([
      [line('a').length - 1, 'decision'],
      [8, undefined],
      [3, undefined],
      [15, undefined],
      [0, undefined],
      [line('b').length - 1, 'decision'],
    ])
  })

  it('skips over a line of any length without holding it', async () => {
    fs.writeFileSync(log, `${line('a')}${'x'.repeat(5_000_000)}\n${line('b')}`)
    const [first, second, third] = await readEntries(log, { last: 3 })
    expect([idOf(first), second?.entry, idOf(third)]).toEqual(['a', undefined, 'b'])
    expect(second?.text.length).toBeLessThan(20_000)
  })

  it('agrees with reading it all, wherever lines begin and end', async () => {
    const lines = fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(lines, fc.nat(50), fc.boolean(), async (lengths, last, torn) => {
        const texts = lengths.map((length, index) => `${index}${'é'.repeat(length / 2)}`)
        fs.writeFileSync(log, texts.map((text) => `${text}\n`).join('') + (torn ? 'torn' : ''))
        const found = await readEntries(log, { last })
        expect(found.map(({ text }) => text)).toEqual(last === 0 ? [] : texts.slice(-last))
      }),
      { numRuns: 100 },
    )
  })
})

describe('followEntries', () => {
  it('gives what is appended from now on, whole lines only', async () => {
    fs.writeFileSync(log, `${line('a')}${line('b').slice(0, 20)}`)
    await using follower = await follow()
    fs.appendFileSync(log, line('b').slice(20))
    expect(await follower.next()).toBe('b')
    fs.appendFileSync(log, line('c') + line('d'))
    expect([await follower.next(), await follower.next()]).toEqual(['c', 'd'])
  })

  it('gives the last ones first when asked to, and none twice or never', async () => {
    fs.writeFileSync(log, line('a') + line('b') + line('c') + line('d').slice(0, 20))
    await using follower = await follow({ last: 2 })
    fs.appendFileSync(log, line('d').slice(20))
    expect([await follower.next(), await follower.next(), await follower.next()]).toEqual(['b', 'c', 'd'])
  })

  it('waits for a log that is not there yet, and gives it from its beginning', async () => {
    await using follower = await follow()
    await new Promise((resolve) => setTimeout(resolve, 100)) // it has looked once
    fs.writeFileSync(log, line('a'))
    expect(await follower.next()).toBe('a')
  })

  it('reads a log that was moved away to its end, then the new one', async () => {
    fs.writeFileSync(log, line('a'))
    await using follower = await follow()
    const moved = `${log}.1`
    fs.renameSync(log, moved)
    fs.appendFileSync(moved, line('b'))
    fs.writeFileSync(log, line('c'))
    expect([await follower.next(), await follower.next()]).toEqual(['b', 'c'])
  })

  it('waits a moment for the rest of a log that was moved away while it was written', async () => {
    fs.writeFileSync(log, line('a'))
    await using follower = await follow({ pollMs: 1000 })
    await new Promise((resolve) => setTimeout(resolve, 100)) // it has looked once
    const moved = `${log}.1`
    fs.renameSync(log, moved)
    fs.writeFileSync(log, line('c'))
    await new Promise((resolve) => setTimeout(resolve, 1400))
    fs.appendFileSync(moved, line('b'))
    expect([await follower.next(), await follower.next()]).toEqual(['b', 'c'])
  })

  it('begins anew when the log was cut and written again', async () => {
    fs.writeFileSync(log, line('a') + line('b'))
    await using follower = await follow()
    fs.writeFileSync(log, line('c'))
    expect(await follower.next()).toBe('c')
  })

  it('does not repeat the log when an append was taken back', async () => {
    fs.writeFileSync(log, line('a'))
    await using follower = await follow()
    fs.appendFileSync(log, line('taken back'))
    expect(await follower.next()).toBe('taken back')
    fs.truncateSync(log, line('a').length)
    await new Promise((resolve) => setTimeout(resolve, 50))
    fs.appendFileSync(log, line('b'))
    expect(await follower.next()).toBe('b')
  })

  it('ends when told to', async () => {
    fs.writeFileSync(log, '')
    const stop = new AbortController()
    const lines = followEntries(log, stop.signal)
    setTimeout(() => stop.abort(), 20)
    expect(await lines.next()).toEqual({ done: true, value: undefined })
  })
})

/** Follows in the background, already past what is in the log now. */
/** A follower that has begun: it has given a line that was there, which is passed over unless it was asked for. */
async function follow(options: FollowOptions = {}) {
  const stop = new AbortController()
  const isThere = fs.existsSync(log)
  const lines = followEntries(log, stop.signal, { pollMs: 5, last: isThere ? 1 : 0, ...options })
  let upcoming = lines.next()
  if (isThere) await upcoming
  if (isThere && options.last === undefined) upcoming = lines.next()
  return {
    async next() {
      const { value } = await upcoming
      upcoming = lines.next()
      return idOf(value ?? undefined)
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await upcoming
    },
  }
}

function line(requestId: string): string {
  return `{"kind":"decision","requestId":"${requestId}"}\n`
}

function idOf(found: LogLine | undefined): string | undefined {
  return found?.entry !== undefined && 'requestId' in found.entry ? found.entry.requestId : undefined
}

async function idsOf(options: { last: number }) {
  return (await readEntries(log, options)).map(idOf)
}

import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { LineSplitter } from './lines.ts'

function collect(maxLineBytes = 1000) {
  const seen: string[] = []
  const splitter = new LineSplitter(maxLineBytes, {
    line: (text) => seen.push(text),
    tooLong: (head, tail) => seen.push(`too long: ${head.slice(0, 4)}…${tail.slice(-4)}`),
    garbage: (bytes) => seen.push(`garbage: ${bytes}`),
  })
  return { seen, splitter }
}

/** Feeds `bytes` in pieces of the given lengths, over and over. */
function feed(splitter: LineSplitter, bytes: Buffer, lengths: readonly number[]): void {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1
    splitter.push(bytes.subarray(at, at + length))
    at += length
  }
}

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll(/[\r\n]/g, ''))
    const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), lengths, (lines, cuts) => {
        const { seen, splitter } = collect()
        feed(splitter, Buffer.from(lines.map((each) => `${each}\n`).join('')), cuts)
        expect(seen).toEqual(lines.filter((each) => each !== ''))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes CRLF for a line end and drops what has none', () => {
    const { seen, splitter } = collect()
    splitter.push(Buffer.from('one\r\n\r\n\ntwo\nhalf'))
    splitter.stop()
    splitter.push(Buffer.from(' a line\n'))
    expect(seen).toEqual(['one', 'two'])
  })

  it.each([[[1]], [[7]], [[1000]]])('loses only the line that is not UTF-8, in pieces of %j', (lengths) => {
    const { seen, splitter } = collect()
    const bad = Buffer.from([0x22, 0xc3, 0x28, 0x22, 0x0a])
    feed(splitter, Buffer.concat([Buffer.from('ä\n'), bad, Buffer.from('€\n')]), lengths)
    expect(seen).toEqual(['ä', 'garbage: 4', '€'])
  })

  it.each([[[1]], [[7]], [[64]], [[10_000]]])('skips a line beyond the limit, in pieces of %j', (lengths) => {
    const { seen, splitter } = collect(100)
    const long = `head${'x'.repeat(5000)}tail`
    feed(splitter, Buffer.from(`a\n${'y'.repeat(100)}\n${long}\nb\n`), lengths)
    expect(seen).toEqual(['a', 'y'.repeat(100), 'too long: head…tail', 'b'])
  })

  it('keeps little of a line beyond the limit', () => {
    const { splitter } = collect(1000)
    const chunk = Buffer.alloc(64 * 1024, 0x78)
    const before = process.memoryUsage().arrayBuffers
    for (let count = 0; count < 1000; count++) splitter.push(chunk)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024)
  })
})

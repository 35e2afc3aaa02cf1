import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventParser } from './event-parser.ts'

/** Everything the parser tells of the pieces, in order. */
function parse(pieces: readonly string[], maxEventLength = 1000): unknown[] {
  const told: unknown[] = []
  const parser = new EventParser({
    maxEventLength,
    onEvent: (id, data) => told.push(id === undefined ? { data } : { id, data }),
    onComment: (comment) => told.push({ comment }),
    onRetry: (retryMs) => told.push({ retryMs }),
  })
  for (const piece of pieces) {
    if (parser.feed(piece)) continue
    told.push('too large')
    break
  }
  return told
}

describe('an event stream', () => {
  test.each<[string, string, unknown[]]>([
    ['one event', 'data: a\n\n', [{ data: 'a' }]],
    ['two', 'data: a\n\ndata: b\n\n', [{ data: 'a' }, { data: 'b' }]],
    ['a type, which is not looked at', 'event: message\ndata: a\n\n', [{ data: 'a' }]],
    [
      'an id, of its own event only',
      'id: 1\ndata: a\n\ndata: b\n\n',
      [{ id: '1', data: 'a' }, { data: 'b' }],
    ],
    ['an id with NUL, which is none', 'id: 1\0\ndata: a\n\n', [{ data: 'a' }]],
    ['an id and empty data', 'id: 1\ndata:\n\n', [{ id: '1', data: '' }]],
    ['an id without data', 'id: 1\n\n', []],
    ['data in several lines', 'data: a\ndata\ndata:b\n\n', [{ data: 'a\n\nb' }]],
    ['one space less', 'data:  a\n\n', [{ data: ' a' }]],
    ['a colon in the data', 'data: {"a":1}\n\n', [{ data: '{"a":1}' }]],
    ['a comment', ': here\n:\n\n', [{ comment: 'here' }, { comment: '' }]],
    ['a time to retry after', 'retry: 100\n', [{ retryMs: 100 }]],
    ['a time that is none', 'retry: soon\nretry: -1\nretry:\nretry: 1e3\n', []],
    ['names that there are none', 'date: a\nDATA: b\n data: c\ndata : d\n\n', []],
    ['carriage returns', 'data: a\r\rdata: b\r\r', [{ data: 'a' }, { data: 'b' }]],
    ['pairs', 'data: a\r\n\r\ndata: b\r\n\r\n', [{ data: 'a' }, { data: 'b' }]],
    ['an event that does not end', 'data: a\n', []],
  ])('%s', (_title, text, expected) => {
    expect(parse([text])).toEqual(expected)
    expect(parse(text.split(''))).toEqual(expected)
  })

  test('says the same in whatever pieces it comes', () => {
    const word = fc.constantFrom(
      'data:',
      'data',
      'id: 1',
      ': c',
      'retry: 5',
      'x',
      ' ',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      '漢',
    )
    fc.assert(
      fc.property(fc.array(fc.array(word, { maxLength: 5 }), { maxLength: 10 }), (words) => {
        const pieces = words.map((piece) => piece.join(''))
        expect(parse(pieces)).toEqual(parse([pieces.join('')]))
      }),
    )
  })

  test.each([
    ['a line', ['data: ', 'x'.repeat(60), 'x'.repeat(60)]],
    ['data in many lines', ['data: xxxx\n'.repeat(30)]],
    ['many lines of nothing', ['data\n'.repeat(200)]],
    ['a whole event in one piece', [`data: ${'x'.repeat(200)}\n\n`]],
  ])('stops where %s is larger than allowed', (_title, pieces) => {
    expect(parse(pieces, 100)).toEqual(['too large'])
  })

  test('is bounded by the event, not by the stream', () => {
    expect(parse(['data: 0123456789\n\n'.repeat(1000)], 20)).toHaveLength(1000)
    expect(
      parse(
        ['id: 0123456789\n', ': 0123456789\n', 'x: 0123456789\n'].flatMap((line) => Array(100).fill(line)),
        20,
      ),
    ).toHaveLength(100)
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { editJson, type JsonEdit } from './json-text.ts'
import { parseJson } from './parse-json.ts'

/** JSON text in every spelling a server may choose: spaces, escapes, numbers that parsing would change. */
const space = fc.constantFrom('', '', '', ' ', '\n', '\t ', ' \r\n')
const number = fc.constantFrom('0', '-0', '1.0', '1e2', '1E+2', '12345678901234567890', '0.1e-7', '-5')
const escaped = fc.constantFrom(
  '"\\u0041"',
  '"\\/"',
  '"\\ud83d\\ude00"',
  '"a\\"b"',
  '"\\\\"',
  '"]},{["',
  '"🙂"',
  '""',
)
const plain = fc.string().map((value) => JSON.stringify(value))
const scalar = fc.oneof(number, escaped, plain, fc.constantFrom('true', 'false', 'null'))
/** Names as they stand in the text, unique once read. */
const name = fc.oneof(
  fc.constantFrom(
    '"a"',
    '"b"',
    '"c"',
    '"\\u0061\\u0062"',
    '"a\\"b"',
    '"\\\\"',
    '"\\n"',
    '""',
    '"0"',
    '"toString"',
  ),
  fc.string({ maxLength: 3 }).map((value) => JSON.stringify(value)),
)

/** A text with the texts of its parts, so that a test can look for them again. */
interface Node {
  readonly text: string
  readonly members?: readonly (readonly [name: string, node: Node])[]
  readonly elements?: readonly Node[]
}

const { node } = fc.letrec<{ node: Node }>((tie) => {
  const spaced = fc.tuple(space, tie('node'), space)
  const object = fc
    .tuple(
      fc.uniqueArray(fc.tuple(fc.tuple(space, name, space), spaced), {
        selector: ([[, raw]]) => JSON.parse(raw) as string,
        maxLength: 4,
      }),
      space,
    )
    .map(([entries, gap]): Node => {
      const parts = entries.map(
        ([key, [before, { text }, after]]) => `${key.join('')}:${before}${text}${after}`,
      )
      const members = entries.map(([[, raw], [, child]]) => [JSON.parse(raw) as string, child] as const)
      return { text: `{${parts.length === 0 ? gap : parts.join(',')}}`, members }
    })
  const array = fc.tuple(fc.array(spaced, { maxLength: 4 }), space).map(([items, gap]): Node => {
    const parts = items.map(([before, { text }, after]) => `${before}${text}${after}`)
    return {
      text: `[${parts.length === 0 ? gap : parts.join(',')}]`,
      elements: items.map(([, child]) => child),
    }
  })
  const leaf = scalar.map((text): Node => ({ text }))
  return { node: fc.oneof({ depthSize: 'small', maxDepth: 4 }, leaf, object, array) }
})

const value = fc.option(scalar, { nil: undefined })

/** Paths that lead somewhere, most of the time; none is the root. */
function pathsIn(root: Node): (string | number)[][] {
  const found: (string | number)[][] = []
  const walk = (at: Node, path: (string | number)[]) => {
    for (const [step, child] of steps(at)) {
      found.push([...path, step])
      walk(child, [...path, step])
    }
  }
  walk(root, [])
  return found
}

const steps = (at: Node): (readonly [string | number, Node])[] => [
  ...(at.members ?? []),
  ...(at.elements ?? []).map((child, index) => [index, child] as const),
]

/** A text and edits of it; no edit lies below another, so that their order cannot matter. */
const edited = node.chain((root) => {
  const strayPaths = [['nowhere'], [99], ['a', 'b', 'c', 'd', 'e', 'f'], ['length'], ['toString', 'name']]
  const path = fc.constantFrom(...pathsIn(root), ...strayPaths)
  const edits = fc
    .uniqueArray(fc.record({ path, value }), { maxLength: 4, selector: (edit) => JSON.stringify(edit.path) })
    .map((all) =>
      all.filter((edit) => !all.some((other) => other !== edit && isBelow(edit.path, other.path))),
    )
  return fc.record({ root: fc.constant(root), edits })
})

const isBelow = (path: JsonEdit['path'], other: JsonEdit['path']) =>
  path.length > other.length && other.every((step, index) => path[index] === step)
const isSame = (path: JsonEdit['path'], other: JsonEdit['path']) =>
  path.length === other.length && other.every((step, index) => path[index] === step)

/** What the edited text should parse to, worked out on values instead of text. */
function expected(at: Node, path: readonly (string | number)[], edits: readonly JsonEdit[]): unknown {
  const here = edits.find((edit) => isSame(edit.path, path))
  if (here !== undefined) return here.value === undefined ? GONE : JSON.parse(here.value)
  const children = steps(at).map(([step, child]) => [step, expected(child, [...path, step], edits)] as const)
  const kept = children.filter(([, child]) => child !== GONE)
  if (at.members !== undefined) return Object.fromEntries(kept)
  return at.elements === undefined ? JSON.parse(at.text) : kept.map(([, child]) => child)
}
const GONE = Symbol('gone')

/** The texts of the largest parts that no edit touches. */
function untouched(at: Node, path: readonly (string | number)[], edits: readonly JsonEdit[]): string[] {
  if (edits.some((edit) => isSame(edit.path, path))) return []
  if (!edits.some((edit) => isBelow(edit.path, path))) return [at.text]
  return steps(at).flatMap(([step, child]) => untouched(child, [...path, step], edits))
}

describe('editJson', () => {
  test('gives the text of the edited value', () => {
    fc.assert(
      fc.property(edited, ({ root, edits }) => {
        expect(parseJson(editJson(root.text, edits))).toEqual(expected(root, [], edits))
      }),
      { numRuns: 3000 },
    )
  })

  test('keeps every byte of what it does not touch, in its order', () => {
    fc.assert(
      fc.property(edited, ({ root, edits }) => {
        const result = editJson(root.text, edits)
        let at = 0
        for (const part of untouched(root, [], edits)) {
          const found = result.indexOf(part, at)
          expect(found, `${part} in ${result}`).toBeGreaterThanOrEqual(at)
          at = found + part.length
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('returns a text without matching edits as it is', () => {
    fc.assert(
      fc.property(node, value, ({ text }, put) => {
        expect(editJson(text, [])).toBe(text)
        expect(editJson(text, [{ path: ['not', 'there', 'at', 'all', 'really'], value: put }])).toBe(text)
      }),
    )
  })

  test.each([
    ['[1,2,3]', [0], '[2,3]'],
    ['[1,2,3]', [1], '[1,3]'],
    ['[1,2,3]', [2], '[1,2]'],
    ['[1]', [0], '[]'],
    ['{"a":1 , "b":2}', ['a'], '{ "b":2}'],
    ['{"a":1 , "b":2}', ['b'], '{"a":1 }'],
    ['{"a":1,"a":2,"b":3}', ['a'], '{"b":3}'],
  ])('removes from %s', (text, path, left) => {
    expect(editJson(text, [{ path, value: undefined }])).toBe(left)
  })

  test('removes neighbours, first, last and all', () => {
    const remove = (...indices: number[]) =>
      editJson(
        '[ "a" , "b" , "c" ]',
        indices.map((index) => ({ path: [index], value: undefined })),
      )
    expect(JSON.parse(remove(0, 1))).toEqual(['c'])
    expect(JSON.parse(remove(1, 2))).toEqual(['a'])
    expect(JSON.parse(remove(0, 2))).toEqual(['b'])
    expect(JSON.parse(remove(0, 1, 2))).toEqual([])
  })
})

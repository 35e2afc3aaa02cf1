/**
 * YAML text to a plain value that remembers where everything stands. Duplicate keys, unknown tags, second documents
 * and unresolved aliases are errors; nothing is dropped in silence.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml'
import { err, ok, type Result } from '../model/result.ts'

export type Path = readonly PropertyKey[]

/** What is wrong at one place of a document. */
export interface Fault {
  readonly path: Path
  readonly at: 'key' | 'value'
  /** Follows the path: `must be …`. */
  readonly message: string
}
export interface Position {
  readonly line: number
  readonly column: number
}
export interface Complaint {
  readonly position: Position
  readonly message: string
}

export interface YamlDocument {
  readonly value: unknown
  /** Errors that leave the rest readable; the document is not acceptable when there are any. */
  readonly complaints: readonly Complaint[]
  /** Where the value at `path` stands, or its closest ancestor that exists. */
  positionOfValue(path: Path): Position
  /** Where the key at the end of `path` stands; as `positionOfValue` when there is none. */
  positionOfKey(path: Path): Position
}

/** A configuration is written by people; anything longer is a mistake or an attack. */
const MAX_CHARACTERS = 1_000_000
const START = { line: 1, column: 1 }

/** Never throws, whatever the text. */
export function readYaml(text: string): Result<YamlDocument, readonly Complaint[]> {
  if (text.length > MAX_CHARACTERS) {
    return err([
      {
        position: START,
        message: `the file is longer than ${MAX_CHARACTERS} characters; split it or shorten it`,
      },
    ])
  }
  try {
    return readParsed(text)
  } catch (error) {
    // The parser recurses, and resolves aliases late: both end as exceptions of its own.
    const reason = error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message
    return err([{ position: START, message: `not valid YAML: ${reason}` }])
  }
}

function readParsed(text: string): Result<YamlDocument, readonly Complaint[]> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return line === 0 ? START : { line, column: col }
  }

  const complaints = document.errors.filter(isDuplicate).map(({ pos }) => ({
    position: at(pos[0]),
    message: `duplicate key ${keyText(text, pos[0])}; keep one`,
  }))
  // A second syntax error is mostly an echo of the first.
  const syntax = document.errors.filter((error) => !isDuplicate(error)).slice(0, 1)
  const fatal: Complaint[] = [...syntax, ...document.warnings].map(({ pos, message }) => ({
    position: at(pos[0]),
    message: `not valid YAML: ${message}`,
  }))
  visit(document, {
    Alias(_key, alias, ancestors) {
      // A value that holds itself has no end, for whoever reads it.
      const target = alias.resolve(document)
      if (target === undefined || !ancestors.includes(target)) return
      fatal.push({
        position: at(alias.range?.[0] ?? 0),
        message: `the alias *${alias.source} stands within what it is an alias of; write out what is meant`,
      })
    },
    Pair(_key, pair) {
      if (!isScalar(pair.key) || pair.key.value !== '__proto__') return
      fatal.push({
        position: at(pair.key.range?.[0] ?? 0),
        message: 'the key __proto__ is not accepted; remove it',
      })
    },
  })
  if (fatal.length > 0) return err([...complaints, ...fatal])

  const offsetOf = (path: Path, wantKey: boolean): number => {
    let node: Node | null = document.contents
    let offset = node?.range?.[0] ?? 0
    for (const [index, part] of path.entries()) {
      if (isAlias(node)) node = node.resolve(document) ?? null
      const pair: Pair | undefined = isMap(node) ? node.items.find((item) => keyOf(item) === part) : undefined
      const child: Node | null =
        isSeq(node) && typeof part === 'number'
          ? (node.items[part] as Node)
          : ((pair?.value as Node | undefined) ?? null)
      const key = pair?.key as Node | undefined
      if (child === null && key === undefined) return offset
      const takesKey = child === null || (wantKey && index === path.length - 1)
      offset = (takesKey ? (key ?? child) : child)?.range?.[0] ?? offset
      node = child
    }
    return offset
  }
  return ok({
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    complaints,
    positionOfValue: (path) => at(offsetOf(path, false)),
    positionOfKey: (path) => at(offsetOf(path, true)),
  })
}

function isDuplicate(error: { readonly code: string }): boolean {
  return error.code === 'DUPLICATE_KEY'
}

function keyOf(pair: Pair): unknown {
  return isScalar(pair.key) ? pair.key.value : undefined
}

function keyText(text: string, from: number): string {
  return /^(?:"[^"\n]*"|'[^'\n]*'|[^\s:]+)/.exec(text.slice(from, from + 200))?.[0] ?? ''
}

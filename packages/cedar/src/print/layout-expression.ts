// Where the lines of an expression may break. The text is valid, so its grammar is read without asking what is allowed.
// As in the official formatter, operators end their lines, what is in brackets is aligned behind them, and each part of
// an `if` gets lines of its own.

import { indent, LINE, SOFT_LINE } from './doc.ts'
import type { Doc, Group } from './doc.ts'
import type { PieceReader } from './piece-reader.ts'

export const STEP = 2
const OR: ReadonlySet<string> = new Set(['||'])
const AND: ReadonlySet<string> = new Set(['&&'])
const SUM: ReadonlySet<string> = new Set(['+', '-'])
const PRODUCT: ReadonlySet<string> = new Set(['*'])
const COMPARISON: ReadonlySet<string> = new Set('== != < <= > >= in'.split(' '))

export function layoutExpression(reader: PieceReader): Doc {
  if (!reader.sees('if')) return chain(reader, OR, (): Doc => chain(reader, AND, layoutRelation))
  const first = reader.index
  return reader.group(first, conditional(reader))
}

function conditional(reader: PieceReader): Doc {
  const part = (): Doc => [reader.token(), indent(STEP, [LINE, layoutExpression(reader)])]
  const branches = [part(), LINE, part(), LINE]
  const otherwise = reader.token()
  if (reader.sees('if')) return [branches, otherwise, ' ', conditional(reader)]
  return [branches, otherwise, indent(STEP, [LINE, layoutExpression(reader)])]
}

/** Operands with operators between them: all on one line, or each on a line of its own. */
function chain(
  reader: PieceReader,
  operators: ReadonlySet<string>,
  operand: (reader: PieceReader) => Doc,
): Doc {
  const first = reader.index
  const docs = [operand(reader)]
  while (operators.has(reader.peek().text)) {
    docs.push(
      ' ',
      reader.token(),
      LINE,
      reader.apart(() => operand(reader)),
    )
  }
  return docs.length === 1 ? docs : reader.group(first, docs)
}

/** A comparison, a test, or less; also each part of a scope. */
export function layoutRelation(reader: PieceReader): Doc {
  const left = sum(reader)
  if (COMPARISON.has(reader.peek().text)) return [left, ' ', reader.token(), rightSide(reader, sum)]
  if (reader.sees('like')) return [left, ' ', reader.token(), ' ', reader.token()]
  if (reader.sees('has')) return [left, ' ', reader.token(), ' ', path(reader, '.')]
  if (!reader.sees('is')) return left
  const test = [left, ' ', reader.token(), ' ', path(reader, '::')]
  return reader.sees('in') ? [test, ' ', reader.token(), rightSide(reader, sum)] : test
}

/** What follows an operator or a key: on a line of its own where it does not fit, but for records. */
function rightSide(reader: PieceReader, read: (reader: PieceReader) => Doc): Doc {
  if (reader.sees('{')) return [' ', read(reader)]
  const operator = reader.index - 1
  return reader.group(operator, indent(STEP, [LINE, read(reader)]))
}

function sum(reader: PieceReader): Doc {
  return chain(reader, SUM, (): Doc => chain(reader, PRODUCT, unary))
}

function unary(reader: PieceReader): Doc {
  const signs: Doc[] = []
  while (reader.sees('!') || reader.sees('-')) signs.push(reader.token())
  return [signs, indent(signs.length, member(reader))]
}

function member(reader: PieceReader): Doc {
  const docs = [primary(reader)]
  for (;;) {
    if (reader.sees('(')) docs.push(block(reader, SOFT_LINE, layoutExpression))
    else if (reader.sees('.') || reader.sees('[')) docs.push(selector(reader))
    else return docs
  }
}

/** An attribute or the name of a method, on a line of its own where it does not fit. */
function selector(reader: PieceReader): Doc {
  const first = reader.index
  const lineBreak = reader.group(first, indent(STEP, [reader.comments(), SOFT_LINE]))
  if (reader.sees('.')) return [lineBreak, reader.token(), reader.token()]
  return [lineBreak, reader.token(), reader.token(), reader.token()]
}

function primary(reader: PieceReader): Doc {
  if (reader.sees('{')) return block(reader, LINE, recordMember)
  if (!reader.sees('(') && !reader.sees('[')) return path(reader, '::')
  const first = reader.index
  const open = reader.token()
  return reader.group(first, [
    open,
    indent(1, [items(reader, layoutExpression), reader.comments()]),
    reader.token(),
  ])
}

function recordMember(reader: PieceReader): Doc {
  return [reader.token(), reader.token(), rightSide(reader, layoutExpression)]
}

/** Brackets that, when not on one line, stand on lines of their own; `pad` is what is inside them otherwise. */
export function block(reader: PieceReader, pad: Doc, item: (reader: PieceReader) => Doc): Group {
  const first = reader.index
  const open = reader.token()
  const inside = items(reader, item)
  const space = inside.length === 0 ? SOFT_LINE : pad
  return reader.group(first, [open, indent(STEP, [space, inside, reader.comments()]), space, reader.token()])
}

/** What stands between brackets, up to the closing one. */
function items(reader: PieceReader, item: (reader: PieceReader) => Doc): readonly Doc[] {
  const docs: Doc[] = []
  while (!reader.seesClosing()) {
    docs.push(reader.sees(',') ? [reader.token(), LINE] : reader.apart(() => item(reader)))
  }
  return docs
}

/** A literal, or names with a sign between each two. */
function path(reader: PieceReader, separator: '.' | '::'): Doc {
  const docs = [reader.token()]
  while (reader.sees(separator)) docs.push(reader.token(), reader.token())
  return docs
}

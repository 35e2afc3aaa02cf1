// Where the lines of policies may break. As in the official formatter, each annotation, each condition and, when anything
// is demanded of any of them, the principal, the action and the resource begin a line.

import { indent, LINE, SOFT_LINE } from './doc.ts'
import type { Doc } from './doc.ts'
import { block, layoutExpression, layoutRelation, STEP } from './layout-expression.ts'
import type { PieceReader } from './piece-reader.ts'

/** `( principal , action , resource )` */
const PIECES_OF_OPEN_SCOPE = 7

/** One policy after the other, an empty line between each two, and the comments that follow them. */
export function* layoutPolicies(reader: PieceReader): Generator<Doc> {
  for (let isFirst = true; reader.peek().kind !== 'end'; isFirst = false) {
    if (!isFirst) reader.separate()
    yield [reader.apart(() => policy(reader)), LINE]
  }
  yield reader.comments()
}

function policy(reader: PieceReader): Doc {
  const docs: Doc[] = []
  while (reader.sees('@')) docs.push(annotation(reader), LINE)
  docs.push(reader.token(), ' ', scope(reader))
  while (!reader.sees(';')) docs.push(LINE, condition(reader))
  return [docs, reader.token()]
}

function annotation(reader: PieceReader): Doc {
  const name = [reader.token(), reader.token()]
  return reader.sees('(') ? [name, block(reader, SOFT_LINE, () => reader.token())] : name
}

function scope(reader: PieceReader): Doc {
  const first = reader.index
  const doc = block(reader, SOFT_LINE, layoutRelation)
  return { ...doc, broken: doc.broken || reader.index - first > PIECES_OF_OPEN_SCOPE }
}

function condition(reader: PieceReader): Doc {
  const first = reader.index
  const keyword = [reader.token(), LINE]
  const brace = reader.index
  const open = reader.token()
  const inside = indent(STEP, [LINE, layoutExpression(reader), reader.comments()])
  return reader.group(first, [keyword, reader.group(brace, [open, inside, LINE, reader.token()])])
}

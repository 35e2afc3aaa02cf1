// A text that is not yet broken into lines, and how to break it: each group goes on one line when it fits, else all of
// its own lines break (after Wadler, "A prettier printer"). Comments run to the end of a line, so a break follows each.

export type Doc = string | readonly Doc[] | Line | Blank | Comment | Indent | Group

/** A break in a group that is broken; in one that is not, nothing or a space. */
interface Line {
  readonly kind: 'line'
  readonly flat: '' | ' '
}

/** An empty line, where a line has just begun and it is not the first in its brackets. */
interface Blank {
  readonly kind: 'blank'
}

interface Comment {
  readonly kind: 'comment'
  readonly text: string
  /** On a line of its own, perhaps after an empty one, or behind what stands before it. */
  readonly place: 'own line' | 'after an empty line' | 'behind'
}

interface Indent {
  readonly kind: 'indent'
  readonly by: number
  readonly doc: Doc
}

export interface Group {
  readonly kind: 'group'
  readonly doc: Doc
  /** Broken even if it would fit. */
  readonly broken: boolean
}

export const LINE: Doc = { kind: 'line', flat: ' ' }
export const SOFT_LINE: Doc = { kind: 'line', flat: '' }
export const BLANK: Doc = { kind: 'blank' }

export function indent(by: number, doc: Doc): Doc {
  return { kind: 'indent', by, doc }
}

export function group(doc: Doc, broken = false): Group {
  return { kind: 'group', doc, broken }
}

export function comment(text: string, place: Comment['place']): Doc {
  return { kind: 'comment', text, place }
}

/** The text of docs one after the other, in lines of at most `width` UTF-16 code units where that is possible. */
export function render(docs: Iterable<Doc>, width: number): string {
  const lines = new Lines(width)
  for (const doc of docs) lines.write(doc)
  return lines.text
}

const OPENS = /[([{]$/

interface Part {
  readonly doc: Doc
  readonly indent: number
  readonly broken: boolean
}

class Lines {
  text = ''
  readonly #width: number
  #column = 0
  /** What the next text is indented by when it begins a line; undefined inside of one. */
  #begins: number | undefined = 0
  /** Whether a space separates the next text on this line from what stands on it. */
  #spaced = false
  /** Whether a comment was the last thing, so that nothing more may stand on its line. */
  #full = false
  /** Whether an empty line may follow: not at the beginning, not in brackets just opened, and not twice. */
  #mayRest = false

  constructor(width: number) {
    this.#width = width
  }

  write(whole: Doc): void {
    const rest: Part[] = [{ doc: whole, indent: 0, broken: true }]
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      const { doc, indent: by, broken } = part
      if (typeof doc === 'string') this.#put(doc, by)
      else if (isList(doc)) pushAll(rest, doc, part)
      else if (doc.kind === 'indent') rest.push({ doc: doc.doc, indent: by + doc.by, broken })
      else if (doc.kind === 'comment') this.#putComment(doc, by)
      else if (doc.kind === 'blank') this.#putBlank(by)
      else if (doc.kind === 'group') {
        rest.push({
          doc: doc.doc,
          indent: by,
          broken: doc.broken || (broken && !this.#fits({ ...part, doc: doc.doc }, rest)),
        })
      } else if (broken || this.#full) this.#break(by)
      else this.#put(doc.flat, by)
    }
  }

  #put(text: string, by: number): void {
    if (text === '') return
    if (text === ' ') {
      this.#spaced = true
      return
    }
    if (this.#full) this.#break(by)
    const before = this.#begins ?? (this.#spaced ? 1 : 0)
    if (this.#begins !== undefined) this.#column = 0
    this.text += ' '.repeat(before) + text
    const lastLine = text.lastIndexOf('\n') + 1
    this.#column = lastLine === 0 ? this.#column + before + text.length : text.length - lastLine
    this.#begins = undefined
    this.#spaced = false
    this.#mayRest = !OPENS.test(text)
  }

  #putComment({ text, place }: Comment, by: number): void {
    if (place === 'behind') {
      const mayRest = this.#mayRest
      this.#spaced = true
      this.#put(text, by)
      this.#mayRest = mayRest
    } else {
      this.#break(by)
      if (place === 'after an empty line') this.#putBlank(by)
      this.#put(text, by)
      this.#mayRest = true
    }
    this.#full = true
  }

  #putBlank(by: number): void {
    if (this.#full) this.#break(by)
    if (this.#begins === undefined || !this.#mayRest) return
    this.text += '\n'
    this.#mayRest = false
  }

  #break(by: number): void {
    if (this.#begins === undefined) this.text += '\n'
    this.#begins = by
    this.#full = false
    this.#spaced = false
  }

  /** Whether a part fits on its line, with what follows it up to where a line may break. */
  #fits(part: Part, rest: readonly Part[]): boolean {
    const begins = this.#full ? part.indent : (this.#begins ?? this.#column + (this.#spaced ? 1 : 0))
    let room = this.#width - begins
    const parts = [{ ...part, broken: false }]
    let following = rest.length
    while (room >= 0) {
      const next = parts.pop() ?? rest[--following]
      if (next === undefined) return true
      const { doc, indent: by, broken } = next
      const isRest = following < rest.length
      if (typeof doc === 'string') {
        const end = doc.indexOf('\n')
        if (end >= 0) return end <= room
        room -= doc.length
      } else if (isList(doc)) pushAll(parts, doc, next)
      else if (doc.kind === 'indent' || doc.kind === 'group') parts.push({ doc: doc.doc, indent: by, broken })
      else if (doc.kind === 'line') {
        if (broken) return true
        room -= doc.flat.length
      } else if (doc.kind === 'comment') {
        // Before the part, it ends the line that is now; else it ends the part's.
        if (isRest || doc.place === 'behind') return true
        room = this.#width - by
      }
    }
    return false
  }
}

/** `Array.isArray`, which says nothing about arrays that are only read. */
function isList(doc: Doc): doc is readonly Doc[] {
  return Array.isArray(doc)
}

/** Puts docs on a stack, the first on top. */
function pushAll(parts: Part[], docs: readonly Doc[], { indent: by, broken }: Part): void {
  for (let index = docs.length - 1; index >= 0; index--) {
    const doc = docs[index]
    if (doc !== undefined) parts.push({ doc, indent: by, broken })
  }
}

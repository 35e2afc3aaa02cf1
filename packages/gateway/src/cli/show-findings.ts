/** Findings for people: a line that editors can follow, and the line of the file with a mark below it. */
import type { Finding } from '../validate/finding.ts'
import { harmless, say } from './terminal.ts'

/** The widest line of a file that is shown whole. */
const MOST_WIDTH = 110
/** How much of a wider one is shown before the mark. */
const WIDTH_BEFORE = 60

/** Writes findings to stderr. `textOf` gives the text of a file. */
export function showFindings(
  findings: readonly Finding[],
  textOf: (file: string) => string | undefined,
): void {
  for (const finding of findings) {
    const { file, line, column, severity } = finding
    const kind = severity === 'warning' ? 'warning: ' : ''
    say(harmless(`${file}:${line}:${column}: ${kind}${sentence(finding)}`))
    const text = textOf(file)?.split('\n')[line - 1]?.replace(/\r$/, '')
    if (text !== undefined) for (const shown of excerpt(text, finding)) say(shown)
  }
}

/** What is wrong, and how to mend it. */
function sentence({ message, suggestion }: Finding): string {
  return suggestion === undefined ? message : `${message}; ${suggestion}`
}

/** A line of a file, with a mark below what is meant. */
export function excerpt(
  text: string,
  { line, column, length = 1 }: Pick<Finding, 'line' | 'column' | 'length'>,
): readonly string[] {
  const before = visible(text.slice(0, column - 1))
  const marked = visible(text.slice(column - 1, column - 1 + length))
  const after = visible(text.slice(column - 1 + length))
  const isWide = before.length + marked.length + after.length > MOST_WIDTH
  const start = isWide ? before.slice(-WIDTH_BEFORE) : before
  const shown = [...start, ...marked, ...after].slice(0, MOST_WIDTH)
  const gutter = `${line}`.padStart(5)
  const mark = '^'.repeat(Math.max(1, Math.min(marked.length, MOST_WIDTH - start.length)))
  return [`${gutter} | ${shown.join('').trimEnd()}`, `${' '.repeat(5)} | ${' '.repeat(start.length)}${mark}`]
}

/** The characters of a text, one column each where the terminal gives each one. */
function visible(text: string): readonly string[] {
  return Array.from(text, (character) =>
    character === '\t' ? ' ' : /[\p{C}\p{Zl}\p{Zp}]/u.test(character) ? '·' : character,
  )
}

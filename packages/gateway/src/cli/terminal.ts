/**
 * What commands write to: results on stdout, everything else on stderr. Text that came from callers, servers or files
 * goes through `harmless`, so that nobody else moves the reader's cursor.
 */
import { stripVTControlCharacters, styleText } from 'node:util'

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  needsLogin: 4,
  configuration: 78,
  interrupted: 130,
} as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** A line of results. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** A result for programs: one JSON text, indented. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** A line for the person at the terminal: progress, hints, errors. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Coloured when stdout is a terminal and NO_COLOR is not set. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** Control, bidi and invisible characters as `\u{…}`. */
export function harmless(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/** Columns as wide as their widest cell. Cells are harmless text, painted or not. */
export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const all = [heads.map((head) => paint('dim', head)), ...rows]
  const widths = heads.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))))
  for (const row of all) {
    const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
    print(cells.join('  ').trimEnd())
  }
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length
}

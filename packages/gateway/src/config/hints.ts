/**
 * Keys that are not in the schema and that people write nonetheless: those of later versions, which must never be
 * taken for effective, and those of other programs. `*` stands for any name. A message follows the key's name.
 */
import type { Path } from './document.ts'

const NOT_YET = 'is not supported yet; remove it'

const hints: readonly (readonly [pattern: string, message: string])[] = [
  ['servers.*.sandbox', `${NOT_YET} (the server would run without the isolation that this promises)`],
  ['servers.*.egress', NOT_YET],
  ['servers.*.secrets', NOT_YET],
  ['oauth', NOT_YET],
  ['telemetry', NOT_YET],
  ['audit', NOT_YET],
  ['vault', NOT_YET],
  ['mcpServers', 'is called `servers` here; tollgate init --import turns an mcpServers file into one'],
  ['port', 'is part of `listen` here: listen: 127.0.0.1:7070'],
  ['host', 'is part of `listen` here: listen: 127.0.0.1:7070'],
  ['servers.*.args', 'is part of `command` here: command: [program, argument, …]'],
  ['servers.*.type', 'is not needed: `command`, `url` or `socket` says it'],
  ['servers.*.transport', 'is not needed: `command`, `url` or `socket` says it'],
  [
    'servers.*.headers',
    'is not copied to servers; for a credential write credential: { type: header, name: …, secret: env:… }',
  ],
]

/** What to say about the unknown key at `path`; undefined when it is nothing we know. */
export function hintFor(path: Path): string | undefined {
  return hints.find(([pattern]) => matches(pattern.split('.'), path))?.[1]
}

function matches(pattern: readonly string[], path: Path): boolean {
  return (
    pattern.length === path.length && pattern.every((part, index) => part === '*' || part === path[index])
  )
}

/** The candidate that `word` was probably meant to be: at most a third of it away. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter((each) => each.distance <= Math.max(1, Math.floor(each.candidate.length / 3)))
    .toSorted((a, b) => a.distance - b.distance)
  return ranked[0]?.candidate
}

/** Edits between two words: insert, delete, replace, and swap of neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Number.POSITIVE_INFINITY
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const edits = [
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      ]
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        edits.push((before[column - 2] ?? 0) + 1)
      current.push(Math.min(...edits))
    }
    before = previous
    previous = current
  }
  return previous[b.length] ?? 0
}

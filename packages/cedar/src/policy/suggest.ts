// The name someone most likely meant, among those there are.

/** No one writes longer names, and comparing them takes long. */
const MOST_LETTERS = 200

/**
 * The candidate a misspelt name is closest to, or undefined when none is close: at most one letter in three wrong, or one
 * in a shorter name. A letter too many, too few, different, or swapped with its neighbour counts as one; case does not
 * count. Of candidates equally close the first is taken.
 */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > MOST_LETTERS) return undefined
  const folded = name.toLowerCase()
  let found: string | undefined
  let bound = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    if (candidate === name || Math.abs(candidate.length - name.length) >= bound) continue
    const distance = distanceOf(folded, candidate.toLowerCase())
    if (distance >= bound || distance >= candidate.length) continue
    found = candidate
    bound = distance
    if (distance === 0) break
  }
  return found
}

/** Edits from one text to the other, neighbours swapped being one edit (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let edits = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) edits = Math.min(edits, at(beforeLast, column - 2) + 1)
      current.push(edits)
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0
}

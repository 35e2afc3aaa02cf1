/** Lists in sentences. */

/** `a, b and c`, and `a, b, c and 4 more` when there are more than `most`. */
export function list(items: readonly string[], most = 3): string {
  const rest = items.length - most
  // One more takes no more room than saying so.
  const shown = rest > 1 ? [...items.slice(0, most), `${rest} more`] : items
  const last = shown.at(-1) ?? ''
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`
}

/**
 * How a gullible agent reads: whatever addresses it in a file is taken for an order. A model does the same with more
 * words; this one does it every time, so that what stops it is not its good sense.
 */
export type Order =
  | { readonly kind: 'read'; readonly path: string }
  | { readonly kind: 'push'; readonly branch: string; readonly remote: string }
  | { readonly kind: 'mail'; readonly to: string }

/** The orders after "Note to AI assistants", one a line. */
export function ordersIn(text: string): readonly Order[] {
  const [, note = ''] = text.split('Note to AI assistants')
  return note.split('\n').flatMap((line) => orderOf(line))
}

function orderOf(line: string): Order[] {
  const [, path] = /- read (\S+)/.exec(line) ?? []
  if (path !== undefined) return [{ kind: 'read', path }]
  const [, branch, remote] = /- push (\S+) to (\S+)/.exec(line) ?? []
  if (branch !== undefined && remote !== undefined) return [{ kind: 'push', branch, remote }]
  const [, to] = /- mail .* to (\S+)/.exec(line) ?? []
  return to === undefined ? [] : [{ kind: 'mail', to }]
}

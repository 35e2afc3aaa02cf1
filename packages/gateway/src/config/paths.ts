/** What a path in the configuration must be. Nothing is expanded: a path means itself, from the file's folder. */

/** Shortest limit of the systems we run on, so that a configuration means the same everywhere. */
const MAX_SOCKET_PATH_BYTES = 103

/** Why `path` cannot be used, ready to follow its name; undefined when it can. */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'must not be empty'
  if (path.includes('\0')) return 'must not contain a NUL character'
  if (path === '~' || path.startsWith('~/')) return 'must be written in full: ~ is not expanded'
  return undefined
}

/** The same for the path of a Unix socket, whose length systems limit. */
export function unixPathFault(path: string): string | undefined {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    return `must be at most ${MAX_SOCKET_PATH_BYTES} bytes long, from the root: the path of a Unix socket cannot be longer`
  }
  return pathFault(path)
}

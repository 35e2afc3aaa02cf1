/**
 * `within`: paths below one of several directories. The path is forwarded as it was written, so a spelling that two
 * programs could take for two places is refused rather than put right (path-spelling.ts).
 */
import { err, ok, type Result } from '../../model/result.ts'
import { ambiguity, type PathKind, kindOf, plainForm } from './path-spelling.ts'

/** What the gateway sees of the file system. */
export interface Sight {
  /** Where what is at a path really is: null for what leads nowhere, undefined where nothing is or it cannot be told. */
  placeOf(path: string): string | null | undefined
  /** Where a folder of a grant is taken to be, whatever is there now; where it leads now, when left out. */
  rootOf?(path: string): string | undefined
  /** Where relative paths of the tools of a server start; undefined where that is not known. */
  baseOf?(server: string): string | undefined
}

/** Completes "argument … "; undefined when the path is fine. */
export type PathCheck = (value: unknown) => string | undefined

interface Root {
  readonly written: string
  readonly kind: PathKind
  /** Its plain form, and what everything below it begins with. */
  readonly plain: string
  readonly below: string
  /** Its absolute path; undefined for those that cannot be seen. */
  readonly place: string | undefined
  /** Where it really was when the task was met; undefined for those that cannot be seen. */
  readonly real: string | undefined
}

/** `base` is where relative paths start, where that is known. The error completes "within …". */
export function compileWithin(written: unknown, sight: Sight, base?: string): Result<PathCheck, string> {
  if (!Array.isArray(written) || written.length === 0)
    return err('must be a list of directories, such as [/workspace/src]')
  const roots: Root[] = []
  for (const each of written as unknown[]) {
    const root = readRoot(each, sight, base)
    if (!root.ok) return root
    roots.push(root.value)
  }
  const outside = `must be within ${orList(roots.map((root) => root.written))}`
  const read = rememberingReader()
  return ok((value) => {
    if (typeof value !== 'string') return `${outside}, written as a text`
    const path = read(value)
    if (!path.ok) return path.error
    const { kind, plain } = path.value
    let message = outside
    for (const root of roots) {
      if (root.kind !== kind || !isBelow(plain, root.plain, root.below)) continue
      const place = placeOf(path.value, base)
      const fault = place === undefined ? undefined : linkFault(root, place, sight)
      if (fault === undefined) return undefined
      message = fault
    }
    return message
  })
}

interface PlainPath {
  readonly kind: PathKind
  readonly plain: string
}

const MAX_REMEMBERED = 256
const MAX_REMEMBERED_CHARACTERS = 512

/** How a path is read depends on its spelling alone, and the same paths come again and again. */
function rememberingReader(): (path: string) => Result<PlainPath, string> {
  const known = new Map<string, Result<PlainPath, string>>()
  return (path) => {
    const before = known.get(path)
    if (before !== undefined) return before
    const read = readPath(path)
    if (!read.ok || path.length > MAX_REMEMBERED_CHARACTERS) return read
    if (known.size >= MAX_REMEMBERED) known.clear()
    known.set(path, read)
    return read
  }
}

/** The error completes "argument … ". */
export function readPath(path: string): Result<PlainPath, string> {
  const ambiguous = ambiguity(path)
  if (ambiguous !== undefined) return err(ambiguous)
  const kind = kindOf(path)
  const plain = plainForm(path, kind)
  return plain.ok ? ok({ kind, plain: plain.value }) : plain
}

function isBelow(path: string, root: string, below: string): boolean {
  return path.startsWith(below) || path === root
}

/** Its absolute path, where that is known. */
export function placeOf({ kind, plain }: PlainPath, base: string | undefined): string | undefined {
  if (kind === 'absolute') return plain
  if (kind === 'windows' || base === undefined) return undefined
  return plain === '' ? base : `${belowOf(base)}${plain}`
}

function readRoot(written: unknown, sight: Sight, base: string | undefined): Result<Root, string> {
  if (typeof written !== 'string' || written === '')
    return err('must be a list of directories, such as [/workspace/src]')
  const named = JSON.stringify(written.slice(0, 200))
  const read = readPath(written)
  if (!read.ok) return err(`names ${named}, which ${read.error}`)
  const { kind, plain } = read.value
  const place = placeOf(read.value, base)
  const real = place === undefined ? undefined : rootOf(place, sight)
  return ok({ written, kind, plain, below: belowOf(plain), place, real })
}

function rootOf(path: string, sight: Sight): string | undefined {
  return sight.rootOf === undefined ? realPlace(path, sight) : sight.rootOf(path)
}

function belowOf(directory: string): string {
  return directory === '' || directory.endsWith('/') ? directory : `${directory}/`
}

/** Where a path leads, or will when it is there: the real place of what there is of it, and the rest. */
export function realPlace(path: string, sight: Sight): string | undefined {
  let rest = ''
  for (let there = path; ; there = parentOf(there)) {
    const real = sight.placeOf(there)
    if (typeof real === 'string') return rest === '' ? real : `${real === '/' ? '' : real}${rest}`
    if (there === '/' || real === null) return undefined
    rest = `${there.slice(there.lastIndexOf('/'))}${rest}`
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}

/** Links below the root must lead to what is below the root, and the root to where it led at first. */
function linkFault(root: Root, path: string, sight: Sight): string | undefined {
  const real = sight.placeOf(root.place ?? root.plain)
  if (real === undefined) return undefined
  if (real === null || real !== root.real)
    return `is below ${root.written}, which does not lead where it led when the gateway met the task`
  const place = realPlace(path, sight)
  if (place !== undefined && isBelow(place, real, belowOf(real))) return undefined
  return `must be within ${root.written}, and a symbolic link on its way leads out`
}

function orList(items: readonly string[]): string {
  const shown = items.slice(0, 5)
  const rest = items.length > shown.length ? ` (or ${items.length - shown.length} more)` : ''
  return `${shown.join(' or ')}${rest}`
}

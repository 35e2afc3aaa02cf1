/** How paths are spelt: what everybody reads alike has a plain form, and the rest is refused with the reason. */
import { err, ok, type Result } from '../../model/result.ts'

export type PathKind = 'absolute' | 'relative' | 'windows'

const MAX_PATH_CHARACTERS = 4096
const WINDOWS = /^(?:[A-Za-z]:[\\/]|\\\\[^\\/?.])/

/** What a path is relative to, by how it begins. */
export function kindOf(path: string): PathKind {
  if (path.startsWith('/')) return 'absolute'
  return WINDOWS.test(path) ? 'windows' : 'relative'
}

/**
 * The path without what makes no difference (a slash at the end, `./` before relative ones), with `/` between its names
 * everywhere; relative to nowhere it is empty. `path` must not be ambiguous. The error says how it must be written.
 */
export function plainForm(path: string, kind: PathKind): Result<string, string> {
  if (kind === 'windows') return windowsForm(path)
  if (path.includes('\\')) return err('must be written with / and without backslashes')
  if (kind === 'absolute') {
    const fault = namesFault(path, 1)
    return fault === undefined
      ? ok(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)
      : err(fault)
  }
  if (/^file:/i.test(path)) return err('must be a path, not a URL')
  if (/^[~$%]/.test(path)) return err('must be written out: nothing is put in for ~ or variables')
  if (/^[^/]*:/.test(path)) return err('must be a path, not a URL or a drive')
  if (path.startsWith('-')) return err('must be written with ./ before it: programs take a "-" for an option')
  const bare = path === '.' ? '' : path.replace(/^\.\//, '')
  const fault = namesFault(bare, 0)
  return fault === undefined ? ok(bare.replace(/\/$/, '')) : err(fault)
}

function windowsForm(path: string): Result<string, string> {
  const isShare = path.startsWith('\\\\')
  const form = path.replaceAll('\\', '/').replace(/^[a-z]/, (drive) => drive.toUpperCase())
  const fault = namesFault(form, isShare ? 2 : 3) ?? windowsFault(form.slice(2).split('/'))
  if (fault !== undefined) return err(fault)
  return ok(form.length > 3 && form.endsWith('/') ? form.slice(0, -1) : form)
}

/** What is wrong with the names from there on; the last may be empty. */
function namesFault(path: string, from: number): string | undefined {
  if (path.includes('//', Math.max(0, from - 1))) return 'must be written without empty parts (//)'
  if (!path.includes('.')) return undefined
  const hasDots = path.slice(from).split('/').some(isDots)
  return hasDots ? 'must be written without "." and ".." in it' : undefined
}

/**
 * Dots alone, as some program or other may take it: without spaces, quotes and other signs, what is not ASCII, or what
 * follows a sign that ends a path in a URL, a list or a command.
 */
function isDots(name: string): boolean {
  if (!name.includes('.')) return false
  const bare = name.replace(/[;?#:&|].*$/s, '')
  return /^\.+$/.test(bare.trim()) || /^\.{2,}$/.test(bare.replace(/[^A-Za-z0-9_.-]/g, ''))
}

function windowsFault(segments: readonly string[]): string | undefined {
  for (const segment of segments) {
    if (segment.includes(':')) return 'must be written without ":" after the drive'
    if (/[. ]$/.test(segment)) return 'must be written without dots and spaces at the end of a name'
    if (/^(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\.|$)/i.test(segment))
      return 'must not contain the name of a device'
  }
  return undefined
}

/** Why nobody can be sure what the text means; undefined when everybody reads it alike. */
export function ambiguity(path: string): string | undefined {
  if (path === '') return 'must not be empty'
  if (path.length > MAX_PATH_CHARACTERS) return `must have at most ${MAX_PATH_CHARACTERS} characters`
  if (PLAIN_PATH.test(path)) return undefined
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(path)) return 'must be written without control characters'
  if (path.trim() !== path) return 'must be written without spaces around it'
  if (!path.isWellFormed() || path.includes('\uFFFD')) return 'must be well-formed Unicode'
  if (/[\p{Default_Ignorable_Code_Point}\p{Cf}]/u.test(path))
    return 'must be written without invisible characters'
  if (path.normalize('NFC') !== path) return 'must be written in composed characters (Unicode NFC)'
  if (differsCompatibly(path)) return 'must be written with the plain "/" and ".", not characters like them'
  if (/&(?:#|sol;|bsol;|period;)/i.test(path)) return 'must be written without entities of HTML'
  return encodingFault(path)
}

/** What most paths consist of, and nobody reads in two ways. Dots and slashes are looked at later. */
const PLAIN_PATH = /^[A-Za-z0-9_@+=,./-]*$/
const LOOKS_LIKE_SLASH = /[\u2044\u2215\u2216\u29F5\u29F8\u29F9]/

function differsCompatibly(path: string): boolean {
  if (LOOKS_LIKE_SLASH.test(path) || climbsInBytes(path)) return true
  const compatible = path.normalize('NFKC')
  if (compatible === path) return false
  const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0
  if (count(compatible, /[\\/:%]/g) !== count(path, /[\\/:%]/g)) return true
  return compatible.split('/').some(isDots)
}

/** Whether `..` appears when only the last byte of each character is kept, and stops of other scripts are dots. */
function climbsInBytes(path: string): boolean {
  const bytes = path.replace(/[^\0-\xff]/g, (unit) =>
    /[\u3002\uff61]/.test(unit) ? '.' : String.fromCharCode(unit.charCodeAt(0) & 0xff),
  )
  return bytes !== path && bytes.split(/[\\/\0]/).some((name) => name.includes('..') && isDots(name))
}

const MAX_ENCODINGS = 6
const ESCAPES = /(?:%[0-9a-f]{2})+/gi

/** Escapes are not undone by those who open files, except by those who do, once or more often. */
function encodingFault(path: string): string | undefined {
  if (!path.includes('%')) return undefined
  const fault = 'must be written without percent-encoding'
  let text = path
  for (let round = 0; round < MAX_ENCODINGS; round++) {
    if (/%u[0-9a-f]{4}/i.test(text)) return fault
    const escapes = text.match(ESCAPES)
    if (escapes === null) return undefined
    const unescaped = escapes.map(unescapeBytes)
    if (unescaped.some((each) => each === undefined || /[\\/.:\p{C}\p{Zl}\p{Zp}]/u.test(each))) return fault
    text = text.replace(ESCAPES, (run) => unescapeBytes(run) ?? '')
    if (differsCompatibly(text) || text.split('/').some(isDots)) return fault
  }
  return fault
}

/** Undefined for bytes that are not UTF-8. */
function unescapeBytes(run: string): string | undefined {
  try {
    return decodeURIComponent(run)
  } catch {
    return undefined
  }
}

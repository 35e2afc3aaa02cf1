/**
 * The layer rule of ARCHITECTURE.md: a table, and the question whether a file may import or use a thing.
 * Paths are relative to the repository, with `/`. Tests and what only they use are exempt; they may arrange what they
 * like.
 */
import { isBuiltin } from 'node:module'
import path from 'node:path/posix'

const inRow = (row: number, units: string) => Object.fromEntries(units.split(' ').map((unit) => [unit, row]))
/** Rows of packages/gateway/src. `index` is the published front door: it may import all, none import it. */
const rows: Readonly<Record<string, number>> = {
  model: 1,
  ...inRow(2, 'config authn policy tasks catalog mcp upstream vault audit'),
  ...inRow(3, 'pipeline oauth admin exposure'),
  ...inRow(4, 'store validate server cli'),
  index: 5,
}
/** The only imports between units of one row. */
const besides = ['server → store', 'server → validate', 'cli → server', 'cli → store', 'cli → validate']
/** Packages of row 0: no dependencies, no other package of this repository. */
const leafPackages = ['cedar', 'tlog']
/** Node modules that compute and do not touch the world outside; any row may use them. */
const pureModules = 'assert buffer crypto events path stream string_decoder url util vm zlib'.split(' ')
/** What only computes in modules that else do not. */
const pureNames: Readonly<Record<string, string>> = { net: 'BlockList SocketAddress isIP isIPv4 isIPv6' }
/** Third-party packages that open connections, and the unit they belong to. */
const adapters: Readonly<Record<string, string>> = { undici: 'upstream' }

const see = '(ARCHITECTURE.md, layers)'
const unplaced = `every folder of src needs a row in tools/layers.ts first ${see}`
const onlyRow4 = `only row 4 (server, cli, store, validate) touches the environment, the clock, randomness, files, sockets and processes; take it as an argument ${see}`

interface Place {
  readonly owner: string
  /** Folder or file directly under src, without extension. */
  readonly unit: string
  /** Undefined for a unit that the table does not know. */
  readonly row: number | undefined
  readonly label: string
}

/** Where a source file stands; undefined for files outside the layers. */
function place(file: string): Place | undefined {
  const [, owner = '', unit = '', rest] = /^packages\/([^/]+)\/src\/([^/.]+)(.*)$/.exec(file) ?? []
  if (file.endsWith('.test.ts') || unit === 'testing') return undefined
  if (leafPackages.includes(owner)) return { owner, unit, row: 0, label: `packages/${owner}` }
  const label = rest?.startsWith('/') ? `${unit}/` : `${unit}.ts`
  return owner === 'gateway' ? { owner, unit, row: rows[unit], label } : undefined
}

/** Why `file` must not use `thing`, a piece of the world outside; undefined when it may. */
export function ambientFault(file: string, thing: string): string | undefined {
  const from = place(file)
  if (from?.row === undefined || from.row >= 4) return undefined
  return `${from.label} must not use ${thing}: ${onlyRow4}`
}

/** Why `file` must not import `mintPermit`; undefined when it may. */
export function permitFault(file: string): string | undefined {
  const from = place(file)
  if (from === undefined || from.unit === 'pipeline') return undefined
  return `${from.label} must not import mintPermit: only pipeline.ts mints, after the decision is recorded ${see}`
}

/** Why `file` must not import `values` from `specifier` (types alone: none; all: `*`); undefined when it may. */
export function importFault(file: string, specifier: string, values: readonly string[]): string | undefined {
  const from = place(file)
  if (from === undefined) return undefined
  const target = specifier.startsWith('.') ? path.join(path.dirname(file), specifier) : specifier
  const to = place(target)
  const reason = target === specifier ? packageFault(from, target, values) : sourceFault(from, to)
  return reason && `${from.label} must not import ${to?.label ?? target}: ${reason}`
}

function packageFault(from: Place, specifier: string, values: readonly string[]): string | undefined {
  const { row } = from
  if (row === undefined) return unplaced
  if (isBuiltin(specifier)) {
    const name = specifier.replace(/^node:/, '').split('/')[0] ?? ''
    const isPure = values.every((value) => pureNames[name]?.split(' ').includes(value))
    return isPure || row >= 4 || pureModules.includes(name) ? undefined : onlyRow4
  }
  if (row === 0) return `packages of row 0 have no dependencies ${see}`
  if (leafPackages.some((name) => specifier === `@tollgate/${name}`)) return undefined
  if (row === 1) return `row 1 imports only row 0 and itself ${see}`
  const owner = adapters[specifier]
  if (owner === undefined || owner === from.unit || row >= 4) return undefined
  return `connections to servers are made in ${owner}/ only ${see}`
}

function sourceFault(from: Place, to: Place | undefined): string | undefined {
  if (to?.owner !== from.owner) return `other packages are imported by name, tests and tools never ${see}`
  if (from.row === 0 || to.unit === from.unit) return undefined
  if (from.row === undefined || to.row === undefined) return unplaced
  if (to.row < from.row || besides.includes(`${from.unit} → ${to.unit}`)) return undefined
  if (from.row === 4) return `in row 4 only these import each other: ${besides.join(', ')} ${see}`
  if (to.row === 4) return `nothing below imports row 4; declare a port and take it as an argument ${see}`
  if (to.row > from.row) return `imports point down, and row ${to.row} is above row ${from.row} ${see}`
  return `siblings of row ${from.row} meet only in ${from.row === 2 ? 'pipeline.ts' : 'server/'} ${see}`
}

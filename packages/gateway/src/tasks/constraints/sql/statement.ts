/** Which tables statements read and change, found in the tree that PostgreSQL's parser makes of them. */
import { isObject, type JsonObject } from '../../../model/message.ts'
import { err, ok, type Result } from '../../../model/result.ts'
import { FUNCTIONS, type Holds, OPERATIONS, SYNTAX, TYPES, VALUES } from './syntax.ts'
import type { Dialect } from './text.ts'

/** A table that a statement names. */
export interface TableUse {
  /** Its parts as the parser has them: PostgreSQL makes names lower case that are not quoted. */
  readonly parts: readonly string[]
  /** As they stand in the text, without quotes. */
  readonly written: readonly string[]
  readonly change: boolean
}

/** `statements` are those of `text`. The error completes "argument … ". */
export function tablesOf(
  statements: readonly unknown[],
  text: string,
  dialect: Dialect,
): Result<readonly TableUse[], string> {
  const walk = new Walk(text, dialect)
  for (const statement of statements) walk.nodes(statement, NOTHING)
  return walk.fault === undefined ? ok(walk.uses) : err(walk.fault)
}

/** Names that stand for queries of the statement, where they do. */
type Scope = ReadonlySet<string>
const NOTHING: Scope = new Set()

class Walk {
  readonly uses: TableUse[] = []
  fault: string | undefined
  readonly #bytes: Buffer
  readonly #dialect: Dialect

  constructor(text: string, dialect: Dialect) {
    this.#bytes = Buffer.from(text)
    this.#dialect = dialect
  }

  /** Nodes, each an object with the name of its kind. */
  nodes(value: unknown, scope: Scope): void {
    if (Array.isArray(value)) {
      for (const each of value) this.nodes(each, scope)
      return
    }
    if (!isObject(value)) return this.#fail('something the gateway does not know')
    for (const [kind, node] of Object.entries(value)) this.#node(kind, node, scope)
  }

  #node(kind: string, node: unknown, outer: Scope): void {
    if (this.fault !== undefined) return
    // For PostgreSQL ('x'::text).pg_read_file is a call of that function.
    if (kind === 'A_Indirection') return this.#fail('names and subscripts after a bracket')
    const members = Object.hasOwn(SYNTAX, kind) ? SYNTAX[kind] : undefined
    if (members === undefined || !isObject(node)) return this.#fail(kindName(kind))
    const fault = this.#nodeFault(kind, node)
    if (fault !== undefined) return this.#fail(fault)
    const scope = isObject(node['withClause']) ? this.#with(node['withClause'], outer) : outer
    if (kind === 'RangeVar') this.#read(node, scope)
    for (const [member, value] of Object.entries(node)) {
      if (member === 'withClause') continue
      const holds = Object.hasOwn(members, member) ? members[member] : undefined
      if (holds === undefined) return this.#fail(`${kindName(kind)} with ${member}`)
      if (member === 'relation') this.#change(value, node['returningClause'] !== undefined)
      else this.#member(holds, value, scope)
    }
  }

  #member(holds: Holds, value: unknown, scope: Scope): void {
    if (holds === 'plain') return
    if (holds === 'nodes') return this.nodes(value, scope)
    this.#node(holds.of, value, scope)
  }

  /** The scope with the names of a WITH clause; in their own queries those before, and themselves where it says so. */
  #with(clause: JsonObject, outer: Scope): Scope {
    const scope = new Set(outer)
    for (const each of list(clause['ctes'])) {
      const query = isObject(each) ? each['CommonTableExpr'] : undefined
      if (!isObject(query)) {
        this.#fail('a WITH clause')
        return outer
      }
      const key = this.#key([String(query['ctename'])], this.#writtenAt(query['location'], 1))
      if (clause['recursive'] === true) scope.add(key)
      this.#node('CommonTableExpr', query, new Set(scope))
      scope.add(key)
    }
    return scope
  }

  #read(table: JsonObject, scope: Scope): void {
    const { parts, written } = this.#named(table)
    if (parts.length === 1 && scope.has(this.#key(parts, written))) return
    this.uses.push({ parts, written, change: false })
  }

  /** The table of INSERT, UPDATE or DELETE is never a query of the statement. */
  #change(table: unknown, returns: boolean): void {
    if (!isObject(table)) return this.#fail('something the gateway does not know')
    const named = this.#named(table)
    this.uses.push({ ...named, change: true })
    if (returns) this.uses.push({ ...named, change: false })
    const fault = this.#nodeFault('RangeVar', table)
    if (fault !== undefined) this.#fail(fault)
  }

  #named(table: JsonObject): { parts: readonly string[]; written: readonly string[] } {
    const parts = [table['catalogname'], table['schemaname'], table['relname']].filter(
      (part) => typeof part === 'string',
    )
    return { parts, written: this.#writtenAt(table['location'], parts.length) }
  }

  /** So many names, joined by dots, as they stand in the text. */
  #writtenAt(location: unknown, count: number): readonly string[] {
    const at = typeof location === 'number' ? location : 0
    const here = this.#bytes.subarray(at, at + 1000).toString('utf8')
    const [found = ''] = /^(?:"[^"]*"|\w+)(?:\.(?:"[^"]*"|\w+))*/.exec(here) ?? []
    const parts = found.match(/"[^"]*"|\w+/g) ?? []
    if (parts.length !== count) this.#fail('spaces and signs in the names of tables')
    return parts.map((part) => part.replaceAll('"', ''))
  }

  #key(parts: readonly string[], written: readonly string[]): string {
    return tableKey(parts, written, this.#dialect)
  }

  #nodeFault(kind: string, node: JsonObject): string | undefined {
    const isPostgres = this.#dialect === 'postgresql'
    switch (kind) {
      case 'RangeVar':
        if (node['relpersistence'] !== 'p') return 'a temporary table'
        return node['inh'] === true || isPostgres ? undefined : 'ONLY before a table'
      case 'Alias':
        return node['colnames'] === undefined || isPostgres ? undefined : 'names of columns after an alias'
      case 'FuncCall':
        return functionFault(node, isPostgres)
      case 'TypeName':
        return unknownIn(TYPES, node['names'], 'the type')
      case 'A_Expr':
        return OPERATIONS.has(String(node['kind'])) ? undefined : 'a comparison of an unusual kind'
      case 'SQLValueFunction':
        return VALUES.has(String(node['op'])) ? undefined : 'a value of the session'
      case 'SelectStmt':
        return node['intoClause'] === undefined ? undefined : 'SELECT INTO'
      default:
        return undefined
    }
  }

  #fail(what: string): void {
    this.fault ??= `must be SQL without ${what}`
  }
}

/** What a name is compared by: in PostgreSQL folded, in SQLite whatever its case, in MySQL as it is written. */
export function tableKey(parts: readonly string[], written: readonly string[], dialect: Dialect): string {
  switch (dialect) {
    case 'postgresql':
      return parts.join('.')
    case 'sqlite':
      return written.join('.').toLowerCase()
    case 'mysql':
      return written.join('.')
    case 'any':
      return `${parts.join('.')}\n${written.join('.')}`
  }
}

function functionFault(node: JsonObject, isPostgres: boolean): string | undefined {
  const fault = unknownIn(FUNCTIONS, node['funcname'], 'the function')
  if (fault !== undefined) return fault
  // What stands after IN is a table for SQLite.
  const isSyntax = node['funcformat'] === 'COERCE_SQL_SYNTAX'
  return isSyntax && !isPostgres && namesOf(node['funcname']).at(-1) === 'position' ? 'position' : undefined
}

/** The first name that is not known; `pg_catalog.` may stand before it. */
function unknownIn(known: ReadonlySet<string>, value: unknown, what: string): string | undefined {
  const names = namesOf(value)
  const own = names[0] === 'pg_catalog' ? names.slice(1) : names
  const [name = ''] = own
  return own.length === 1 && known.has(name) ? undefined : `${what} ${names.join('.').slice(0, 100)}`
}

function namesOf(value: unknown): string[] {
  return list(value).map((each) => {
    const text = isObject(each) ? each['String'] : undefined
    return isObject(text) && typeof text['sval'] === 'string' ? text['sval'] : ''
  })
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** `CopyStmt`: COPY, and so on. */
function kindName(kind: string): string {
  return kind
    .replace(/Stmt$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase()
}

/** `tables`: statements of SQL that read and change named tables only. What cannot be read is refused. */
import { suggest } from '@tollgate/cedar'
import { isObject } from '../../model/message.ts'
import { err, ok, type Result } from '../../model/result.ts'
import { parseSql } from './sql/parser.ts'
import { tableKey, tablesOf, type TableUse } from './sql/statement.ts'
import { type Dialect, DIALECTS, readSqlText } from './sql/text.ts'

/** Completes "argument … "; undefined when the statement is fine. */
export type SqlCheck = (value: unknown) => string | undefined

/** Which tables may be read and changed, of what kind of database. */
interface Tables {
  readonly read: readonly string[]
  readonly write: readonly string[]
  readonly dialect: Dialect
}

const EXAMPLE = 'such as [orders] or { read: [orders], write: [notes], dialect: sqlite }'
const TABLE_NAME = /^[A-Za-z_][\w $-]*(\.[A-Za-z_][\w $-]*){0,2}$/

/** The error completes "tables …". */
export function compileTables(written: unknown): Result<SqlCheck, string> {
  const tables = readTables(written)
  if (!tables.ok) return tables
  const { read, write, dialect } = tables.value
  const key = (name: string) => tableKey(name.split('.'), name.split('.'), dialect)
  const readable = new Set(read.map(key))
  const changeable = new Set(write.map(key))
  return ok((value) => {
    if (typeof value !== 'string') return 'must be SQL, written as a text'
    const uses = usesOf(value, dialect)
    if (!uses.ok) return uses.error
    const bad = uses.value.find(
      ({ parts, written: spelt, change }) =>
        !(change ? changeable : readable).has(tableKey(parts, spelt, dialect)),
    )
    return bad === undefined ? undefined : badUse(bad, bad.change ? write : read)
  })
}

function usesOf(sql: string, dialect: Dialect): Result<readonly TableUse[], string> {
  const text = readSqlText(sql, dialect)
  if (!text.ok) return text
  const statements = parseSql(text.value)
  return statements.ok ? tablesOf(statements.value, text.value, dialect) : statements
}

function badUse({ parts, written, change }: TableUse, allowed: readonly string[]): string {
  const name = (written.length > 0 ? written : parts).join('.').slice(0, 200)
  const does = change ? 'change' : 'read'
  if (allowed.length === 0) return `must not ${does} tables, such as ${name}`
  const few = allowed.slice(0, 5).join(', ')
  const rest = allowed.length > 5 ? ` and ${allowed.length - 5} more` : ''
  return `must ${does} no other tables than ${few}${rest}, written so; it names ${name}`
}

function readTables(written: unknown): Result<Tables, string> {
  if (Array.isArray(written)) return readTables({ read: written })
  if (!isObject(written)) return err(`must be a list of tables, ${EXAMPLE}`)
  const known = ['read', 'write', 'dialect']
  const unknown = Object.keys(written).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const meant = suggest(unknown, known)
    return err(
      `has ${JSON.stringify(unknown)}, which is not known; ${meant === undefined ? `write it ${EXAMPLE}` : `did you mean ${meant}?`}`,
    )
  }
  const { read = [], write = [], dialect = 'any' } = written
  for (const list of [read, write]) {
    if (!Array.isArray(list)) return err(`must hold lists of tables, ${EXAMPLE}`)
    const odd = (list as unknown[]).find((name) => typeof name !== 'string' || !TABLE_NAME.test(name))
    if (odd !== undefined)
      return err(`names ${JSON.stringify(odd)}, which is not a table: write orders or sales.orders`)
  }
  const names = { read: read as string[], write: write as string[] }
  if (names.read.length + names.write.length === 0) return err(`must name a table, ${EXAMPLE}`)
  const of = DIALECTS.find((each) => each === dialect) ?? (dialect === 'any' ? dialect : undefined)
  return of === undefined
    ? err(
        `has a dialect that is not known; there are ${DIALECTS.join(', ')}, and any for a statement that must be fine in all`,
      )
    : ok({ ...names, dialect: of })
}

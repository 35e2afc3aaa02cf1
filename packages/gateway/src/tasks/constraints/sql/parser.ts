/** PostgreSQL's own parser, in a sandbox of WebAssembly. */
import { loadModule, parseSync } from 'libpg-query'
import { isObject } from '../../../model/message.ts'
import { err, ok, type Result } from '../../../model/result.ts'

await loadModule()

/** The statements of a text, as trees. The error completes "argument … ". */
export function parseSql(text: string): Result<readonly unknown[], string> {
  let parsed: unknown
  try {
    parsed = parseSync(text)
  } catch (problem) {
    return err(
      `must be SQL that the gateway can read (${problem instanceof Error ? problem.message : 'it cannot'})`,
    )
  }
  const statements = isObject(parsed) && Array.isArray(parsed['stmts']) ? (parsed['stmts'] as unknown[]) : []
  const trees = statements.map((each) => (isObject(each) ? each['stmt'] : undefined))
  return trees.length === 0 ? err('must be a statement of SQL') : ok(trees)
}

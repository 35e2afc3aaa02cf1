/**
 * From a path to a Config: read, parse, validate, normalise. Reports everything that is wrong at once, or
 * returns a Config that is complete. Never throws, whatever the file holds.
 */
import { resolve } from 'node:path'
import { err, type Result } from '../model/result.ts'
import type { Config, ConfigError } from './config.ts'
import { type Complaint, type Fault, readYaml, type YamlDocument } from './document.ts'
import { explainIssue, showPath } from './explain.ts'
import { normalise } from './normalise.ts'
import { configSchema } from './schema.ts'
import { serverFaults } from './servers.ts'

export interface LoadOptions {
  readonly path: string
  readonly readFile: (path: string) => Promise<string>
}

/** Loads the file at `path`; a relative one is taken from the working directory. */
export async function loadConfig({ path, readFile }: LoadOptions): Promise<Result<Config, ConfigError[]>> {
  let text: string
  try {
    text = await readFile(path)
  } catch (error) {
    return err([{ file: path, message: unreadable(error) }])
  }
  return parseConfig(path, text)
}

/** The same for a text that was already read. */
export function parseConfig(path: string, text: string): Result<Config, ConfigError[]> {
  const complain = (complaints: readonly Complaint[]) =>
    err(complaints.toSorted(byPosition).map((complaint) => ({ file: path, ...complaint })))

  const document = readYaml(text)
  if (!document.ok) return complain(document.error)
  const { complaints } = document.value
  // An empty file is a configuration in which everything keeps its default.
  const written = document.value.value ?? {}
  const checked = configSchema.safeParse(written, { reportInput: true })
  const faults = serverFaults(written).map((fault) => locate(fault, document.value))
  const issues = checked.success
    ? []
    : checked.error.issues.flatMap((issue) => explainIssue(issue, document.value))
  if (!checked.success || faults.length > 0 || complaints.length > 0) {
    return complain([...complaints, ...issues, ...faults])
  }
  const config = normalise(checked.data, resolve(path))
  return config.ok ? config : complain(config.error.map((fault) => locate(fault, document.value)))
}

function locate(fault: Fault, document: YamlDocument): Complaint {
  const position =
    fault.at === 'key' ? document.positionOfKey(fault.path) : document.positionOfValue(fault.path)
  return { position, message: `${showPath(fault.path)} ${fault.message}` }
}

function byPosition(a: Complaint, b: Complaint): number {
  return a.position.line - b.position.line || a.position.column - b.position.column
}

function unreadable(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  switch (code) {
    case 'ENOENT':
      return 'there is no such file; write one with: tollgate init'
    case 'EACCES':
      return 'the file may not be read by this user'
    case 'EISDIR':
      return 'this is a folder; name the file in it'
    default:
      return `the file cannot be read (${typeof code === 'string' ? code : 'unknown error'})`
  }
}

/**
 * What the official engine has said, kept by content: by the schema, the policy's text and the engine's version, so that
 * nothing has to be thrown away when something changes. In memory, and in a file of the data folder where there is one:
 * a second `tollgate check` then asks the engine nothing. The file is a convenience; one that is damaged, too large or
 * cannot be written is as good as none.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Diagnostic } from './engine-process.ts'

const FORMAT = 1
const FILE = 'validation-cache.json'
const MOST_ENTRIES = 20_000
const MOST_BYTES = 16 * 1024 * 1024
/** More about one policy is not worth keeping. */
const MOST_DIAGNOSTICS = 100

export class ValidationCache {
  readonly #file: string | undefined
  /** Oldest use first. */
  readonly #entries: Map<string, readonly Diagnostic[]>
  #changed = false

  /** Without a data folder, or with one that does not exist, only in memory. */
  constructor(dataDir?: string) {
    this.#file = dataDir === undefined ? undefined : join(dataDir, FILE)
    this.#entries = this.#file === undefined ? new Map<string, never>() : readEntries(this.#file)
  }

  get(key: string): readonly Diagnostic[] | undefined {
    const known = this.#entries.get(key)
    if (known === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, known)
    return known
  }

  set(key: string, diagnostics: readonly Diagnostic[]): void {
    if (diagnostics.length > MOST_DIAGNOSTICS) return
    this.#changed = true
    this.#entries.delete(key)
    this.#entries.set(key, diagnostics)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MOST_ENTRIES) break
      this.#entries.delete(oldest)
    }
  }

  /** Writes the file when there is something new, mode 0600, whole or not at all. Never throws. */
  save(): void {
    if (this.#file === undefined || !this.#changed) return
    const text = JSON.stringify({ format: FORMAT, entries: [...this.#entries] })
    if (text.length > MOST_BYTES) return
    const draft = `${this.#file}.${randomBytes(6).toString('hex')}`
    try {
      writeFileSync(draft, text, { flag: 'wx', mode: 0o600 })
      renameSync(draft, this.#file)
      this.#changed = false
    } catch {
      rmSync(draft, { force: true })
    }
  }
}

/** The key of a policy judged by a schema. `schemaKey` is made once for all its policies. */
export function policyKey(schemaKey: string, policy: string): string {
  return digest(schemaKey, policy)
}

/** The part of the keys that all policies share. */
export function schemaKeyOf(engine: string, schema: string): string {
  return digest(engine, schema)
}

function digest(first: string, second: string): string {
  const hash = createHash('sha256').update(`${first.length}\n${first}`).update(second)
  return hash.digest('base64url').slice(0, 27) // 160 bits
}

function readEntries(file: string): Map<string, readonly Diagnostic[]> {
  try {
    if (statSync(file).size > MOST_BYTES) return new Map()
    const stored = JSON.parse(readFileSync(file, 'utf8')) as { format?: unknown; entries?: unknown } | null
    if (stored?.format !== FORMAT || !Array.isArray(stored.entries)) return new Map()
    return new Map(stored.entries.filter(isEntry).slice(-MOST_ENTRIES))
  } catch {
    return new Map()
  }
}

function isEntry(value: unknown): value is [string, Diagnostic[]] {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [key, diagnostics] = value as unknown[]
  return typeof key === 'string' && Array.isArray(diagnostics) && diagnostics.every(isDiagnostic)
}

function isDiagnostic(value: unknown): value is Diagnostic {
  if (typeof value !== 'object' || value === null) return false
  const { severity, message, help, start, end } = value as Partial<Record<keyof Diagnostic, unknown>>
  return (
    (severity === 'error' || severity === 'warning') &&
    typeof message === 'string' &&
    (help === null || typeof help === 'string') &&
    isOffset(start) &&
    isOffset(end)
  )
}

function isOffset(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

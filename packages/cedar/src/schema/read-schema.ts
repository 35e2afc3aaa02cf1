// A schema in one step, whichever way it is written.

import type { Result } from '../policy/result.ts'
import type { SchemaOptions } from './parse-schema.ts'
import { parseSchema } from './parse-schema.ts'
import { resolveSchema } from './resolve.ts'
import { schemaFromJson } from './schema-json.ts'
import type { Schema } from './schema.ts'

/**
 * Reads and resolves a schema in the human-readable syntax or in JSON: a text that begins with a brace is JSON, since no
 * declaration does. Never throws.
 */
export function readSchema(text: string, options: SchemaOptions = {}): Result<Schema> {
  const fragment = /^\s*\{/.test(text) ? schemaFromJson(text, options) : parseSchema(text, options)
  return fragment.ok ? resolveSchema([fragment.value]) : fragment
}

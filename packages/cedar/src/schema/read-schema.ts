// A schema in one step, whichever way it is written.

import type { Result } from '../policy/result.ts'
import type { SchemaOptions } from './parse-schema.ts'
import { parseSchema } from './parse-schema.ts'
import { resolveSchema } from './resolve.ts'
import type { Schema } from './schema.ts'

/** Reads and resolves a schema in the human-readable syntax. Never throws. */
export function readSchema(text: string, options: SchemaOptions = {}): Result<Schema> {
  const fragment = parseSchema(text, options)
  return fragment.ok ? resolveSchema([fragment.value]) : fragment
}

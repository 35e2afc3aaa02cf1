// The context of a request from JSON.

import type { JsonOptions } from './est-read.ts'
import { withJson } from './json.ts'
import { nodeAt } from './json-access.ts'
import type { Result } from '../policy/result.ts'
import { checkContext } from '../schema/conformance.ts'
import type { Schema } from '../schema/schema.ts'
import type { Entity } from '../values/entity.ts'
import { recordFromNode } from './value-json.ts'
import type { RecordValue } from '../values/values.ts'

/** With a schema, the context is that of a request for `action`. */
export type ContextOptions = JsonOptions &
  (
    | { readonly schema: Schema; readonly action: Entity }
    | { readonly schema?: undefined; readonly action?: undefined }
  )

/**
 * Reads a context, or another record, from a JSON text, with the escapes of entities in JSON. With a schema they may be
 * left out where the type says what is meant. Never throws. Errors: what cannot be read, what is not as the schema says.
 */
export function contextFromJson(json: string, options: ContextOptions = {}): Result<RecordValue> {
  const { file = 'context.json', schema, action } = options
  const read = withJson(json, file, (root, source): Result<RecordValue> => {
    const value = recordFromNode(root, 'the context', schema?.actions.get(action.uid)?.context)
    const errors = (schema === undefined ? [] : checkContext(schema, action, value)).map((mismatch) => ({
      message: mismatch.message,
      ...source.locate(nodeAt(root, mismatch.path.slice(1)).at),
    }))
    return errors.length === 0 ? { ok: true, value } : { ok: false, errors }
  })
  return read.ok ? read.value : read
}

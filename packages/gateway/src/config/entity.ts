/**
 * Reads a Cedar entity, `User::"alice"`, strictly: one spelling for one entity, so that what is written in the
 * configuration or in a key is what a policy compares with. Cedar's rarer escapes (`\n`, `\u{…}`) are not accepted.
 */
import type { EntityRef } from '../model/caller.ts'
import { err, ok, type Result } from '../model/result.ts'

const ENTITY = /^([A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)::"((?:[^"\\\u0000-\u001f\u007f]|\\["\\])*)"$/
/** Words that Cedar keeps for itself. */
const RESERVED = new Set(['true', 'false', 'if', 'then', 'else', 'in', 'is', 'like', 'has', '__cedar'])
const MAX_LENGTH = 1000

/** The error says what is expected, ready to follow the name of the thing: `must be …`. */
export function parseEntity(text: string): Result<EntityRef, string> {
  const [, type = '', quoted = ''] = (text.length <= MAX_LENGTH && ENTITY.exec(text)) || []
  if (type === '') return err(`must be an entity, a type and a quoted name, such as User::"alice"`)
  const reserved = type.split('::').find((part) => RESERVED.has(part))
  if (reserved !== undefined)
    return err(`must not use "${reserved}" as a type: Cedar keeps this word for itself`)
  if (quoted === '') return err('must name someone between the quotes, such as User::"alice"')
  if (!quoted.isWellFormed()) return err('must be well-formed Unicode')
  return ok({ type, id: quoted.replace(/\\(["\\])/g, '$1') })
}

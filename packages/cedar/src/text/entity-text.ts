// An entity written alone, `Type::"id"`, as on a command line or in a test file.

import type { Result } from '../policy/result.ts'
import { Source } from '../policy/result.ts'
import type { Entity } from '../values/entity.ts'
import { Cursor, ParseFailure } from './cursor.ts'
import { parseEntity } from './names.ts'

/** Reads the name of an entity. Never throws. */
export function entityFromText(text: string, options: { readonly file?: string } = {}): Result<Entity> {
  const source = new Source(text, options.file ?? 'entity')
  try {
    const cursor = new Cursor(source)
    const entity = parseEntity(cursor, 'an entity such as User::"alice"')
    if (cursor.peek().kind !== 'end') cursor.unexpected('nothing after the entity')
    return { ok: true, value: entity }
  } catch (failure) {
    if (!(failure instanceof ParseFailure)) throw failure
    return { ok: false, errors: [{ message: failure.message, ...source.locate(failure.at) }] }
  }
}

// Entities from JSON: a list of `{ uid, attrs, parents, tags? }`, as the official tools read it without a schema.
// An entity is made after its parents, so that each knows all its ancestors.

import type { Entity } from '../values/entity.ts'
import { entity } from '../values/entity.ts'
import type { JsonOptions } from './est-read.ts'
import { withJson } from './json.ts'
import type { JsonNode } from './json.ts'
import { failAt, fieldsOf, itemsOf } from './json-access.ts'
import type { PolicyError, Result, Source } from '../policy/result.ts'
import { ParseFailure } from '../text/cursor.ts'
import { entityFromNode, recordFromNode } from './value-json.ts'
import type { RecordValue } from '../values/values.ts'

/**
 * Reads entities from a JSON text, by uid: an `EntityStore`. A parent that is not in the text is a reference. Never
 * throws. Errors, one for each entity that has any: what cannot be read, an entity that stands twice, a cycle.
 */
export function entitiesFromJson(
  json: string,
  options: JsonOptions = {},
): Result<ReadonlyMap<string, Entity>> {
  const file = options.file ?? 'entities.json'
  const read = withJson(json, file, (root, source) => new EntitiesReader(source).read(root))
  if (!read.ok) return read
  const { entities, errors } = read.value
  return errors.length === 0 ? { ok: true, value: entities } : { ok: false, errors }
}

/** Reads a context, or another record, from a JSON text, with the same escapes. Never throws. */
export function contextFromJson(json: string, options: JsonOptions = {}): Result<RecordValue> {
  return withJson(json, options.file ?? 'context.json', (root) => recordFromNode(root, 'the context'))
}

interface Draft {
  readonly node: JsonNode
  readonly name: Entity
  readonly parents: readonly Entity[]
  readonly attrs: RecordValue
  readonly tags: RecordValue
}

class EntitiesReader {
  readonly #source: Source
  readonly #errors: PolicyError[] = []
  readonly #drafts = new Map<string, Draft>()
  readonly #made = new Map<string, Entity>()

  constructor(source: Source) {
    this.#source = source
  }

  read(root: JsonNode): { entities: ReadonlyMap<string, Entity>; errors: readonly PolicyError[] } {
    for (const node of itemsOf(root, 'the entities')) this.#try(() => this.#draft(node))
    for (const draft of this.#drafts.values()) this.#try(() => this.#make(draft))
    // In the order of the text, whoever was made first.
    const entities = new Map<string, Entity>()
    for (const uid of this.#drafts.keys()) {
      const made = this.#made.get(uid)
      if (made !== undefined) entities.set(uid, made)
    }
    return { entities, errors: this.#errors }
  }

  #draft(node: JsonNode): void {
    const { uid, attrs, parents, tags } = fieldsOf(node, 'an entity', ['uid', 'attrs', 'parents'], ['tags'])
    const name = entityFromNode(uid)
    const draft: Draft = {
      node,
      name,
      parents: itemsOf(parents, '"parents"').map((parent) => parentOf(name, parent)),
      attrs: recordFromNode(attrs, '"attrs"'),
      tags: tags === undefined ? {} : recordFromNode(tags, '"tags"'),
    }
    if (this.#drafts.has(name.uid)) failAt(uid, `the entity ${name.uid} stands twice`)
    this.#drafts.set(name.uid, draft)
  }

  /** Makes an entity and, before it, its ancestors. Not by recursion, since a hierarchy may be of any height. */
  #make(first: Draft): void {
    const path = [{ draft: first, next: 0 }]
    const onPath = new Set([first.name.uid])
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { draft } = top
      const parent = draft.parents[top.next++]
      if (parent === undefined) {
        if (!this.#made.has(draft.name.uid)) this.#made.set(draft.name.uid, this.#entity(draft))
        onPath.delete(draft.name.uid)
        path.pop()
        continue
      }
      const above = this.#drafts.get(parent.uid)
      if (above === undefined || this.#made.has(parent.uid)) continue
      if (onPath.has(parent.uid)) {
        // Made without its parents, so that one cycle is reported once.
        for (const each of path) this.#made.set(each.draft.name.uid, each.draft.name)
        failAt(draft.node, `${parent.uid} is among its own ancestors`)
      }
      onPath.add(parent.uid)
      path.push({ draft: above, next: 0 })
    }
  }

  #entity({ name, parents, attrs, tags }: Draft): Entity {
    const known = parents.map((parent) => this.#made.get(parent.uid) ?? parent)
    return entity(name.type, name.id, { parents: known, attrs, tags })
  }

  /** Notes what is wrong with one entity and goes on with the next. */
  #try(read: () => void): void {
    try {
      read()
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure
      this.#errors.push({ message: failure.message, ...this.#source.locate(failure.at) })
    }
  }
}

function parentOf(child: Entity, node: JsonNode): Entity {
  const parent = entityFromNode(node)
  const isAction = (named: Entity): boolean => /(^|::)Action$/.test(named.type)
  return isAction(child) && !isAction(parent)
    ? failAt(node, `${child.uid} is an action, and its parent ${parent.uid} is none`)
    : parent
}

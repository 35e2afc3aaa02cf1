// Entities from JSON: a list of `{ uid, attrs, parents, tags? }`, as the official tools read it. A schema says which
// values may be written without their escapes, adds its actions, and has to be conformed to. An entity is made after its
// parents, so that each knows all its ancestors.

import { entity, isActionType } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'
import type { JsonOptions } from './est-read.ts'
import { withJson } from './json.ts'
import type { JsonNode } from './json.ts'
import { failAt, fieldsOf, itemsOf, nodeAt } from './json-access.ts'
import type { PolicyError, Result, Source } from '../policy/result.ts'
import { checkEntity } from '../schema/conformance.ts'
import type { Schema } from '../schema/schema.ts'
import { ParseFailure } from '../text/cursor.ts'
import { entityFromNode, recordFromNode, tagsFromNode } from './value-json.ts'
import { canonical, set } from '../values/values.ts'
import type { RecordValue } from '../values/values.ts'

export interface EntitiesOptions extends JsonOptions {
  /** What the entities have to conform to. Its actions join them. */
  readonly schema?: Schema
}

/**
 * Reads entities from a JSON text, by uid: an `EntityStore`. A parent that is not in the text is a reference. Never
 * throws. Errors: what cannot be read, one for each entity; an entity that stands twice (with a schema: and is not the
 * same), a cycle, and all that is not as the schema says.
 */
export function entitiesFromJson(
  json: string,
  options: EntitiesOptions = {},
): Result<ReadonlyMap<string, Entity>> {
  const file = options.file ?? 'entities.json'
  const read = withJson(json, file, (root, source) => entitiesFromNode(root, source, options.schema))
  return read.ok ? read.value : read
}

export function entitiesFromNode(
  root: JsonNode,
  source: Source,
  schema?: Schema,
): Result<ReadonlyMap<string, Entity>> {
  return new EntitiesReader(source, schema).read(root)
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
  readonly #schema: Schema | undefined
  readonly #errors: PolicyError[] = []
  readonly #drafts = new Map<string, Draft>()
  readonly #made = new Map<string, Entity>()

  constructor(source: Source, schema: Schema | undefined) {
    this.#source = source
    this.#schema = schema
  }

  read(root: JsonNode): Result<ReadonlyMap<string, Entity>> {
    for (const node of itemsOf(root, 'the entities')) this.#try(() => this.#draft(node))
    for (const draft of this.#drafts.values()) this.#try(() => this.#make(draft))
    // In the order of the text, whoever was made first.
    const entities = new Map<string, Entity>()
    for (const [uid, { node }] of this.#drafts) {
      const made = this.#made.get(uid)
      if (made === undefined) continue
      this.#check(made, node)
      entities.set(uid, made)
    }
    for (const [uid, action] of this.#schema?.actions ?? []) entities.set(uid, action.entity)
    return this.#errors.length === 0 ? { ok: true, value: entities } : { ok: false, errors: this.#errors }
  }

  #draft(node: JsonNode): void {
    const { uid, attrs, parents, tags } = fieldsOf(node, 'an entity', ['uid', 'attrs', 'parents'], ['tags'])
    const name = entityFromNode(uid)
    const type = this.#schema?.entityTypes.get(name.type)
    const draft: Draft = {
      node,
      name,
      parents: itemsOf(parents, '"parents"').map((parent) => parentOf(name, parent)),
      attrs: recordFromNode(attrs, '"attrs"', type?.attributes),
      tags: tags === undefined ? {} : tagsFromNode(tags, type?.tags),
    }
    const other = this.#drafts.get(name.uid)
    if (other === undefined) this.#drafts.set(name.uid, draft)
    else if (this.#schema === undefined || !isSame(other, draft)) {
      failAt(uid, `the entity ${name.uid} stands twice`)
    }
  }

  /** An entity that could not be made was reported already. */
  #check(made: Entity, node: JsonNode): void {
    if (this.#schema === undefined || !made.known) return
    for (const { path, message } of checkEntity(this.#schema, made)) {
      this.#errors.push({ message, ...this.#source.locate(nodeAt(node, path).at) })
    }
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
  return isActionType(child.type) && !isActionType(parent.type)
    ? failAt(node, `${child.uid} is an action, and its parent ${parent.uid} is none`)
    : parent
}

function isSame(a: Draft, b: Draft): boolean {
  const text = ({ parents, attrs, tags }: Draft): string => canonical({ parents: set(parents), attrs, tags })
  return text(a) === text(b)
}

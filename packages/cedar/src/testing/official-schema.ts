// For tests: what the official engine makes of the names in a schema, as a resolved schema. In its JSON all names are in
// full already; this puts the common types in and closes the hierarchies, in the plainest way.

import { qualified } from '../schema/definitions.ts'
import type { ActionType, CedarType, EntityType, RecordType, Schema } from '../schema/schema.ts'
import { entity } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'

interface OfficialType {
  readonly type: string
  readonly element?: OfficialType
  readonly attributes?: { readonly [name: string]: OfficialType & { readonly required?: boolean } }
  readonly name?: string
}

interface OfficialNamespace {
  readonly commonTypes?: { readonly [name: string]: OfficialType }
  readonly entityTypes: {
    readonly [name: string]: {
      readonly enum?: readonly string[]
      readonly memberOfTypes?: readonly string[]
      readonly shape?: OfficialType
      readonly tags?: OfficialType
    }
  }
  readonly actions: {
    readonly [id: string]: {
      readonly memberOf?: readonly { readonly id: string; readonly type?: string }[]
      readonly appliesTo?: {
        readonly principalTypes: readonly string[]
        readonly resourceTypes: readonly string[]
        readonly context?: OfficialType
      }
    }
  }
}

const EMPTY: RecordType = { kind: 'record', members: new Map() }

/** From the answer of `schemaToJsonWithResolvedTypes`. */
export function schemaFromOfficial(json: { readonly [namespace: string]: OfficialNamespace }): Schema {
  const commonTypes = new Map<string, OfficialType>()
  for (const [namespace, { commonTypes: declared = {} }] of Object.entries(json))
    for (const [name, type] of Object.entries(declared)) commonTypes.set(qualified(namespace, name), type)
  const record = (type: OfficialType | undefined): RecordType => {
    const found = type === undefined ? EMPTY : typeFromOfficial(type, commonTypes)
    return found.kind === 'record' ? found : EMPTY
  }
  const parents = new Map<string, readonly string[]>()
  const entityTypes = new Map<string, EntityType>()
  const actionParents = new Map<string, readonly { readonly id: string; readonly type?: string }[]>()
  const actionTypes = new Map<
    string,
    Omit<ActionType, 'entity'> & { readonly type: string; readonly id: string }
  >()
  for (const [namespace, { entityTypes: entities, actions }] of Object.entries(json)) {
    for (const [own, declared] of Object.entries(entities)) {
      const name = qualified(namespace, own)
      const { enum: ids, memberOfTypes = [], shape, tags } = declared
      parents.set(name, memberOfTypes)
      entityTypes.set(name, {
        name,
        ids: ids === undefined ? undefined : new Set(ids),
        ancestorTypes: new Set(),
        attributes: record(shape),
        tags: tags === undefined ? undefined : typeFromOfficial(tags, commonTypes),
      })
    }
    for (const [id, { memberOf = [], appliesTo }] of Object.entries(actions)) {
      const type = qualified(namespace, 'Action')
      const { uid } = entity(type, id)
      actionParents.set(uid, memberOf)
      actionTypes.set(uid, {
        type,
        id,
        principals: new Set(appliesTo?.principalTypes),
        resources: new Set(appliesTo?.resourceTypes),
        context: record(appliesTo?.context),
      })
    }
  }
  const closed = new Map<string, EntityType>()
  for (const [name, type] of entityTypes)
    closed.set(name, { ...type, ancestorTypes: reachable(name, (each) => parents.get(each) ?? []) })
  const made = (type: string, id: string): Entity => {
    const above = actionParents.get(entity(type, id).uid) ?? []
    return entity(type, id, { parents: above.map((each) => made(each.type ?? '', each.id)) })
  }
  const actions = new Map<string, ActionType>()
  for (const [uid, { type, id, ...rest }] of actionTypes)
    actions.set(uid, { entity: made(type, id), ...rest })
  return { entityTypes: closed, actions }
}

function typeFromOfficial(type: OfficialType, commonTypes: ReadonlyMap<string, OfficialType>): CedarType {
  if (type.type === 'Set' && type.element !== undefined)
    return { kind: 'set', element: typeFromOfficial(type.element, commonTypes) }
  if (type.type === 'Record' && type.attributes !== undefined) {
    const members = Object.entries(type.attributes).map(([name, { required = true, ...of }]) => {
      return [name, { type: typeFromOfficial(of, commonTypes), required }] as const
    })
    return { kind: 'record', members: new Map(members) }
  }
  if (type.type === 'Entity' && type.name !== undefined) return { kind: 'entity', type: type.name }
  const common = commonTypes.get(type.type)
  return common === undefined ? languageType(type.type) : typeFromOfficial(common, commonTypes)
}

function languageType(name: string): CedarType {
  const own = name.replace(/^__cedar::/, '')
  switch (own) {
    case 'Bool':
    case 'Boolean':
      return { kind: 'boolean' }
    case 'Long':
      return { kind: 'long' }
    case 'String':
      return { kind: 'string' }
    case 'ipaddr':
    case 'decimal':
    case 'datetime':
    case 'duration':
      return { kind: 'extension', name: own }
    default:
      throw new Error(`not a type: ${name}`)
  }
}

/** Everything above something, found by asking until nothing new comes. */
export function reachable(name: string, above: (name: string) => readonly string[]): ReadonlySet<string> {
  const reached = new Set(above(name))
  for (let before = -1; before < reached.size; ) {
    before = reached.size
    for (const each of [...reached]) for (const parent of above(each)) reached.add(parent)
  }
  return reached
}

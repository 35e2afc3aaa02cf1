// For tests: random schemas, each in the human-readable syntax, in JSON, and as what both have to be resolved to.

import { qualified } from '../schema/definitions.ts'
import { nameText } from '../schema/name-to-text.ts'
import type { ActionType, CedarType, EntityType, RecordType, Schema } from '../schema/schema.ts'
import { entity } from '../values/entity.ts'
import { reachable } from './official-schema.ts'
import type { Random } from './random.ts'
import { TypeMaker } from './random-schema-type.ts'
import type { JsonObject, Vocabulary } from './random-schema-type.ts'
import type { Json } from './random-world.ts'

export interface RandomSchema {
  readonly text: string
  readonly json: string
  /** At least one action applies to something. */
  readonly schema: Schema
}

const NAMESPACES = ['', 'N', 'N::M', 'Shop']
const ENTITY_NAMES = ['User', 'Group', 'File', 'Folder', 'String', 'entity', 'Set', 'Both', 'ipaddr']
const COMMON_NAMES = ['Name', 'Size', 'Context', 'Both', 'decimal', 'tags', 'appliesTo']
const ACTION_IDS = ['read', 'write', 'all', 'list', 'a b', 'in', '', 'principal', '"']
const ENUMERATED_IDS = ['x', 'y', 'a"b\\c', '']

type Body = { readonly text: string; readonly json: JsonObject }

/** A valid schema of a few namespaces, entity types, common types and actions. */
export function randomSchema(random: Random): RandomSchema {
  return new SchemaMaker(random).make()
}

class SchemaMaker {
  readonly #random: Random
  readonly #entityNames: readonly string[]
  readonly #commonNames: readonly string[]
  /** Full names of actions by their type. */
  readonly #actionNames: readonly { readonly type: string; readonly id: string; readonly namespace: string }[]
  readonly #vocabulary: Vocabulary & { readonly commonTypes: { name: string; type: CedarType }[] }
  readonly #texts = new Map<string, string[]>()
  readonly #json = new Map<string, { readonly [kind in Kind]: [string, Json][] }>()

  constructor(random: Random) {
    this.#random = random
    const chosen = NAMESPACES.filter(() => random.chance(0.5))
    const namespaces = chosen.length > 0 ? chosen : ['']
    // A name that is declared without a namespace cannot be declared in one too (RFC 70).
    const homes = new Map<string, string[]>()
    const homesOf = (name: string): readonly string[] => {
      const known = homes.get(name)
      if (known !== undefined) return known
      const named = namespaces.filter((namespace) => namespace !== '' && random.chance(0.4))
      const own = named.length > 0 && random.chance(0.6) ? named : [random.pick(namespaces)]
      homes.set(name, own)
      return own
    }
    const places = (name: string): string[] => homesOf(name).map((home) => qualified(home, name))
    this.#entityNames = some(random, ENTITY_NAMES, 2).flatMap(places)
    this.#commonNames = some(random, COMMON_NAMES, 0).flatMap(places)
    this.#actionNames = some(random, ACTION_IDS, 1).flatMap((id) =>
      homesOf(`"${id}`).map((namespace) => ({ type: qualified(namespace, 'Action'), id, namespace })),
    )
    const declared = new Set([...this.#entityNames, ...this.#commonNames])
    this.#vocabulary = {
      entityTypes: this.#entityNames.filter((name) => !this.#commonNames.includes(name)),
      actionTypes: [...new Set(this.#actionNames.map(({ type }) => type))],
      commonTypes: [],
      declared,
    }
  }

  make(): RandomSchema {
    for (const name of this.#commonNames) this.#commonType(name)
    const entityTypes = this.#entityTypes()
    const actions = this.#actions()
    return { text: this.#text(), json: this.#jsonText(), schema: { entityTypes, actions } }
  }

  #commonType(name: string): void {
    const maker = this.#maker(namespaceOf(name))
    const { text, json, type } = this.#random.chance(0.5) ? maker.record(2) : maker.type(2)
    this.#vocabulary.commonTypes.push({ name, type })
    const notes = maker.annotations()
    const body = { text: `type ${ownName(name)} = ${text};`, json: { ...json, ...notes.json } }
    this.#declare(namespaceOf(name), 'commonTypes', [ownName(name)], annotated(notes.text, body))
  }

  #entityTypes(): ReadonlyMap<string, EntityType> {
    const parents = new Map<string, string[]>()
    const types = new Map<string, EntityType>()
    for (let names = [...this.#entityNames]; names.length > 0; ) {
      const [first = ''] = names
      const isDouble = namespaceOf(names[1] ?? '.') === namespaceOf(first) && this.#random.chance(0.3)
      const together = names.slice(0, isDouble ? 2 : 1)
      names = names.slice(together.length)
      const { attributes, tags, ids, above } = this.#entityType(together)
      for (const name of together) {
        parents.set(name, above)
        types.set(name, { name, ids, attributes, tags, ancestorTypes: new Set() })
      }
    }
    const closed = new Map<string, EntityType>()
    for (const [name, type] of types)
      closed.set(name, { ...type, ancestorTypes: reachable(name, (each) => parents.get(each) ?? []) })
    return closed
  }

  #entityType(names: readonly string[]): Omit<EntityType, 'name' | 'ancestorTypes'> & { above: string[] } {
    const random = this.#random
    const namespace = namespaceOf(names[0] ?? '')
    const maker = this.#maker(namespace)
    const notes = maker.annotations()
    const head = `entity ${names.map(ownName).join(', ')}`
    const declare = (text: string, json: JsonObject): void => {
      const body = { text: `${head}${text};`, json: { ...json, ...notes.json } }
      this.#declare(namespace, 'entityTypes', names.map(ownName), annotated(notes.text, body))
    }
    const empty: RecordType = { kind: 'record', members: new Map() }
    if (random.chance(0.2)) {
      const ids = some(random, ENUMERATED_IDS, 1)
      declare(` enum [${ids.map((id) => JSON.stringify(id)).join(', ')}]`, { enum: ids })
      return { ids: new Set(ids), attributes: empty, tags: undefined, above: [] }
    }
    const above = this.#entityNames.filter(() => random.chance(0.25))
    const references = above.map((name) => maker.reference(name))
    const shape = random.chance(0.8) ? maker.record(2) : undefined
    const tags = random.chance(0.3) ? maker.type(1) : undefined
    const isSaid = above.length > 0 || random.chance(0.2)
    declare(
      [
        ...(isSaid ? [`in ${this.#list(references)}`] : []),
        ...(shape === undefined ? [] : [`${random.chance(0.5) ? '= ' : ''}${shape.text}`]),
        ...(tags === undefined ? [] : [`tags ${tags.text}`]),
      ]
        .map((part) => ` ${part}`)
        .join(''),
      {
        ...(isSaid && { memberOfTypes: references }),
        ...(shape !== undefined && { shape: shape.json }),
        ...(tags !== undefined && { tags: tags.json }),
      },
    )
    const attributes = shape?.type.kind === 'record' ? shape.type : empty
    return { ids: undefined, attributes, tags: tags?.type, above }
  }

  #actions(): ReadonlyMap<string, ActionType> {
    const random = this.#random
    const actions = new Map<string, ActionType>()
    this.#actionNames.forEach(({ type, id, namespace }, index) => {
      const parents = this.#actionNames.slice(0, index).filter(() => random.chance(0.3))
      const appliesTo = index === 0 || random.chance(0.7) ? this.#appliesTo(namespace) : undefined
      this.#declareAction(id, namespace, parents, appliesTo?.body)
      const uids = parents.map((parent) => entity(parent.type, parent.id).uid)
      const own = entity(type, id, { parents: uids.flatMap((uid) => actions.get(uid)?.entity ?? []) })
      actions.set(own.uid, {
        entity: own,
        principals: new Set(appliesTo?.principals),
        resources: new Set(appliesTo?.resources),
        context: appliesTo?.context ?? { kind: 'record', members: new Map() },
      })
    })
    return actions
  }

  #appliesTo(namespace: string): Omit<ActionType, 'entity'> & { readonly body: Body } {
    const random = this.#random
    const maker = this.#maker(namespace)
    const principals = some(random, this.#entityNames, 1).slice(0, 3)
    const resources = some(random, this.#entityNames, 1).slice(0, 3)
    const principalTypes = principals.map((name) => maker.reference(name))
    const resourceTypes = resources.map((name) => maker.reference(name))
    const common = this.#vocabulary.commonTypes.find(({ type }) => type.kind === 'record')
    const { text, json, type } =
      common !== undefined && random.chance(0.3)
        ? { text: maker.reference(common.name), json: { type: common.name }, type: common.type }
        : maker.record(2)
    const parts = [
      `principal: ${this.#list(principalTypes)}`,
      `resource: ${this.#list(resourceTypes)}`,
      `context: ${text}`,
    ]
    if (random.chance(0.3)) parts.reverse()
    return {
      principals: new Set(principals),
      resources: new Set(resources),
      context: type.kind === 'record' ? type : { kind: 'record', members: new Map() },
      body: {
        text: ` appliesTo { ${parts.join(', ')}${random.chance(0.5) ? ',' : ''} }`,
        json: { appliesTo: { principalTypes, resourceTypes, context: json } },
      },
    }
  }

  #declareAction(
    id: string,
    namespace: string,
    parents: readonly { readonly type: string; readonly id: string; readonly namespace: string }[],
    appliesTo: Body | undefined,
  ): void {
    const random = this.#random
    const notes = this.#maker(namespace).annotations()
    const isShort = parents.map((parent) => parent.namespace === namespace && random.chance(0.7))
    const references = parents.map((parent, index) =>
      isShort[index] ? nameText(parent.id) : `${parent.type}::${JSON.stringify(parent.id)}`,
    )
    const memberOf = parents.map((parent, index) => ({
      id: parent.id,
      ...(!isShort[index] && { type: parent.type }),
    }))
    const name = random.chance(0.5) ? JSON.stringify(id) : nameText(id)
    const groups = parents.length === 0 ? '' : ` in ${this.#list(references)}`
    const body = {
      text: `action ${name}${groups}${appliesTo?.text ?? ''};`,
      json: { ...(parents.length > 0 && { memberOf }), ...appliesTo?.json, ...notes.json },
    }
    this.#declare(namespace, 'actions', [id], annotated(notes.text, body))
  }

  #maker(namespace: string): TypeMaker {
    return new TypeMaker(this.#random, this.#vocabulary, namespace)
  }

  #list(items: readonly string[]): string {
    return items.length === 1 && this.#random.chance(0.5) ? items.join('') : `[${items.join(', ')}]`
  }

  #declare(namespace: string, kind: Kind, names: readonly string[], { text, json }: Body): void {
    const texts = this.#texts.get(namespace) ?? []
    this.#texts.set(namespace, texts)
    // Anywhere, so that names are used before and after they are declared.
    texts.splice(this.#random.below(texts.length + 1), 0, text)
    const all = this.#json.get(namespace) ?? { commonTypes: [], entityTypes: [], actions: [] }
    this.#json.set(namespace, all)
    for (const name of names) all[kind].push([name, json])
  }

  #text(): string {
    const random = this.#random
    const loose = this.#texts.get('') ?? []
    const blocks = [...this.#texts]
      .filter(([namespace]) => namespace !== '')
      .map(
        ([namespace, texts]) => `namespace ${namespace} {\n${texts.map((text) => `  ${text}\n`).join('')}}`,
      )
    for (const block of blocks) loose.splice(random.below(loose.length + 1), 0, block)
    return `${loose.join(random.pick(['\n', '\n\n', ' ', ' // } ;\n']))}\n`
  }

  #jsonText(): string {
    const namespaces = Array.from(this.#json, ([name, { commonTypes, entityTypes, actions }]) => [
      name,
      {
        ...(commonTypes.length > 0 && { commonTypes: Object.fromEntries(commonTypes) }),
        entityTypes: Object.fromEntries(entityTypes),
        actions: Object.fromEntries(actions),
      },
    ])
    return JSON.stringify(Object.fromEntries(namespaces))
  }
}

type Kind = 'commonTypes' | 'entityTypes' | 'actions'

/** At least `least` of the items, in another order. */
function some<T>(random: Random, items: readonly T[], least: number): T[] {
  const left = [...items]
  const count = least + random.below(Math.min(items.length - least, 4) + 1)
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)).flat()
}

function annotated(notes: string, { text, json }: Body): Body {
  return { text: `${notes}${text}`, json }
}

function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('::')))
}

function ownName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1)
}

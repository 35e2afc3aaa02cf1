// Schemas from their JSON form. Whatever is not understood is an error with its place in the JSON.

import { annotationsFromNode } from '../json/est-read.ts'
import { failAt, fieldsOf, itemsOf, membersOf, textOf } from '../json/json-access.ts'
import { withJson } from '../json/json.ts'
import type { JsonNode } from '../json/json.ts'
import type { PolicyError, Result, Source } from '../policy/result.ts'
import { ParseFailure } from '../text/cursor.ts'
import { isTypeName } from '../text/names.ts'
import { isTypeKeyword, openNamespace } from './open-namespace.ts'
import type { OpenNamespace } from './open-namespace.ts'
import type { SchemaOptions } from './parse-schema.ts'
import type { ActionDeclaration, ActionReference, EntityDeclaration, SchemaFragment } from './syntax.ts'
import { referenceFromNode, typeFromNode } from './type-json.ts'

/** Reads a schema from its JSON text, names unresolved. Never throws; reports one error for each declaration that has any. */
export function schemaFromJson(json: string, options: SchemaOptions = {}): Result<SchemaFragment> {
  const file = options.file ?? 'schema.cedarschema.json'
  const read = withJson(json, file, (root, source) => new SchemaReader(source).read(root))
  return read.ok ? read.value : read
}

class SchemaReader {
  readonly #source: Source
  readonly #errors: PolicyError[] = []

  constructor(source: Source) {
    this.#source = source
  }

  read(root: JsonNode): Result<SchemaFragment> {
    const namespaces: OpenNamespace[] = []
    for (const [name, node] of membersOf(root, 'a schema'))
      this.#try(() => namespaces.push(this.#namespace(name, node)))
    const source = this.#source
    return this.#errors.length === 0
      ? { ok: true, value: { namespaces, source } }
      : { ok: false, errors: this.#errors }
  }

  #namespace(name: string, node: JsonNode): OpenNamespace {
    if (name !== '' && !isTypeName(name)) failAt(node, `${JSON.stringify(name)} cannot name a namespace`)
    const parts = fieldsOf(node, 'a namespace', ['entityTypes', 'actions'], ['commonTypes', 'annotations'])
    const annotations = annotationsFromNode(parts.annotations)
    if (name === '' && annotations.size > 0)
      failAt(parts.annotations ?? node, 'what is declared without a namespace cannot be annotated together')
    const namespace = openNamespace(name, node.at, annotations)
    this.#each(parts.commonTypes, '"commonTypes"', (own, each) => {
      if (isTypeKeyword(own)) failAt(each, `${own} is a type of the language and cannot be declared`)
      const type = typeFromNode(each, 0, ['annotations'])
      const annotated = annotationsFromNode(membersOf(each, 'a type').get('annotations'))
      namespace.commonTypes.set(checkedName(own, each), { type, annotations: annotated, at: each.at })
    })
    this.#each(parts.entityTypes, '"entityTypes"', (own, each) =>
      namespace.entities.set(checkedName(own, each), entityFromNode(each)),
    )
    this.#each(parts.actions, '"actions"', (own, each) => namespace.actions.set(own, actionFromNode(each)))
    return namespace
  }

  #each(node: JsonNode | undefined, what: string, read: (name: string, member: JsonNode) => void): void {
    if (node === undefined) return
    for (const [name, member] of membersOf(node, what)) this.#try(() => read(name, member))
  }

  /** Notes what is wrong with one declaration and goes on with the next. */
  #try(read: () => void): void {
    try {
      read()
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure
      this.#errors.push({ message: failure.message, ...this.#source.locate(failure.at) })
    }
  }
}

function checkedName(name: string, node: JsonNode): string {
  return isTypeName(name) && !name.includes('::')
    ? name
    : failAt(node, `${JSON.stringify(name)} cannot name a type`)
}

function entityFromNode(node: JsonNode): EntityDeclaration {
  const what = 'an entity type'
  const isEnumeration = membersOf(node, what).has('enum')
  const own = isEnumeration ? (['enum'] as const) : (['memberOfTypes', 'shape', 'tags'] as const)
  const parts = fieldsOf(node, isEnumeration ? `${what} with "enum"` : what, [], [...own, 'annotations'])
  const annotations = annotationsFromNode(parts.annotations)
  const { at } = node
  if (parts.enum !== undefined) {
    const ids = itemsOf(parts.enum, '"enum"').map((id) => textOf(id, 'an id'))
    return ids.length > 0
      ? { annotations, ids, parents: [], at }
      : failAt(parts.enum, '"enum" needs at least one id')
  }
  const { memberOfTypes, shape, tags } = parts
  return {
    annotations,
    parents:
      memberOfTypes === undefined ? [] : itemsOf(memberOfTypes, '"memberOfTypes"').map(referenceFromNode),
    ...(shape !== undefined && { attributes: typeFromNode(shape) }),
    ...(tags !== undefined && { tags: typeFromNode(tags) }),
    at,
  }
}

function actionFromNode(node: JsonNode): ActionDeclaration {
  const optional = ['memberOf', 'appliesTo', 'attributes', 'annotations'] as const
  const { memberOf, appliesTo, attributes, annotations } = fieldsOf(node, 'an action', [], optional)
  if (isGiven(attributes)) failAt(attributes, 'actions cannot have attributes')
  return {
    annotations: annotationsFromNode(annotations),
    parents: isGiven(memberOf) ? itemsOf(memberOf, '"memberOf"').map(actionReferenceFromNode) : [],
    ...(isGiven(appliesTo) && { appliesTo: appliesToFromNode(appliesTo) }),
    at: node.at,
  }
}

function appliesToFromNode(node: JsonNode): NonNullable<ActionDeclaration['appliesTo']> {
  const required = ['principalTypes', 'resourceTypes'] as const
  const { principalTypes, resourceTypes, context } = fieldsOf(node, '"appliesTo"', required, ['context'])
  return {
    principals: itemsOf(principalTypes, '"principalTypes"').map(referenceFromNode),
    resources: itemsOf(resourceTypes, '"resourceTypes"').map(referenceFromNode),
    ...(context !== undefined && { context: typeFromNode(context) }),
  }
}

function actionReferenceFromNode(node: JsonNode): ActionReference {
  const { id, type } = fieldsOf(node, 'an action', ['id'], ['type'])
  return {
    id: textOf(id, '"id"'),
    ...(isGiven(type) && { type: referenceFromNode(type).name }),
    at: node.at,
  }
}

/** Some members may be null and mean nothing then, as in the official reader. */
function isGiven(node: JsonNode | undefined): node is JsonNode {
  return node !== undefined && node.kind !== 'null'
}

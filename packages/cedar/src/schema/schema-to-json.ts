// Schemas as their JSON form.

import { annotationsText, array, object, quoted } from '../json/est-write.ts'
import type {
  ActionDeclaration,
  Annotations,
  CommonType,
  EntityDeclaration,
  MemberDeclaration,
  NameReference,
  Namespace,
  SchemaFragment,
  TypeExpression,
} from './syntax.ts'

type Member = readonly [name: string, json: string]

/** A schema as JSON text, which the official tools read. */
export function schemaToJson({ namespaces }: SchemaFragment): string {
  return object(namespaces.map((namespace) => [namespace.name, namespaceText(namespace)]))
}

function namespaceText({ entities, actions, commonTypes, annotations }: Namespace): string {
  return object([
    ...(commonTypes.size === 0 ? [] : [['commonTypes', mapText(commonTypes, commonTypeText)] as const]),
    ['entityTypes', mapText(entities, entityText)],
    ['actions', mapText(actions, actionText)],
    ...annotated(annotations),
  ])
}

function commonTypeText({ type, annotations }: CommonType): string {
  return object([...typeMembers(type), ...annotated(annotations)])
}

function entityText({ ids, parents, attributes, tags, annotations }: EntityDeclaration): string {
  return object([
    ...(ids === undefined ? [] : [['enum', array(ids.map(quoted))] as const]),
    ...(parents.length === 0 ? [] : [['memberOfTypes', namesText(parents)] as const]),
    ...(attributes === undefined ? [] : [['shape', typeText(attributes)] as const]),
    ...(tags === undefined ? [] : [['tags', typeText(tags)] as const]),
    ...annotated(annotations),
  ])
}

function actionText({ parents, appliesTo, annotations }: ActionDeclaration): string {
  const references = parents.map(({ id, type }) =>
    object([['id', quoted(id)], ...(type === undefined ? [] : [['type', quoted(type)] as const])]),
  )
  return object([
    ...(parents.length === 0 ? [] : [['memberOf', array(references)] as const]),
    ...(appliesTo === undefined ? [] : [['appliesTo', appliesToText(appliesTo)] as const]),
    ...annotated(annotations),
  ])
}

function appliesToText({
  principals,
  resources,
  context,
}: NonNullable<ActionDeclaration['appliesTo']>): string {
  return object([
    ['principalTypes', namesText(principals)],
    ['resourceTypes', namesText(resources)],
    ...(context === undefined ? [] : [['context', typeText(context)] as const]),
  ])
}

function typeText(type: TypeExpression): string {
  return object(typeMembers(type))
}

function typeMembers(type: TypeExpression): readonly Member[] {
  switch (type.kind) {
    case 'set':
      return [
        ['type', quoted('Set')],
        ['element', typeText(type.element)],
      ]
    case 'record':
      return [
        ['type', quoted('Record')],
        ['attributes', mapText(type.members, attributeText)],
      ]
    case 'name':
      return nameMembers(type)
  }
}

function nameMembers({ name, among }: TypeExpression & { kind: 'name' }): readonly Member[] {
  const named = (type: string): readonly Member[] => [
    ['type', quoted(type)],
    ['name', quoted(name)],
  ]
  switch (among) {
    case 'common':
      return [['type', quoted(name)]]
    case 'primitives':
      return [['type', quoted(name === 'Bool' ? 'Boolean' : name)]]
    case 'extensions':
      return named('Extension')
    case 'entities':
      return named('Entity')
    default:
      return named('EntityOrCommon')
  }
}

function attributeText({ type, required, annotations }: MemberDeclaration): string {
  return object([
    ...typeMembers(type),
    ...(required ? [] : [['required', 'false'] as const]),
    ...annotated(annotations),
  ])
}

function namesText(references: readonly NameReference[]): string {
  return array(references.map(({ name }) => quoted(name)))
}

function annotated(annotations: Annotations): readonly Member[] {
  return annotations.size === 0 ? [] : [['annotations', annotationsText(annotations)]]
}

function mapText<T>(items: ReadonlyMap<string, T>, text: (item: T) => string): string {
  return object([...items].map(([name, item]) => [name, text(item)]))
}

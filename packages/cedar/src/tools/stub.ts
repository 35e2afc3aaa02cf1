// What a base schema says of tools, by the annotations of cedar-for-agents.

import type { PolicyError, Result } from '../policy/result.ts'
import type {
  ActionReference,
  Annotations,
  MemberDeclaration,
  NameReference,
  Namespace,
  SchemaFragment,
} from '../schema/syntax.ts'

/** What the annotations of a base schema say. */
export interface Stub {
  readonly namespace: Namespace
  readonly principals: readonly NameReference[]
  readonly resources: readonly NameReference[]
  readonly groups: readonly ActionReference[]
  readonly context: ReadonlyMap<string, MemberDeclaration>
}

/** Fails when there is nobody to call tools, or nothing to call them on. */
export function readStub(base: SchemaFragment): Result<Stub> {
  const marked = base.namespaces.filter(isMarked)
  const [namespace] = marked
  if (namespace === undefined)
    return fail(base, 0, 'no entity type has the annotation @mcp_principal; mark who calls tools with it')
  const [, other] = marked
  if (other !== undefined)
    return fail(base, other.at, 'annotations for tools stand in more than one namespace; keep them in one')
  const { entities, commonTypes, at } = namespace
  const principals = named(entities, 'mcp_principal')
  const resources = named(entities, 'mcp_resource')
  if (principals.length === 0)
    return fail(base, at, 'no entity type has the annotation @mcp_principal; mark who calls tools with it')
  if (resources.length === 0)
    return fail(
      base,
      at,
      'no entity type has the annotation @mcp_resource; mark what tools are called on with it',
    )
  const context = new Map<string, MemberDeclaration>()
  for (const [name, { annotations, at: place }] of [...entities, ...commonTypes]) {
    const member = annotations.get('mcp_context')
    if (member === undefined || member === '') continue
    const type = { kind: 'name', name, among: 'entitiesOrCommon', at: place } as const
    context.set(member, { type, required: true, annotations: new Map(), at: place })
  }
  const groups = named(namespace.actions, 'mcp_action').map(({ name, at: place }) => ({
    id: name,
    at: place,
  }))
  return { ok: true, value: { namespace, principals, resources, groups, context } }
}

interface Declaration {
  readonly annotations: Annotations
  readonly at: number
}

function isMarked({ entities, actions, commonTypes }: Namespace): boolean {
  const all: Declaration[] = [...entities.values(), ...actions.values(), ...commonTypes.values()]
  return all.some(({ annotations }) => [...annotations.keys()].some(isForTools))
}

const isForTools = (annotation: string) => FOR_TOOLS.has(annotation)
const FOR_TOOLS = new Set(['mcp_principal', 'mcp_resource', 'mcp_action', 'mcp_context'])

function named(declarations: ReadonlyMap<string, Declaration>, annotation: string): NameReference[] {
  return [...declarations]
    .filter(([, { annotations }]) => annotations.has(annotation))
    .map(([name, { at }]) => ({ name, at }))
}

/** Without the annotations. */
export function withoutStub(namespace: Namespace): Namespace {
  return {
    ...namespace,
    entities: cleaned(namespace.entities),
    actions: cleaned(namespace.actions),
    commonTypes: cleaned(namespace.commonTypes),
  }
}

function cleaned<T extends Declaration>(declarations: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map(
    [...declarations].map(([name, declaration]) => {
      const annotations = [...declaration.annotations].filter(([annotation]) => !isForTools(annotation))
      return [name, { ...declaration, annotations: new Map(annotations) }]
    }),
  )
}

function fail({ source }: SchemaFragment, at: number, message: string): Result<never> {
  const error: PolicyError = { message, ...source.locate(at) }
  return { ok: false, errors: [error] }
}

// A schema as it was written, in the human-readable syntax or in JSON: declarations by namespace, names not resolved.

import type { Source } from '../policy/result.ts'

/** A schema file. */
export interface SchemaFragment {
  /** In source order; the unnamed namespace has the name ''. */
  readonly namespaces: readonly Namespace[]
  /** For turning the offset of a node into a position. */
  readonly source: Source
}

export type Annotations = ReadonlyMap<string, string>

export interface Namespace {
  readonly name: string
  readonly annotations: Annotations
  readonly entities: ReadonlyMap<string, EntityDeclaration>
  readonly actions: ReadonlyMap<string, ActionDeclaration>
  readonly commonTypes: ReadonlyMap<string, CommonType>
  readonly at: number
}

export interface CommonType {
  readonly type: TypeExpression
  readonly annotations: Annotations
  readonly at: number
}

export interface EntityDeclaration {
  readonly annotations: Annotations
  /** The ids there are, when the type is an enumeration; it then has no parents, attributes or tags. */
  readonly ids?: readonly string[]
  /** Entity types whose entities may be parents, as written. */
  readonly parents: readonly NameReference[]
  /** A record, or a name of a common type that is one. */
  readonly attributes?: TypeExpression
  readonly tags?: TypeExpression
  readonly at: number
}

export interface ActionDeclaration {
  readonly annotations: Annotations
  readonly parents: readonly ActionReference[]
  /** Absent when the action applies to nothing and only groups others. */
  readonly appliesTo?: {
    readonly principals: readonly NameReference[]
    readonly resources: readonly NameReference[]
    /** A record, or a name of a common type that is one. */
    readonly context?: TypeExpression
  }
  readonly at: number
}

/** A type name as written, perhaps qualified: `User`, `Shop::User`. */
export interface NameReference {
  readonly name: string
  readonly at: number
}

/** An action as written: `"read"` in its own namespace, or with a type, `Shop::Action::"read"`. */
export interface ActionReference {
  readonly type?: string
  readonly id: string
  readonly at: number
}

export type TypeExpression = { readonly at: number } & (
  | { readonly kind: 'set'; readonly element: TypeExpression }
  | { readonly kind: 'record'; readonly members: ReadonlyMap<string, MemberDeclaration> }
  | {
      readonly kind: 'name'
      readonly name: string
      /**
       * What the JSON form says the name stands for. The human-readable syntax says it only of contexts, which are
       * common types: otherwise a name is, in this order, a common type, an entity type, a type of the language.
       * `primitives` are `Bool`, `Long` and `String`, whatever is declared.
       */
      readonly among?: 'entities' | 'entitiesOrCommon' | 'common' | 'extensions' | 'primitives'
    }
)

export interface MemberDeclaration {
  readonly type: TypeExpression
  readonly required: boolean
  readonly annotations: Annotations
  readonly at: number
}

// The syntax tree of Cedar policies. Numbers are exact, every node knows its offset in the source, and chains of `&&`
// and `||` are flat.

import type { Entity } from '../values/entity.ts'
import type { Position, Source } from './result.ts'

export type Effect = 'permit' | 'forbid'
export type Variable = 'principal' | 'action' | 'resource' | 'context'

/** A place in a template's scope that a link fills with an entity. */
export interface Slot {
  readonly slot: 'principal' | 'resource'
}

export type ScopeEntity = Entity | Slot

/** What a scope demands of the principal, the action or the resource. Several entities only for an action. */
export type Constraint =
  | { readonly op: 'any' }
  | { readonly op: '=='; readonly entity: ScopeEntity }
  | { readonly op: 'in'; readonly entities: readonly ScopeEntity[] }
  | { readonly op: 'is'; readonly type: string; readonly in?: ScopeEntity }

export interface Scope {
  readonly principal: Constraint
  readonly action: Constraint
  readonly resource: Constraint
}

export interface Condition {
  readonly kind: 'when' | 'unless'
  readonly expression: Expression
}

export interface Policy {
  /** `@id`, or `policy<n>` by place in the text, after the prefix the caller gave. */
  readonly id: string
  readonly effect: Effect
  /** All annotations; one written without a value holds the empty string. */
  readonly annotations: ReadonlyMap<string, string>
  readonly scope: Scope
  readonly conditions: readonly Condition[]
  readonly position: Position
  /** As it stands in the source, from its first annotation to the semicolon. */
  readonly text: string
  /** For turning the offset of a node into a position. */
  readonly source: Source
  /** The slots of a template; empty for a policy that can be compiled. */
  readonly slots: readonly Slot['slot'][]
}

export type BinaryOperator =
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'in'
  | '+'
  | '-'
  | '*'
  | 'contains'
  | 'containsAll'
  | 'containsAny'
  | 'getTag'
  | 'hasTag'

export type Expression = { readonly at: number } & (
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'long'; readonly value: bigint }
  | { readonly kind: 'entity'; readonly entity: Entity }
  | { readonly kind: 'variable'; readonly name: Variable }
  | { readonly kind: 'not' | 'negate' | 'isEmpty'; readonly operand: Expression }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Expression[] }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | {
      readonly kind: 'if'
      readonly condition: Expression
      readonly then: Expression
      readonly else: Expression
    }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'has'; readonly object: Expression; readonly path: readonly string[] }
  | { readonly kind: 'like'; readonly subject: Expression; readonly pattern: Pattern }
  | { readonly kind: 'is'; readonly subject: Expression; readonly type: string; readonly in?: Expression }
  | { readonly kind: 'set'; readonly elements: readonly Expression[] }
  | { readonly kind: 'record'; readonly members: readonly RecordMember[] }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly Expression[] }
)

export interface RecordMember {
  readonly name: string
  readonly value: Expression
}

/** The literal texts of a `like` pattern; a wildcard stands between each two. */
export type Pattern = readonly string[]

// The type expressions of a schema to types.

import { MAX_NESTING } from '../text/cursor.ts'
import type { Complaints, Declared, Definitions, Scope } from './definitions.ts'
import { readings } from './definitions.ts'
import { meaningOf } from './meaning.ts'
import type { Among, Meaning } from './meaning.ts'
import { dependencyOrder } from './order.ts'
import type { CedarType, MemberType, RecordType } from './schema.ts'
import type { CommonType, NameReference, TypeExpression } from './syntax.ts'
import { explainUnknown } from './unknown-name.ts'

const EMPTY_RECORD: RecordType = Object.freeze({ kind: 'record', members: new Map() })

/** What stands for a type that was complained about. */
const UNKNOWN: CedarType = { kind: 'boolean' }

export class TypeResolver {
  readonly #definitions: Definitions
  readonly #complaints: Complaints
  readonly #commonTypes = new Map<Declared<CommonType>, CedarType>()
  /** Declarations of several names share their expressions. */
  readonly #resolved = new Map<TypeExpression, CedarType>()
  readonly #heights = new WeakMap<CedarType, number>()

  /** Resolves all common types. */
  constructor(definitions: Definitions, complaints: Complaints) {
    this.#definitions = definitions
    this.#complaints = complaints
    const { order, cyclic } = dependencyOrder(definitions.commonTypes.values(), (declared) =>
      this.#commonTypesIn(declared.declaration.type, declared.scope),
    )
    for (const { name, declaration, scope } of cyclic)
      complaints.add(`the type ${name} is part of itself`, scope.source, declaration.at)
    for (const declared of order)
      this.#commonTypes.set(declared, this.typeOf(declared.declaration.type, declared.scope))
  }

  typeOf(expression: TypeExpression, scope: Scope): CedarType {
    const known = this.#resolved.get(expression)
    if (known !== undefined) return known
    const type = this.#typeOf(expression, scope)
    this.#resolved.set(expression, type)
    return type
  }

  /** A record, or what a name of one stands for. `what` it is for goes into the complaint. */
  recordOf(expression: TypeExpression | undefined, scope: Scope, what: string): RecordType {
    if (expression === undefined) return EMPTY_RECORD
    const type = this.typeOf(expression, scope)
    if (type.kind === 'record') return type
    if (type !== UNKNOWN) this.#complaints.add(`${what} must be a record`, scope.source, expression.at)
    return EMPTY_RECORD
  }

  /** The full name of an entity type. */
  entityType({ name, at }: NameReference, scope: Scope): string | undefined {
    const found = readings(name, scope.namespace).find((reading) => this.#definitions.entities.has(reading))
    if (found === undefined) this.#complainOfUnknown({ name, at, among: 'entities' }, scope)
    return found
  }

  #typeOf(expression: TypeExpression, scope: Scope): CedarType {
    switch (expression.kind) {
      case 'name': {
        const meaning = this.#meaning(expression, scope)
        if (meaning === undefined) {
          this.#complainOfUnknown(expression, scope)
          return UNKNOWN
        }
        return this.#typeMeant(meaning)
      }
      case 'set': {
        const element = this.typeOf(expression.element, scope)
        return this.#made({ kind: 'set', element }, [element], expression, scope)
      }
      case 'record': {
        const members = new Map<string, MemberType>()
        for (const [name, { type, required }] of expression.members)
          members.set(name, { type: this.typeOf(type, scope), required })
        const types = [...members.values()].map(({ type }) => type)
        return this.#made({ kind: 'record', members }, types, expression, scope)
      }
    }
  }

  #typeMeant(meaning: Meaning): CedarType {
    switch (meaning.kind) {
      case 'common':
        return this.#commonTypes.get(meaning.declared) ?? UNKNOWN
      case 'entity':
        return { kind: 'entity', type: meaning.name }
      case 'language':
        return meaning.type
    }
  }

  /** Bounds how deep a type nests once its common types are put in, since whoever uses it recurses. */
  #made(type: CedarType, parts: readonly CedarType[], { at }: TypeExpression, { source }: Scope): CedarType {
    const height = 1 + Math.max(0, ...parts.map((part) => this.#heights.get(part) ?? 0))
    this.#heights.set(type, height)
    if (height <= MAX_NESTING) return type
    this.#complaints.add('nested too deeply, with the types it names', source, at)
    return UNKNOWN
  }

  #commonTypesIn(expression: TypeExpression, scope: Scope): readonly Declared<CommonType>[] {
    switch (expression.kind) {
      case 'name': {
        const meaning = this.#meaning(expression, scope)
        return meaning?.kind === 'common' ? [meaning.declared] : []
      }
      case 'set':
        return this.#commonTypesIn(expression.element, scope)
      case 'record':
        return [...expression.members.values()].flatMap(({ type }) => this.#commonTypesIn(type, scope))
    }
  }

  #meaning({ name, among }: TypeExpression & { kind: 'name' }, { namespace }: Scope): Meaning | undefined {
    return meaningOf(name, namespace, among, this.#definitions)
  }

  #complainOfUnknown(
    reference: NameReference & { readonly among?: Among },
    { namespace, source }: Scope,
  ): void {
    const message = explainUnknown(reference, namespace, this.#definitions, this.#complaints.areFew)
    this.#complaints.add(message, source, reference.at)
  }
}

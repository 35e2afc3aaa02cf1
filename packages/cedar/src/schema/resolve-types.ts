// Names and type expressions of a schema to types. A name means what its namespace declares, else what is declared
// without a namespace, else a type of the language; a common type comes before an entity type of the same name.

import { MAX_NESTING } from '../text/cursor.ts'
import type { Complaints, Declared, Definitions, Scope } from './definitions.ts'
import { readings } from './definitions.ts'
import { dependencyOrder } from './order.ts'
import type { CedarType, MemberType, RecordType } from './schema.ts'
import type { CommonType, NameReference, TypeExpression } from './syntax.ts'
import { explainUnknown } from './unknown-name.ts'

type Among = (TypeExpression & { kind: 'name' })['among']

export const EMPTY_RECORD: RecordType = Object.freeze({ kind: 'record', members: new Map() })

const PRIMITIVES: ReadonlyMap<string, CedarType> = new Map([
  ['Bool', { kind: 'boolean' }],
  ['Long', { kind: 'long' }],
  ['String', { kind: 'string' }],
])
const EXTENSIONS: ReadonlyMap<string, CedarType> = new Map(
  (['ipaddr', 'decimal', 'datetime', 'duration'] as const).map((name) => [name, { kind: 'extension', name }]),
)
/** The types of the language, by the names a schema can use unless it declares them itself. */
const LANGUAGE_TYPES: ReadonlyMap<string, CedarType> = new Map([...PRIMITIVES, ...EXTENSIONS])

/** What stands for a type that was complained about. */
const UNKNOWN: CedarType = { kind: 'boolean' }

type Meaning = { readonly common: Declared<CommonType> } | { readonly type: CedarType }

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
        const meaning = this.#meaning(expression.name, scope, expression.among)
        if (meaning === undefined) {
          this.#complainOfUnknown(expression, scope)
          return UNKNOWN
        }
        return 'type' in meaning ? meaning.type : (this.#commonTypes.get(meaning.common) ?? UNKNOWN)
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
        const meaning = this.#meaning(expression.name, scope, expression.among)
        return meaning !== undefined && 'common' in meaning ? [meaning.common] : []
      }
      case 'set':
        return this.#commonTypesIn(expression.element, scope)
      case 'record':
        return [...expression.members.values()].flatMap(({ type }) => this.#commonTypesIn(type, scope))
    }
  }

  #meaning(name: string, { namespace }: Scope, among: Among): Meaning | undefined {
    if (among === 'primitives') return wrapped(PRIMITIVES.get(name))
    if (among === 'extensions') return wrapped(EXTENSIONS.get(name))
    const { entities, commonTypes, actionTypes } = this.#definitions
    for (const reading of readings(name, namespace)) {
      const common = among === 'entities' ? undefined : commonTypes.get(reading)
      if (common !== undefined) return { common }
      const entity = entities.has(reading)
      if ((entity || actionTypes.has(reading)) && among !== 'common')
        return { type: { kind: 'entity', type: reading } }
      // An entity type hides a type of the language also where no entity type may stand.
      const language =
        entity || among === 'entities' ? undefined : LANGUAGE_TYPES.get(reading.replace(/^__cedar::/, ''))
      if (language !== undefined) return { type: language }
    }
    return undefined
  }

  #complainOfUnknown(reference: NameReference & { among?: Among }, { namespace, source }: Scope): void {
    const message = explainUnknown(reference.name, reference.among, namespace, this.#definitions)
    this.#complaints.add(message, source, reference.at)
  }
}

function wrapped(type: CedarType | undefined): Meaning | undefined {
  return type === undefined ? undefined : { type }
}

// Everything that the fragments of a schema declare, by its full name, and the rules on what may be declared.

import { reference } from '../values/entity.ts'
import type { PolicyError, Source } from '../policy/result.ts'
import type { ActionDeclaration, CommonType, EntityDeclaration, SchemaFragment } from './syntax.ts'

/** A declaration and where it is from: names in it are read as those of its namespace. */
export interface Declared<T> {
  /** With the namespace; of an action, the uid. */
  readonly name: string
  readonly declaration: T
  readonly scope: Scope
}

export interface Scope {
  readonly namespace: string
  readonly source: Source
}

export interface DeclaredAction extends Declared<ActionDeclaration> {
  readonly type: string
  readonly id: string
}

/** What is wrong with a schema, in the order of the texts; nothing twice. */
export class Complaints {
  readonly #found = new Map<
    string,
    { readonly source: Source; readonly at: number; readonly message: string }
  >()

  add(message: string, source: Source, at: number): void {
    const { line, column } = source.locate(at)
    this.#found.set(`${source.file}:${line}:${column}: ${message}`, { source, at, message })
  }

  /** Whether it is worth while to look for what was meant: not where everything is wrong. */
  get areFew(): boolean {
    return this.#found.size < 50
  }

  inOrderOf(sources: readonly Source[]): PolicyError[] {
    return [...this.#found.values()]
      .toSorted((a, b) => sources.indexOf(a.source) - sources.indexOf(b.source) || a.at - b.at)
      .map(({ source, at, message }) => ({ message, ...source.locate(at) }))
  }
}

export class Definitions {
  readonly entities = new Map<string, Declared<EntityDeclaration>>()
  readonly commonTypes = new Map<string, Declared<CommonType>>()
  readonly actions = new Map<string, DeclaredAction>()
  /** `Action` and `Shop::Action`, where there are actions. */
  readonly actionTypes = new Set<string>()
  readonly #complaints: Complaints

  constructor(fragments: readonly SchemaFragment[], complaints: Complaints) {
    this.#complaints = complaints
    for (const { namespaces, source } of fragments) {
      for (const { name: namespace, entities, commonTypes, actions } of namespaces) {
        const scope = { namespace, source }
        for (const [name, declaration] of entities) this.#entity(name, declaration, scope)
        for (const [name, declaration] of commonTypes)
          this.#declare(
            this.commonTypes,
            { name: qualified(namespace, name), declaration, scope },
            'the type',
          )
        for (const [id, declaration] of actions) this.#action(id, declaration, scope)
      }
    }
    for (const declared of [...this.entities.values(), ...this.commonTypes.values()])
      this.#checkShadowing(declared)
    for (const action of this.actions.values()) this.#checkActionShadowing(action)
  }

  #entity(name: string, declaration: EntityDeclaration, scope: Scope): void {
    if (name === 'Action')
      this.#complaints.add(
        'the entity type Action is that of the actions and cannot be declared',
        scope.source,
        declaration.at,
      )
    this.#declare(
      this.entities,
      { name: qualified(scope.namespace, name), declaration, scope },
      'the entity type',
    )
  }

  #action(id: string, declaration: ActionDeclaration, scope: Scope): void {
    const type = qualified(scope.namespace, 'Action')
    this.actionTypes.add(type)
    const name = reference(type, id).uid
    this.#declare(this.actions, { name, declaration, scope, type, id }, 'the action')
  }

  #declare<D extends Declared<{ readonly at: number }>>(
    into: Map<string, D>,
    declared: D,
    what: string,
  ): void {
    const { name, declaration, scope } = declared
    if (into.has(name))
      this.#complaints.add(`${what} ${name} is declared twice`, scope.source, declaration.at)
    else into.set(name, declared)
  }

  /** In a namespace a name cannot mean something else than outside of all (RFC 70). */
  #checkShadowing({ name, declaration, scope }: Declared<{ readonly at: number }>): void {
    const own = name.slice(name.lastIndexOf(':') + 1)
    if (own !== name && (this.entities.has(own) || this.commonTypes.has(own)))
      this.#complaints.add(
        `${name} hides ${own}, which is declared without a namespace`,
        scope.source,
        declaration.at,
      )
  }

  #checkActionShadowing({ name, id, declaration, scope }: DeclaredAction): void {
    const outside = reference('Action', id).uid
    if (name !== outside && this.actions.has(outside))
      this.#complaints.add(
        `${name} hides ${outside}, which is declared without a namespace`,
        scope.source,
        declaration.at,
      )
  }
}

export function qualified(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}::${name}`
}

/** What a name may stand for where it is used, the likelier first. */
export function readings(name: string, namespace: string): readonly string[] {
  return name.includes('::') || namespace === '' ? [name] : [`${namespace}::${name}`, name]
}

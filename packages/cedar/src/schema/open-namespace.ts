// A namespace while its declarations are being read.

import type { ActionDeclaration, Annotations, CommonType, EntityDeclaration, Namespace } from './syntax.ts'

export interface OpenNamespace extends Namespace {
  readonly entities: Map<string, EntityDeclaration>
  readonly actions: Map<string, ActionDeclaration>
  readonly commonTypes: Map<string, CommonType>
}

export function openNamespace(name: string, at: number, annotations: Annotations): OpenNamespace {
  return { name, at, annotations, entities: new Map(), actions: new Map(), commonTypes: new Map() }
}

/** Whether a name says what kind a type is in the JSON form, so that no common type can have it. */
export function isTypeKeyword(name: string): boolean {
  return /^(Bool|Boolean|Entity|Extension|Long|Record|Set|String)$/.test(name)
}

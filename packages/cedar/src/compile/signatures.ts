// Entities that no scope tells apart. A scope sees an entity's type, its uid and its ancestors, and of the uids only
// those that some policy names. Entities of one signature match the same scopes: so what is remembered by signature
// grows with the policies, not with the users and tools.

import type { Entity } from '../values/entity.ts'

export class Signatures {
  readonly #named: ReadonlySet<string>
  readonly #known = new WeakMap<Entity, string>()

  /** `named` are the uids that policies name where such entities stand. */
  constructor(named: ReadonlySet<string>) {
    this.#named = named
  }

  of(entity: Entity): string {
    let signature = this.#known.get(entity)
    if (signature === undefined) {
      signature = this.#sign(entity)
      this.#known.set(entity, signature)
    }
    return signature
  }

  #sign(entity: Entity): string {
    const named: string[] = []
    for (const uid of entity.ancestors) if (this.#named.has(uid)) named.push(uid)
    const own = this.#named.has(entity.uid) ? entity.uid : ''
    // Lengths keep the parts apart, whatever an id holds.
    let signature = `${entity.type}:${own.length}:${own}`
    for (const uid of named.sort()) signature += `${uid.length}:${uid}`
    return signature
  }
}

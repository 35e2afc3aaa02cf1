// What was found for three signatures: those of a principal, an action and a resource. Maps in maps, since joining the
// three into one text would cost more than looking up each.

export class Remembered<V> {
  readonly #values = new Map<string, Map<string, Map<string, V>>>()
  readonly #most: number
  #count = 0

  /** Beyond this number all are forgotten, and learned again. */
  constructor(most: number) {
    this.#most = most
  }

  get(principal: string, action: string, resource: string): V | undefined {
    return this.#values.get(principal)?.get(action)?.get(resource)
  }

  set([principal, action, resource]: readonly [string, string, string], value: V): void {
    if (++this.#count > this.#most) {
      this.#values.clear()
      this.#count = 1
    }
    const byAction = child(this.#values, principal, () => new Map<string, Map<string, V>>())
    child(byAction, action, () => new Map<string, V>()).set(resource, value)
  }
}

/** What is there under the key, made when nothing is. */
export function child<K, V>(parent: Map<K, V>, key: K, make: () => V): V {
  let found = parent.get(key)
  if (found === undefined) {
    found = make()
    parent.set(key, found)
  }
  return found
}

// Puts what depends on other things behind those, and finds what depends on itself.

export interface Ordered<T> {
  /** Everything, each behind what it depends on; where there is a cycle, not behind all of it. */
  readonly order: readonly T[]
  /** One of each cycle met. */
  readonly cyclic: readonly T[]
}

/** Not by recursion, since a chain may be of any length. */
export function dependencyOrder<T>(
  items: Iterable<T>,
  dependenciesOf: (item: T) => readonly T[],
): Ordered<T> {
  const order: T[] = []
  const cyclic: T[] = []
  const state = new Map<T, 'open' | 'done'>()
  for (const first of items) {
    if (state.has(first)) continue
    const path = [{ item: first, dependencies: dependenciesOf(first), next: 0 }]
    state.set(first, 'open')
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const dependency = top.dependencies[top.next++]
      if (dependency === undefined) {
        state.set(top.item, 'done')
        order.push(top.item)
        path.pop()
      } else if (!state.has(dependency)) {
        state.set(dependency, 'open')
        path.push({ item: dependency, dependencies: dependenciesOf(dependency), next: 0 })
      } else if (state.get(dependency) === 'open') cyclic.push(dependency)
    }
  }
  return { order, cyclic }
}

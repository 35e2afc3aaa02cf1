/**
 * Where the folders of a grant led when its task was met. Calls that the task itself allows may put a link in the place of
 * one, so each is looked at once for a task, and not again when its limits are compiled for another tool, for a part of
 * it, or because it was widened.
 */
import { isObject } from '../../model/message.ts'
import { placeOf, readPath, realPlace, type Sight } from './paths.ts'

export class FirstSight implements Sight {
  readonly #sight: Sight
  readonly #roots = new Map<string, string | undefined>()

  constructor(sight: Sight) {
    this.#sight = sight
  }

  placeOf(path: string): string | null | undefined {
    return this.#sight.placeOf(path)
  }

  rootOf(path: string): string | undefined {
    if (!this.#roots.has(path)) this.#roots.set(path, realPlace(path, this.#sight))
    return this.#roots.get(path)
  }

  baseOf(server: string): string | undefined {
    return this.#sight.baseOf?.(server)
  }

  /** Looks at every folder that the constraints of tools name, wherever in them. */
  meet(tools: Readonly<Record<string, unknown>>): void {
    for (const [tool, constraints] of Object.entries(tools))
      this.#meet(constraints, this.baseOf(tool.slice(0, tool.indexOf('__'))))
  }

  #meet(constraints: unknown, base: string | undefined): void {
    if (Array.isArray(constraints)) for (const each of constraints) this.#meet(each, base)
    if (!isObject(constraints)) return
    const { within } = constraints
    for (const each of Array.isArray(within) ? (within as unknown[]) : []) {
      const read = typeof each === 'string' ? readPath(each) : undefined
      const place = read?.ok === true ? placeOf(read.value, base) : undefined
      if (place !== undefined) this.rootOf(place)
    }
    for (const each of Object.values(constraints)) this.#meet(each, base)
  }
}

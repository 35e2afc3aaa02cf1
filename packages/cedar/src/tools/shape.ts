// What the values that a JSON Schema accepts can look like, as far as Cedar's types could tell them apart.

/** The kinds of JSON values, as bits. An integer is also a number; a fraction is a number that is no integer. */
export const NULL = 1
export const BOOLEAN = 2
export const STRING = 4
export const INTEGER = 8
export const FRACTION = 16
export const ARRAY = 32
export const OBJECT = 64
const ANY = NULL | BOOLEAN | STRING | INTEGER | FRACTION | ARRAY | OBJECT

export interface Shape {
  readonly kinds: number
  /** Of arrays; undefined when nothing is said of them. */
  readonly elements?: Shape | undefined
  /** Of objects; undefined when nothing is said of them. */
  readonly object?: ObjectShape | undefined
  /** Why nothing is said, where that has a reason of its own. */
  readonly why?: string | undefined
}

export interface ObjectShape {
  readonly members: ReadonlyMap<string, Shape>
  /** Names, also of members of which nothing else is said. */
  readonly required: ReadonlySet<string>
  /** Whether members not named here are expected; undefined when nothing is said. */
  readonly open: boolean | undefined
}

/** Everything, for the reason given. */
export function anything(why?: string): Shape {
  return { kinds: ANY, why }
}

export function ofKinds(kinds: number): Shape {
  return { kinds }
}

/** The shape of values that have every one of the shapes. */
export function intersection(shapes: readonly Shape[]): Shape {
  const [first] = shapes
  if (first !== undefined && shapes.length === 1) return first
  const elements = shapes.flatMap((shape) => shape.elements ?? [])
  const objects = shapes.flatMap((shape) => shape.object ?? [])
  return {
    kinds: shapes.reduce((kinds, shape) => kinds & shape.kinds, ANY),
    elements: elements.length === 0 ? undefined : intersection(elements),
    object: objects.length === 0 ? undefined : allOf(objects),
    why: shapes.find(({ why }) => why !== undefined)?.why,
  }
}

/** The shape of values that have one of the shapes at least. */
export function union(shapes: readonly Shape[]): Shape {
  const [first] = shapes
  if (first !== undefined && shapes.length === 1) return first
  const arrays = shapes.filter(({ kinds }) => (kinds & ARRAY) !== 0)
  const elements = arrays.flatMap((shape) => shape.elements ?? [])
  const objects = shapes.filter(({ kinds }) => (kinds & OBJECT) !== 0).map(({ object }) => object)
  return {
    kinds: shapes.reduce((kinds, shape) => kinds | shape.kinds, 0),
    // One that may hold anything makes the union hold anything.
    elements: elements.length < arrays.length || elements.length === 0 ? undefined : union(elements),
    object: objects.some((object) => object !== undefined) ? oneOf(objects) : undefined,
    why: shapes.find(({ why }) => why !== undefined)?.why,
  }
}

function allOf(objects: readonly ObjectShape[]): ObjectShape {
  return {
    members: merged(objects, intersection),
    required: new Set(objects.flatMap(({ required }) => [...required])),
    open: objects.some(({ open }) => open === false)
      ? false
      : objects.some(({ open }) => open === true) || undefined,
  }
}

/** A member that only some of the objects name is taken to be absent from the others. */
function oneOf(objects: readonly (ObjectShape | undefined)[]): ObjectShape {
  const named = objects.filter((object) => object !== undefined)
  const [first] = named
  const required = named.length < objects.length ? [] : [...(first?.required ?? [])]
  const opens = objects.map((object) => object?.open)
  return {
    members: merged(named, union),
    required: new Set(required.filter((name) => named.every((object) => object.required.has(name)))),
    open: opens.includes(true) ? true : opens.includes(undefined) ? undefined : false,
  }
}

function merged(objects: readonly ObjectShape[], combine: (shapes: readonly Shape[]) => Shape) {
  const shapes = new Map<string, Shape[]>()
  for (const { members } of objects) {
    for (const [name, shape] of members) {
      const known = shapes.get(name)
      if (known === undefined) shapes.set(name, [shape])
      else known.push(shape)
    }
  }
  return new Map([...shapes].map(([name, all]) => [name, combine(all)]))
}

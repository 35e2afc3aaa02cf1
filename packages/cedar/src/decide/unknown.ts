// A request of which parts are not known. A part may be unknown as a whole, or have holes inside, at paths.

import type { Variable } from '../policy/syntax.ts'
import { Entity, reference } from '../values/entity.ts'
import type { EntityStore } from '../values/entity.ts'
import { Fault } from '../values/fault.ts'
import { Term } from '../values/term.ts'
import { isRecord, ownMember } from '../values/values.ts'
import type { RecordValue } from '../values/values.ts'
import type { KnownParts } from '../compile/candidates.ts'
import { Evaluation, resolved } from './evaluation.ts'
import type { Request } from './evaluation.ts'
import { SCOPE_PARTS } from './demands.ts'
import type { ScopePart } from './demands.ts'
import { Unknown } from './outcomes.ts'

/** A request as far as it is known. A part that is left out is unknown. */
export type PartialRequest = { readonly [part in keyof Request]?: Request[part] | undefined }

export interface PartialOptions {
  /**
   * What else is not known, neither whether it is there nor its value: parts (`principal`, `action`, `resource`,
   * `context`) and dotted paths into them (`context.input`, `resource.owner`). Where the way to a path's end is missing
   * or leads through another entity, all behind the place where it breaks off is unknown. A name that holds a dot
   * cannot be written, and tags have no paths.
   */
  readonly unknown?: readonly string[]
  /** The types of unknown parts, where they are known. */
  readonly types?: { readonly [part in ScopePart]?: string }
  readonly entities?: EntityStore
}

/** Thrown where an operation looks at what is not known. */
export const HOLE_MET = new Fault('not known')

class Hole extends Term {
  override canonical(): string {
    throw HOLE_MET
  }
}

/** In a record, in the place of what is not known. */
export const HOLE: Term = new Hole()

const PARTS = [...SCOPE_PARTS, 'context'] as const
/** Stands where an evaluation must hold an entity, and is never looked at. */
const NOBODY = reference('Unknown', '')

/** A request made ready for deciding it in part. */
export interface Prepared {
  /** With holes, and with unknown parts. */
  readonly evaluation: Evaluation
  /** What scopes can be compared with. */
  readonly known: KnownParts
  /** The members of the context that are unknown or have holes; undefined when anything else is unknown. */
  readonly contextMembers: readonly string[] | undefined
}

/** Throws a RangeError when a path does not begin with a part, and on a type for a part that is known. */
export function prepare(request: PartialRequest, options: PartialOptions): Prepared {
  const { unknown = [], types = {}, entities } = options
  const paths = unknown.map(readPath)
  const wholly = PARTS.filter(
    (part) =>
      request[part] === undefined || paths.some(([root, ...names]) => root === part && names.length === 0),
  )
  for (const part of SCOPE_PARTS) {
    if (types[part] !== undefined && !wholly.includes(part))
      throw new RangeError(`the ${part} is known, and with it its type`)
  }
  const inside = (part: Variable): readonly (readonly string[])[] =>
    paths.filter(([root]) => root === part).map(([, ...names]) => names)
  const given = (part: ScopePart): Entity | undefined => {
    const entity = request[part]
    return entity === undefined || wholly.includes(part) ? undefined : resolved(entity, entities)
  }
  const known = { principal: given('principal'), action: given('action'), resource: given('resource') }
  const withHoles = {
    principal: dugEntity(known.principal ?? NOBODY, inside('principal')),
    action: dugEntity(known.action ?? NOBODY, inside('action')),
    resource: dugEntity(known.resource ?? NOBODY, inside('resource')),
    context: wholly.includes('context') ? {} : inside('context').reduce(dug, request.context ?? {}),
  }
  const evaluation =
    wholly.length === 0
      ? new Evaluation(withHoles, entities)
      : new PartialEvaluation(
          withHoles,
          entities,
          new Map(
            wholly.map((part) => [part, new Unknown(part, part === 'context' ? undefined : types[part])]),
          ),
        )
  const onlyContext = wholly.length === 0 && paths.every(([root]) => root === 'context')
  return {
    evaluation,
    known,
    contextMembers: onlyContext ? inside('context').map(([name = '']) => name) : undefined,
  }
}

/** An evaluation of which parts are unknown as a whole. */
class PartialEvaluation extends Evaluation {
  readonly #unknown: ReadonlyMap<Variable, Unknown>
  readonly #entities: EntityStore | undefined

  constructor(request: Request, entities: EntityStore | undefined, unknown: ReadonlyMap<Variable, Unknown>) {
    super(request, entities)
    this.#entities = entities
    this.#unknown = unknown
  }

  override variable(name: Variable): Entity | RecordValue | Unknown {
    return this.#unknown.get(name) ?? this[name]
  }

  /** Throws HOLE_MET when nobody knows the entity and it may be the one that is unknown. */
  override find(entity: Entity): Entity | undefined {
    if (entity.known) return entity
    for (const part of SCOPE_PARTS) {
      const own = this[part]
      if (own.known && own.uid === entity.uid) return own
    }
    const found = this.#entities?.get(entity.uid)
    if (found?.known === true) return found
    for (const unknown of this.#unknown.values()) if (unknown.couldBe(entity.type)) throw HOLE_MET
    return undefined
  }
}

type Path = readonly [part: Variable, ...names: readonly string[]]

function readPath(path: string): Path {
  const [root, ...names] = path.split('.')
  const part = PARTS.find((name) => name === root)
  if (part === undefined || names.includes(''))
    throw new RangeError(
      `not a path into a request, such as context.input or resource: ${JSON.stringify(path)}`,
    )
  return [part, ...names]
}

/** The entity with holes in its attributes. */
function dugEntity(entity: Entity, paths: readonly (readonly string[])[]): Entity {
  if (paths.length === 0) return entity
  const { type, id, attrs, tags } = entity
  // It counts as its own parent, which no test of ancestors can tell.
  return new Entity(type, id, { parents: [entity], attrs: paths.reduce(dug, attrs), tags })
}

/** A copy with a hole at the path; where the way there is missing, the hole is where it breaks off. */
function dug(record: RecordValue, [name = '', ...rest]: readonly string[]): RecordValue {
  const inner = ownMember(record, name)
  const filled = rest.length > 0 && isRecord(inner) ? dug(inner, rest) : HOLE
  return { ...record, [name]: filled }
}

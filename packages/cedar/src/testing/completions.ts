// For tests: completions of a request of which parts are unknown, at random or by guesses.

import type { Request } from '../decide/evaluation.ts'
import type { PartialOptions, PartialRequest } from '../decide/unknown.ts'
import type { Variable } from '../policy/syntax.ts'
import { Entity, entity, reference } from '../values/entity.ts'
import { isRecord, ownMember } from '../values/values.ts'
import type { RecordValue, Value } from '../values/values.ts'
import type { Guess } from './aim.ts'
import { STRINGS } from './edge-values.ts'
import type { Random } from './random.ts'
import { ACTIONS, ATTRIBUTES, IDS, TYPES, randomValue } from './random-world.ts'

type Part = 'principal' | 'action' | 'resource'
type Path = readonly string[]

/** One completion. Guesses about what is known are passed over. */
export function complete(
  random: Random,
  [request, options]: readonly [PartialRequest, PartialOptions],
  guesses: readonly Guess[] = [],
): Request {
  const completer = new Completer(random, request, options, guesses)
  const [principal, action, resource] = [
    completer.entity('principal'),
    completer.entity('action'),
    completer.entity('resource'),
  ]
  return { principal, action, resource, context: completer.context() }
}

class Completer {
  readonly #random: Random
  readonly #request: PartialRequest
  readonly #options: PartialOptions
  readonly #guesses: readonly Guess[]

  constructor(random: Random, request: PartialRequest, options: PartialOptions, guesses: readonly Guess[]) {
    this.#random = random
    this.#request = request
    this.#options = options
    this.#guesses = guesses
  }

  context(): RecordValue {
    const paths = this.#unknownIn('context')
    const { context } = this.#request
    if (context !== undefined && !paths.some(isEmpty)) return this.#filled(context, 'context', paths)
    return this.#about('context').reduce(heeding, {})
  }

  entity(part: Part): Entity {
    const paths = this.#unknownIn(part)
    const given = this.#request[part]
    if (given === undefined || paths.some(isEmpty)) return this.#anyone(part)
    if (paths.length === 0) return given
    const found = given.known ? given : (this.#options.entities?.get(given.uid) ?? given)
    const { type, id, attrs, tags } = found
    return entity(type, id, { parents: [found], attrs: this.#filled(attrs, part, paths), tags })
  }

  /** Some entity. One that the request or the store knows is as it is there, others have what data they like. */
  #anyone(part: Part): Entity {
    const random = this.#random
    const { types, entities } = this.#options
    const type = types?.[part]
    const named = this.#about(part).flatMap(({ names, value, within }) =>
      names.length === 0 && value instanceof Entity ? [{ value, within: within === true }] : [],
    )
    const anything =
      part === 'action'
        ? reference(type ?? 'Action', random.pick([...ACTIONS, 'new']))
        : reference(type ?? random.pick(TYPES), random.pick([...IDS, 'new', 'new']))
    const fitting = named.filter(
      ({ value, within }) => !within && (type === undefined || value.type === type),
    )
    const { uid, type: chosen, id } = fitting.at(-1)?.value ?? anything
    const { principal, action, resource } = this.#request
    const known = [principal, action, resource].find((each) => each?.known === true && each.uid === uid)
    const stored = known ?? entities?.get(uid)
    if (stored !== undefined) return stored
    const attributes = this.#about(part).filter(({ names }) => names.length > 0)
    return entity(chosen, id, {
      parents: named.filter(({ within }) => within).map(({ value }) => value),
      attrs: attributes.reduce(heeding, random.chance(0.5) ? {} : this.#members(0.3)),
      tags: this.#members(0.5),
    })
  }

  /** The record with something else, or nothing, at the paths; by the guesses where these are about the paths. */
  #filled(record: RecordValue, root: Variable, paths: readonly Path[]): RecordValue {
    const guesses = this.#about(root)
    const guided = guesses.length > 0 && this.#random.chance(0.8)
    const open = paths.map((path) => reachable(record, path))
    let whole = record
    for (const path of open) {
      const value = guided || this.#random.chance(0.25) ? undefined : this.#anything()
      whole = placed(whole, path, value)
    }
    for (const guess of guesses) {
      if (open.some((path) => path.every((name, index) => guess.names[index] === name)))
        whole = heeding(whole, guess)
    }
    return whole
  }

  #members(share: number): RecordValue {
    const names = [...ATTRIBUTES, ...STRINGS].filter(() => this.#random.chance(share))
    return Object.fromEntries(names.map((name) => [name, this.#anything()]))
  }

  #anything(): Value {
    return this.#random.chance(0.1) ? null : randomValue(this.#random, 2).ours
  }

  #unknownIn(part: Variable): readonly Path[] {
    const paths = (this.#options.unknown ?? []).map((path) => path.split('.'))
    return paths.filter(([root]) => root === part).map(([, ...names]) => names)
  }

  #about(root: Variable): readonly Guess[] {
    return this.#guesses.filter((guess) => guess.root === root)
  }
}

function heeding(record: RecordValue, { names, value, insteadOf }: Guess): RecordValue {
  const present = valueAt(record, names)
  const stays = insteadOf !== undefined && present !== undefined && present !== insteadOf.value
  return stays ? record : placed(record, names, value)
}

function isEmpty(path: Path): boolean {
  return path.length === 0
}

/** As much of a path as leads through records. */
function reachable(record: RecordValue, [name = '', ...rest]: Path): Path {
  const inner = ownMember(record, name)
  return rest.length > 0 && isRecord(inner) ? [name, ...reachable(inner, rest)] : [name]
}

function valueAt(record: RecordValue, [name, ...rest]: Path): Value | undefined {
  if (name === undefined) return record
  const inner = ownMember(record, name)
  return rest.length > 0 && isRecord(inner) ? valueAt(inner, rest) : inner
}

function placed(record: RecordValue, [name, ...rest]: Path, value: Value | undefined): RecordValue {
  if (name === undefined) return isRecord(value) ? value : record
  const inner = ownMember(record, name)
  return { ...record, [name]: rest.length === 0 ? value : placed(isRecord(inner) ? inner : {}, rest, value) }
}

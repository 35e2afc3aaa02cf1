// For tests: random entities, requests and values, each both as ours and as the JSON of the official engine. Names come
// from small pools, so that things meet.

import { parseDatetime, parseDuration } from '../values/datetime.ts'
import { parseDecimal } from '../values/decimal.ts'
import { entity, reference } from '../values/entity.ts'
import type { Entity } from '../values/entity.ts'
import type { Request } from '../decide/evaluation.ts'
import { parseIp } from '../values/ip.ts'
import type { Value } from '../values/values.ts'
import { DATETIMES, DECIMALS, DURATIONS, IPS, LONGS, STRINGS } from './edge-values.ts'
import type { Random } from './random.ts'

export type Json = boolean | number | string | Json[] | { [name: string]: Json }

/** The same value in both forms. */
export interface Twin {
  readonly ours: Value
  readonly official: Json
}

export interface World {
  readonly request: Request
  readonly entities: ReadonlyMap<string, Entity>
  readonly official: {
    readonly principal: EntityName
    readonly action: EntityName
    readonly resource: EntityName
    readonly context: { [name: string]: Json }
    readonly entities: OfficialEntity[]
  }
}

export interface EntityName {
  readonly type: string
  readonly id: string
}

interface OfficialEntity {
  readonly uid: EntityName
  readonly attrs: { [name: string]: Json }
  readonly tags: { [name: string]: Json }
  readonly parents: EntityName[]
}

export const ATTRIBUTES = ['a', 'b', 'c', 'n', 's', 'rec', 'constructor', '__proto__', 'two words']
export const TYPES = ['User', 'Group', 'File', 'NS::Folder']
export const IDS = ['x', 'y', 'z', 'a"b\\c']
export const ACTIONS = ['read', 'write', 'all']
/** The official engine is handed JavaScript numbers. */
const SAFE_LONGS = LONGS.map(Number).filter(Number.isSafeInteger)

export function randomWorld(random: Random): World {
  const entities = new Map<string, Entity>()
  const official: OfficialEntity[] = []
  const add = (name: EntityName, parents: readonly Entity[]): void => {
    const attrs = randomMembers(random, 1)
    const tags = randomMembers(random, 0)
    const made = entity(name.type, name.id, { parents, attrs: attrs.ours, tags: tags.ours })
    entities.set(made.uid, made)
    const parentNames = parents.map(({ type, id }) => ({ type, id }))
    official.push({ uid: name, attrs: attrs.official, tags: tags.official, parents: parentNames })
  }
  const someOf = (from: readonly Entity[]): Entity[] => from.filter(() => random.chance(0.25))
  for (const id of IDS)
    for (const type of TYPES) if (random.chance(0.4)) add({ type, id }, someOf([...entities.values()]))
  const actions: Entity[] = []
  for (const id of ACTIONS) {
    const parents = someOf(actions)
    const action = entity('Action', id, { parents })
    actions.push(action)
    entities.set(action.uid, action)
    official.push({
      uid: { type: 'Action', id },
      attrs: {},
      tags: {},
      parents: parents.map(({ type, id: parent }) => ({ type, id: parent })),
    })
  }
  const name = (): EntityName => ({ type: random.pick(TYPES), id: random.pick(IDS) })
  const principal = name()
  const resource = name()
  const action = { type: 'Action', id: random.pick(ACTIONS) }
  const context = randomMembers(random, 2)
  // Half the time as found in the store, half by name only.
  const ours = ({ type, id }: EntityName): Entity => {
    const named = reference(type, id)
    return random.chance(0.5) ? (entities.get(named.uid) ?? named) : named
  }
  return {
    request: {
      principal: ours(principal),
      action: ours(action),
      resource: ours(resource),
      context: context.ours,
    },
    entities,
    official: { principal, action, resource, context: context.official, entities: official },
  }
}

function randomMembers(
  random: Random,
  depth: number,
): { ours: { [name: string]: Value }; official: { [name: string]: Json } } {
  const ours = Object.create(null) as { [name: string]: Value }
  const official = Object.create(null) as { [name: string]: Json }
  for (const name of ATTRIBUTES) {
    if (random.chance(0.4)) continue
    const value = randomValue(random, depth)
    ours[name] = value.ours
    official[name] = value.official
  }
  return { ours, official }
}

export function randomValue(random: Random, depth: number): Twin {
  const same = (value: boolean | number | string): Twin => ({ ours: value, official: value })
  const made = (fn: string, arg: string, ours: Value | undefined): Twin => ({
    ours: ours ?? null,
    official: { __extn: { fn, arg } },
  })
  switch (random.below(depth > 0 ? 10 : 8)) {
    case 0:
      return same(random.chance(0.5))
    case 1:
      return same(random.pick(SAFE_LONGS))
    case 2:
      return same(random.pick(STRINGS))
    case 3: {
      const name = { type: random.pick(TYPES), id: random.pick(IDS) }
      return { ours: reference(name.type, name.id), official: { __entity: name } }
    }
    case 4: {
      const text = random.pick(DECIMALS)
      return made('decimal', text, parseDecimal(text))
    }
    case 5: {
      const text = random.pick(IPS)
      return made('ip', text, parseIp(text))
    }
    case 6: {
      const text = random.pick(DATETIMES)
      return made('datetime', text, parseDatetime(text))
    }
    case 7: {
      const text = random.pick(DURATIONS)
      return made('duration', text, parseDuration(text))
    }
    case 8: {
      const members = random.some(3, () => randomValue(random, depth - 1))
      return { ours: members.map(({ ours }) => ours), official: members.map(({ official }) => official) }
    }
    default:
      return randomMembers(random, depth - 1)
  }
}

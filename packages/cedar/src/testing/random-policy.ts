// For tests: random policies as text, about the names of random-world.ts.

import { quote } from '../text/escapes.ts'
import type { Random } from './random.ts'
import { ACTIONS, ATTRIBUTES, IDS, TYPES } from './random-world.ts'
import { KINDS, Writer } from './random-writer.ts'
import type { Reading, Surroundings } from './random-writer.ts'

const WORDS = ATTRIBUTES.filter((name) => /^\w+$/.test(name))

export function randomPolicy(random: Random): string {
  const effect = random.chance(0.6) ? 'permit' : 'forbid'
  const conditions = random.some(
    2,
    () => `${random.chance(0.7) ? 'when' : 'unless'} { ${writer(random).write('bool', 4)} }`,
  )
  const scope = `(${party(random, 'principal')}, ${action(random)}, ${party(random, 'resource')})`
  return `${effect} ${scope} ${conditions.join(' ')};`
}

/** A template whose scope has at least one slot. */
export function randomTemplate(random: Random): string {
  const slotted = (who: 'principal' | 'resource'): string =>
    random.pick([`${who} == ?${who}`, `${who} in ?${who}`, `${who} is ${random.pick(TYPES)} in ?${who}`])
  const both = random.below(3)
  const principal = both === 0 ? party(random, 'principal') : slotted('principal')
  const resource = both === 1 ? party(random, 'resource') : slotted('resource')
  return `permit (${principal}, ${action(random)}, ${resource});`
}

/** A policy for any request whose conditions ask mostly about the context, and seldom fail for other reasons. */
export function randomContextPolicy(random: Random): string {
  const effect = random.chance(0.6) ? 'permit' : 'forbid'
  const kind = random.chance(0.7) ? 'when' : 'unless'
  const parts = [contextTest(random), ...random.some(1, () => contextTest(random))]
  if (random.chance(0.5)) parts.splice(random.below(2), 0, writer(random).write('bool', 2))
  return `${effect} (principal, action, resource) ${kind} { ${parts.join(random.pick([' && ', ' || ']))} };`
}

function contextTest(random: Random): string {
  const path = random.pick(['a', 'b', 'c', 'rec', 'rec.a'])
  return random.pick([
    `(context has ${path})`,
    `!(context has ${path})`,
    `(context.${path} == ${writer(random).write(random.pick(KINDS), 1)})`,
    `(if context has ${path} then context.${path} != "a" else ${random.pick(['true', 'false'])})`,
  ])
}

function entityText(random: Random): string {
  return `${random.pick(TYPES)}::${quote(random.pick(IDS))}`
}

function party(random: Random, who: string): string {
  const roll = random.below(10)
  if (roll < 6) return who
  if (roll === 6) return `${who} == ${entityText(random)}`
  if (roll === 7) return `${who} in ${entityText(random)}`
  return `${who} is ${random.pick(TYPES)}${roll === 8 ? '' : ` in ${entityText(random)}`}`
}

function action(random: Random): string {
  const one = (): string => `Action::"${random.pick(ACTIONS)}"`
  const roll = random.below(10)
  if (roll < 6) return 'action'
  if (roll === 6) return `action == ${one()}`
  return roll === 7 ? `action in ${one()}` : `action in [${random.some(3, one).join(', ')}]`
}

function writer(random: Random): Writer {
  return new Writer(random, new Anything(random))
}

/** Reads any name of anything: what it holds is not known beforehand. */
class Anything implements Surroundings {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  read(_: unknown, object: () => string): Reading {
    const name = this.name()
    const from = this.#random.chance(0.6) ? 'context' : object()
    if (this.#random.chance(0.1)) return { text: `${from}.getTag(${quote(name)})`, guards: [] }
    const isPlain = WORDS.includes(name) && this.#random.chance(0.7)
    return { text: isPlain ? `${from}.${name}` : `${from}[${quote(name)}]`, guards: [] }
  }

  presence(object: () => string): string {
    const path = [this.#random.pick(WORDS), ...this.#random.some(2, () => this.#random.pick(WORDS))]
    return `${object()} has ${this.#random.chance(0.5) ? quote(this.name()) : path.join('.')}`
  }

  entity(): string {
    return entityText(this.#random)
  }

  entityType(): string {
    return this.#random.pick(TYPES)
  }

  name(): string {
    return this.#random.pick(ATTRIBUTES)
  }
}

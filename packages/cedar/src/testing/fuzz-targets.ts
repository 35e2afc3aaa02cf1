// For tests: what the fuzzer asks both engines about. Each target makes of a seed some cases, the same in every run.

import { compare } from './case-difference.ts'
import type { Answer } from './differential.ts'
import { extensionCase } from './extension-case.ts'
import { READINGS, isStricter } from './fuzz-readings.ts'
import type { Mutated, Reading } from './fuzz-readings.ts'
import type { Oracle } from './official.ts'
import { randomCase } from './random-case.ts'
import { Random } from './random.ts'
import { shrink } from './shrink.ts'

export interface Target {
  readonly name: string
  /** How many of a hundred seeds are for it. */
  readonly share: number
  readonly run: (oracle: Oracle, seed: number) => Report
}

export interface Report {
  readonly cases: number
  /** Ours, where decisions were asked for. */
  readonly answers: readonly Answer[]
  /** The smallest case found that both engines do not agree on. */
  readonly difference: string | undefined
}

/** Cases of one seed. */
const REQUESTS = 16
const MUTATIONS = 8

function decisions(schema: boolean): Target['run'] {
  return (oracle, seed) => {
    const made = randomCase(seed, { requests: REQUESTS, schema })
    return { cases: REQUESTS, ...compare(oracle, made) }
  }
}

const EXTENSIONS: Target['run'] = (oracle, seed) => {
  const { difference } = compare(oracle, extensionCase(seed, REQUESTS))
  return { cases: REQUESTS, answers: [], difference }
}

function reading({ make }: Reading): Target['run'] {
  return (oracle, seed) => {
    const random = new Random(seed)
    for (let cases = 1; cases <= MUTATIONS; cases++) {
      const made = make(random)
      if (differs(oracle, made, made.input) === '') continue
      return { cases, answers: [], difference: describe(oracle, made) }
    }
    return { cases: MUTATIONS, answers: [], difference: undefined }
  }
}

/** A word for how they differ; empty when they do not. */
function differs(oracle: Oracle, { here, there }: Mutated, input: Mutated['input']): string {
  const mine = here(input)
  const theirs = oracle.accepts((official) => there(official, input))
  if (theirs === undefined) return 'the official package trapped'
  if (mine.ok === theirs || (theirs && isStricter(mine))) return ''
  return mine.ok ? 'accepted here only' : `refused here only: ${JSON.stringify(mine.errors)}`
}

function describe(oracle: Oracle, made: Mutated): string {
  const kind = differs(oracle, made, made.input).slice(0, 12)
  const shows = (input: Mutated['input']): boolean => differs(oracle, made, input).startsWith(kind)
  // A text is made smaller by its characters.
  const input =
    typeof made.input === 'string'
      ? shrink(Array.from(made.input), (characters) => shows(characters.join(''))).join('')
      : shrink(made.input, shows)
  return `${differs(oracle, made, input)}\n${typeof input === 'string' ? input : JSON.stringify(input)}`
}

export const TARGETS: readonly Target[] = [
  { name: 'decisions', share: 40, run: decisions(false) },
  { name: 'decisions with a schema', share: 21, run: decisions(true) },
  { name: 'extension values', share: 4, run: EXTENSIONS },
  ...READINGS.map((each) => ({ name: each.name, share: 5, run: reading(each) })),
]

/** The target of a seed's index, by their shares. */
export function targetAt(index: number): Target {
  let left = index % 100
  for (const target of TARGETS) {
    left -= target.share
    if (left < 0) return target
  }
  throw new Error('the shares of the targets do not add up to 100')
}

/** The seed of one index of a run. */
export function seedAt(seed: number, index: number): number {
  return (Math.imul(seed, 0x9e3779b1) + index) >>> 0
}

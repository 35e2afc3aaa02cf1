// What the types tell is what the values are: a value that fits a tool's JSON Schema is of the type made from it, except
// where a note says otherwise.

import { describe, expect, it } from 'vitest'
import { checkContext } from '../schema/conformance.ts'
import { parseSchema } from '../schema/parse-schema.ts'
import { resolveSchema } from '../schema/resolve.ts'
import { Random } from '../testing/random.ts'
import { reference } from '../values/entity.ts'
import { plain } from '../values/values.ts'
import { schemaFromTools } from './schema-from-tools.ts'

const CASES = 1000

describe('a value that fits the JSON Schema', () => {
  it('is of the type, or a note says why not', () => {
    const seen = { typed: 0, noted: 0 }
    for (let seed = 1; seed <= CASES; seed++) {
      const random = new Random(seed)
      const pairs = new Pairs(random)
      const input = pairs.object(0)
      const inputSchema = { ...input.schema, $defs: pairs.definitions }
      const base = parseSchema('@mcp_principal entity User; @mcp_resource entity Tool;')
      const made = base.ok ? schemaFromTools(base.value, [{ name: 't', inputSchema }]) : base
      const schema = made.ok ? resolveSchema([made.value.fragment]) : made
      if (!made.ok || !schema.ok) throw new Error(JSON.stringify([made, schema]))
      for (let round = 0; round < 5; round++) {
        const value = input.sample()
        const context = { input: plain(value) }
        const mismatches = checkContext(schema.value, reference('Action', 't'), context)
        const unexplained = mismatches.filter(({ path }) => !made.value.notes.some(covers(path)))
        expect(unexplained, JSON.stringify([inputSchema, value])).toEqual([])
        seen[mismatches.length === 0 ? 'typed' : 'noted']++
      }
    }
    expect(seen.typed).toBeGreaterThan(CASES)
    expect(seen.noted).toBeGreaterThan(CASES)
  })
})

/** Whether a note is about the place of a mismatch, or about what it is in. */
function covers(place: readonly (string | number)[]) {
  const steps = place.slice(1).map((step) => (typeof step === 'number' ? '[]' : step))
  return ({ path }: { readonly path: readonly string[] }) =>
    ['input', ...path].every((step, at) => steps[at] === step)
}

/** A JSON Schema, and values that fit it. */
interface Pair {
  readonly schema: object
  sample(): unknown
}

class Pairs {
  readonly definitions: Record<string, object> = {}
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  object(depth: number): Pair {
    const random = this.#random
    const names = [...new Set(random.some(4, () => random.pick(['a', 'b', 'c', '__proto__'])))]
    const members = names.map((name) => ({ name, pair: this.any(depth + 1), required: random.chance(0.5) }))
    const open = random.pick([undefined, undefined, false, true])
    const schema = {
      type: 'object',
      properties: Object.fromEntries(members.map(({ name, pair }) => [name, pair.schema])),
      required: members.filter(({ required }) => required).map(({ name }) => name),
      ...(open === undefined ? {} : { additionalProperties: open }),
    }
    const sample = () => {
      const present = members.filter(({ required }) => required || random.chance(0.5))
      const own = present.map(({ name, pair }): [string, unknown] => [name, pair.sample()])
      if (open === true && random.chance(0.5)) own.push(['other', 1])
      return Object.fromEntries(own)
    }
    return { schema, sample }
  }

  any(depth: number): Pair {
    const random = this.#random
    if (depth > 4 || random.chance(0.4)) return this.#scalar()
    const part = () => this.any(depth + 1)
    switch (random.below(7)) {
      case 0:
        return this.object(depth)
      case 1:
        return this.#array(part())
      case 2: {
        const pairs = [part(), ...random.some(2, part)]
        const schema = { [random.pick(['anyOf', 'oneOf'])]: pairs.map((pair) => pair.schema) }
        return { schema, sample: () => random.pick(pairs).sample() }
      }
      case 3: {
        const pair = part()
        const schema = { anyOf: [pair.schema, { type: 'null' }] }
        return { schema, sample: () => (random.chance(0.3) ? null : pair.sample()) }
      }
      case 4: {
        const pair = part()
        const name = `d${Object.keys(this.definitions).length}`
        this.definitions[name] = pair.schema
        return { schema: { $ref: `#/$defs/${name}` }, sample: () => pair.sample() }
      }
      case 5: {
        const pair = part()
        return { schema: { allOf: [{ description: 'it' }, pair.schema, {}] }, sample: () => pair.sample() }
      }
      default: {
        const values = [part().sample(), ...random.some(2, () => part().sample())]
        return { schema: { enum: values }, sample: () => random.pick(values) }
      }
    }
  }

  #array(element: Pair): Pair {
    const sample = () => this.#random.some(3, () => element.sample())
    return { schema: { type: 'array', items: element.schema }, sample }
  }

  #scalar(): Pair {
    const random = this.#random
    return random.pick<Pair>([
      { schema: { type: 'string' }, sample: () => random.pick(['', 'x', '1.5']) },
      { schema: { type: 'integer' }, sample: () => random.pick([0, -1, 2 ** 40]) },
      { schema: { type: 'number' }, sample: () => random.pick([0, 1.5]) },
      { schema: { type: 'boolean' }, sample: () => random.chance(0.5) },
      { schema: {}, sample: () => random.pick([null, 1, 'x', [], {}]) },
    ])
  }
}

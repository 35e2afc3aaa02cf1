// For tests: a random case for both engines: a set of policies, entities and requests, about a random schema that the
// engines are told or not.

import { Random } from './random.ts'
import { randomPolicySet } from './random-policy-set.ts'
import type { PolicySetJson, Subject } from './random-policy-set.ts'
import type { EntityName } from './random-world.ts'
import { randomSchema } from './random-schema.ts'
import { SchemaSurroundings } from './schema-surroundings.ts'
import { SchemaWorld } from './schema-world.ts'
import type { EntityJson, RequestJson } from './schema-world.ts'

export interface Case {
  /** In either form; absent when the engines are not told. */
  readonly schema?: string
  readonly policies: PolicySetJson
  readonly entities: readonly EntityJson[]
  /** Each is decided by itself. */
  readonly requests: readonly RequestJson[]
}

/** The same seed gives the same case. */
export function randomCase(seed: number, { requests: count, schema: isTold }: CaseOptions): Case {
  const random = new Random(seed)
  const made = randomSchema(random)
  // Where they are told, most of it conforms: what does not is refused, and nothing is decided.
  const slip = random.chance(0.2) ? 0.02 : 0
  const world = new SchemaWorld(random, made.schema, { slip, implicit: isTold })
  const environments = world.environments()
  const some = Array.from({ length: 1 + random.below(3) }, () => random.pick(environments))
  const requests = Array.from({ length: count }, () => world.request(random.pick(some)))
  const actions = Array.from(made.schema.actions.values(), ({ entity }): EntityName => entity)
  const subjects = some.map(
    (environment): Subject => ({
      request: world.request(environment),
      surroundings: new SchemaSurroundings(random, made.schema, environment, world.names),
      entities: world.names,
      actions,
    }),
  )
  return {
    ...(isTold && { schema: random.chance(0.5) ? made.text : made.json }),
    policies: randomPolicySet(random, subjects),
    entities: world.entities(),
    requests,
  }
}

interface CaseOptions {
  readonly requests: number
  readonly schema: boolean
}

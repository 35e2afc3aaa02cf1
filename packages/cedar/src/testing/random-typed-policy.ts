// For tests: random policies that mostly are well-typed for a schema, with tests for what is optional where they are
// needed, where they are not, and missing.

import type { ActionType, CedarType, RecordType, Schema } from '../schema/schema.ts'
import type { Random } from './random.ts'

/** A place whose type is known. */
interface Path {
  readonly text: string
  readonly type: CedarType
  /** Tests for all optional attributes and tags on the way. */
  readonly tests: readonly string[]
}

export interface TypedOptions {
  /** Only forms of which the official engine learns as much as can be learned: no negations and no `if`. */
  readonly plain: boolean
}

const MOST_PATHS = 60
const MOST_STEPS = 3

/** The text of one policy. The schema must have an action that applies to something. */
export function randomTypedPolicy(random: Random, schema: Schema, options: TypedOptions): string {
  return new TypedPolicyMaker(random, schema, options).policy()
}

class TypedPolicyMaker {
  readonly #random: Random
  readonly #schema: Schema
  readonly #plain: boolean
  readonly #action: ActionType
  readonly #principal: string
  readonly #resource: string
  readonly #paths: readonly Path[]

  constructor(random: Random, schema: Schema, { plain }: TypedOptions) {
    this.#random = random
    this.#schema = schema
    this.#plain = plain
    const actions = [...schema.actions.values()]
    this.#action = random.pick(
      actions.filter(({ principals, resources }) => principals.size * resources.size > 0),
    )
    this.#principal = random.pick([...this.#action.principals])
    this.#resource = random.pick([...this.#action.resources])
    this.#paths = this.#allPaths()
  }

  policy(): string {
    const random = this.#random
    const { entity } = this.#action
    const action = random.pick([
      `action == ${entity.type}::${JSON.stringify(entity.id)}`,
      `action in [${entity.type}::${JSON.stringify(entity.id)}]`,
      'action',
    ])
    const party = (part: string, type: string): string =>
      random.pick([`${part} is ${type}`, part, `${part} in ${this.#literal(type)}`])
    const scope = [party('principal', this.#principal), action, party('resource', this.#resource)]
    const conditions = [0, ...random.some(2, () => 0)].map(() => {
      const kind = !this.#plain && random.chance(0.4) ? 'unless' : 'when'
      return `${kind} { ${this.#boolean(3)} }`
    })
    return `${random.pick(['permit', 'forbid'])} (${scope.join(', ')}) ${conditions.join(' ')};`
  }

  #allPaths(): readonly Path[] {
    const paths: Path[] = [
      { text: 'context', type: this.#action.context, tests: [] },
      { text: 'principal', type: { kind: 'entity', type: this.#principal }, tests: [] },
      { text: 'resource', type: { kind: 'entity', type: this.#resource }, tests: [] },
    ]
    let ends: readonly Path[] = paths
    for (let step = 0; step < MOST_STEPS; step++) {
      ends = ends.flatMap((path) => this.#stepsFrom(path))
      paths.push(...ends)
    }
    return paths.slice(0, MOST_PATHS)
  }

  #stepsFrom({ text, type, tests }: Path): readonly Path[] {
    const record = this.#membersOf(type)
    const steps = [...(record?.members ?? [])].map(([name, member]): Path => {
      const quoted = JSON.stringify(name)
      const test = `${text} has ${quoted}`
      return {
        text: `${text}[${quoted}]`,
        type: member.type,
        tests: member.required ? tests : [...tests, test],
      }
    })
    const tags = type.kind === 'entity' ? this.#schema.entityTypes.get(type.type)?.tags : undefined
    if (tags === undefined) return steps
    const tag: Path = {
      text: `${text}.getTag("t")`,
      type: tags,
      tests: [...tests, `${text}.hasTag("t")`],
    }
    return [...steps, tag]
  }

  #membersOf(type: CedarType): RecordType | undefined {
    if (type.kind === 'record') return type
    return type.kind === 'entity' ? this.#schema.entityTypes.get(type.type)?.attributes : undefined
  }

  #boolean(depth: number): string {
    const random = this.#random
    if (depth === 0 || random.chance(0.3)) return this.#leaf()
    const inner = (): string => this.#boolean(depth - 1)
    switch (random.below(this.#plain ? 3 : 6)) {
      case 0:
      case 1:
        return `(${[inner(), inner(), ...random.some(1, inner)].join(' && ')})`
      case 2:
        return `(${[inner(), inner(), ...random.some(1, inner)].join(' || ')})`
      case 3:
        return `(if ${inner()} then ${inner()} else ${inner()})`
      default:
        return `!(${inner()})`
    }
  }

  #leaf(): string {
    const random = this.#random
    const path = random.pick(this.#paths)
    switch (random.below(12)) {
      case 0:
        return random.pick(['true', 'false'])
      case 1:
        return `action == ${this.#anyAction()}`
      case 2:
        return `action in ${this.#anyAction()}`
      case 3:
        return `${random.pick(['principal', 'resource'])} is ${random.pick([...this.#schema.entityTypes.keys()])}`
      case 4:
        return path.tests.length > 0 ? this.#all(path.tests) : `${path.text} == ${path.text}`
      case 5:
        return this.#guarded([], this.#use(path))
      default:
        return this.#guarded(path.tests, this.#use(path))
    }
  }

  #all(tests: readonly string[]): string {
    return tests.length === 1 ? tests.join('') : `(${tests.join(' && ')})`
  }

  /** Something to be evaluated where the tests hold; sometimes one is forgotten, or too much is tested. */
  #guarded(tests: readonly string[], use: string): string {
    const random = this.#random
    const kept = tests.filter(() => random.chance(0.9))
    if (kept.length === 0) return use
    const all = this.#all(kept)
    const plain = `(${all} && ${use})`
    if (this.#plain) return plain
    const styles = [
      plain,
      `(if ${all} then ${use} else false)`,
      `(!(${all}) || ${use})`,
      `(if !(${all}) then true else ${use})`,
    ]
    return random.pick(styles)
  }

  /** A boolean made of what is at a path. */
  #use({ text, type }: Path): string {
    const random = this.#random
    switch (type.kind) {
      case 'boolean':
        return random.pick([text, `${text} == true`])
      case 'long':
        return `${text} ${random.pick(['==', '<', '>='])} ${random.pick(['1', '-5', `${text} + 1`])}`
      case 'string':
        return random.pick([`${text} == "x"`, `${text} like "x*"`])
      case 'extension':
        return `${text} == ${LITERALS[type.name]}`
      case 'entity':
        return random.pick([
          `${text} == ${this.#literal(type.type)}`,
          `${text} in ${this.#literal(type.type)}`,
        ])
      case 'set':
        return `${text}.${random.pick(['isEmpty()', `containsAll(${text})`])}`
      case 'record':
        return `${text} == ${text}`
    }
  }

  #anyAction(): string {
    const { type, id } = this.#random.pick([...this.#schema.actions.values()]).entity
    return `${type}::${JSON.stringify(id)}`
  }

  #literal(type: string): string {
    const [id = 'x'] = this.#schema.entityTypes.get(type)?.ids ?? []
    const actions = [...this.#schema.actions.values()].filter(({ entity }) => entity.type === type)
    return `${type}::${JSON.stringify(actions[0]?.entity.id ?? id)}`
  }
}

const LITERALS = {
  ipaddr: 'ip("127.0.0.1")',
  decimal: 'decimal("1.0")',
  datetime: 'datetime("2024-01-01")',
  duration: 'duration("1h")',
}

// For tests: random sets of policies in the JSON form of sets: static policies and templates, each as text or as JSON,
// and links.

import { policyToJson } from '../json/est-write.ts'
import { policyToText } from '../print/policy.ts'
import { quote } from '../text/escapes.ts'
import { parsePolicies } from '../text/parse.ts'
import { withLiterals } from './est-literals.ts'
import { parseExactly } from './exact-json.ts'
import type { Random } from './random.ts'
import type { EntityName, Json } from './random-world.ts'
import { Writer } from './random-writer.ts'
import type { Surroundings } from './random-writer.ts'
import type { RequestJson } from './schema-world.ts'

export interface PolicySetJson {
  /** By id, or in one text, where their place names them. */
  readonly staticPolicies: Json
  readonly templates: { readonly [id: string]: Json }
  readonly templateLinks: readonly LinkJson[]
}

export interface LinkJson {
  readonly templateId: string
  readonly newId: string
  readonly values: { readonly [slot: string]: EntityName }
}

/** What policies are written about. */
export interface Subject {
  /** A request that they have in view, though not only it. */
  readonly request: RequestJson
  readonly surroundings: Surroundings
  /** Entities and actions that there are. */
  readonly entities: readonly EntityName[]
  readonly actions: readonly EntityName[]
}

type Party = 'principal' | 'resource'

const MAX_POLICIES = 50
const ODD_IDS = ['__proto__', 'constructor', 'a b', '0', '😀']

export function randomPolicySet(random: Random, subjects: readonly Subject[]): PolicySetJson {
  return new SetMaker(random, subjects).make()
}

class SetMaker {
  readonly #random: Random
  readonly #subjects: readonly Subject[]
  readonly #forbids: number

  constructor(random: Random, subjects: readonly Subject[]) {
    this.#random = random
    this.#subjects = subjects
    this.#forbids = random.pick([0, 0.1, 0.4])
  }

  make(): PolicySetJson {
    const random = this.#random
    // Mostly few, but every size is reached.
    const size = 1 + Math.floor(MAX_POLICIES * random.next() ** (random.chance(0.1) ? 1 : 6))
    const templates: [string, Json][] = []
    const templateLinks: LinkJson[] = []
    if (random.chance(0.6)) {
      for (let left = 1 + random.below(size); left > 0; ) {
        const id = `t${templates.length}`
        const slots = random.pick<readonly Party[]>([['principal'], ['resource'], ['principal', 'resource']])
        templates.push([id, this.#formed(this.#policy(slots))])
        const links = Math.min(left, random.below(5))
        for (let link = 0; link < links; link++) {
          templateLinks.push(this.#link(id, `l${templateLinks.length}`, slots))
        }
        left -= links + 1
      }
    }
    const count = Math.max(0, size - templateLinks.length)
    const policies = Array.from({ length: count }, () => this.#policy([]))
    return {
      staticPolicies: this.#statics(policies),
      templates: Object.fromEntries(templates),
      templateLinks,
    }
  }

  #statics(policies: readonly string[]): Json {
    const random = this.#random
    if (random.chance(0.2)) return policies.join('\n')
    const isOdd = random.chance(0.1)
    return Object.fromEntries(
      policies.map((text, index) => [(isOdd && ODD_IDS[index]) || `p${index}`, this.#formed(text)]),
    )
  }

  /** As text, with or without parentheses that are not needed, or as JSON, with constants in either form. */
  #formed(text: string): Json {
    const roll = this.#random.next()
    if (roll < 0.5) return text
    const parsed = parsePolicies(text)
    const [policy] = parsed.ok ? parsed.value : []
    if (policy === undefined) throw new Error(`${JSON.stringify(parsed)}\n${text}`)
    if (roll < 0.65) return policyToText(policy)
    const json = parseExactly(policyToJson(policy))
    return roll < 0.85 ? json : withLiterals(this.#random, json)
  }

  #link(templateId: string, newId: string, slots: readonly Party[]): LinkJson {
    const { request, entities } = this.#random.pick(this.#subjects)
    const values = slots.map((slot): [string, EntityName] => {
      const name = this.#random.chance(0.7) ? request[slot] : this.#random.pick(entities)
      return [`?${slot}`, { type: name.type, id: name.id }]
    })
    return { templateId, newId, values: Object.fromEntries(values) }
  }

  #policy(slots: readonly Party[]): string {
    const random = this.#random
    const subject = random.pick(this.#subjects)
    const writer = new Writer(random, subject.surroundings)
    const effect = random.chance(this.#forbids) ? 'forbid' : 'permit'
    const annotations = random.chance(0.1) ? `@id("other") @note ` : ''
    const scope = [
      this.#party('principal', subject, slots),
      this.#action(subject),
      this.#party('resource', subject, slots),
    ]
    const conditions = random.some(2, () => {
      const kind = random.chance(0.75) ? 'when' : 'unless'
      return ` ${kind} { ${writer.write('bool', random.below(5))} }`
    })
    return `${annotations}${effect} (${scope.join(', ')})${conditions.join('')};`
  }

  #party(who: Party, { request, surroundings }: Subject, slots: readonly Party[]): string {
    const random = this.#random
    const type = random.chance(0.8) ? request[who].type : surroundings.entityType()
    const entity = slots.includes(who)
      ? `?${who}`
      : random.chance(0.5)
        ? uidText(request[who])
        : surroundings.entity()
    const constraints = [`${who} == ${entity}`, `${who} in ${entity}`, `${who} is ${type} in ${entity}`]
    if (slots.includes(who)) return random.pick(constraints)
    return random.chance(0.5) ? who : random.pick([...constraints, `${who} is ${type}`, `${who} is ${type}`])
  }

  #action({ request, actions }: Subject): string {
    const random = this.#random
    const one = (): string => uidText(random.chance(0.6) ? request.action : random.pick(actions))
    return random.pick([
      () => 'action',
      () => 'action',
      () => `action == ${one()}`,
      () => `action in ${one()}`,
      () => `action in [${random.some(3, one).join(', ')}]`,
    ])()
  }
}

function uidText({ type, id }: EntityName): string {
  return `${type}::${quote(id)}`
}

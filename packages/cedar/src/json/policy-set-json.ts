// Sets of policies as JSON: `{ staticPolicies, templates, templateLinks }`, as the official tools read and write them.
// A policy in it is JSON or a Cedar text; its name is the name of the member, and `@id` is only an annotation.

import { ParseFailure } from '../text/cursor.ts'
import { policyFromNode } from './est-read.ts'
import type { JsonOptions } from './est-read.ts'
import { array, entityText, object, policyToJson, quoted } from './est-write.ts'
import { withJson } from './json.ts'
import type { JsonNode } from './json.ts'
import { failAt, fieldsOf, itemsOf, membersOf, textOf } from './json-access.ts'
import { parsePolicies } from '../text/parse.ts'
import type { PolicyError, Result, Source } from '../policy/result.ts'
import type { Policy } from '../policy/syntax.ts'
import { link } from '../policy/template.ts'
import type { SlotValues } from '../policy/template.ts'
import { entityFromNode } from './value-json.ts'

export interface TemplateLink {
  readonly templateId: string
  /** The id of the policy that comes of it. */
  readonly newId: string
  readonly values: SlotValues
}

/** A set of policies as its parts. */
export interface PolicyParts {
  readonly staticPolicies: readonly Policy[]
  readonly templates: readonly Policy[]
  readonly templateLinks: readonly TemplateLink[]
}

/** The static policies, then one policy for each link: what `compile` takes. */
export function linkAll({ staticPolicies, templates, templateLinks }: PolicyParts): Result<Policy[]> {
  const policies = [...staticPolicies]
  const errors: PolicyError[] = []
  const byId = new Map(templates.map((template) => [template.id, template]))
  for (const { templateId, newId, values } of templateLinks) {
    const template = byId.get(templateId)
    const linked = template === undefined ? undefined : link(template, newId, values)
    if (linked?.ok) policies.push(linked.value)
    else errors.push(...(linked?.errors ?? [noTemplate(templateId, newId)]))
  }
  return errors.length === 0 ? { ok: true, value: policies } : { ok: false, errors }
}

function noTemplate(templateId: string, newId: string): PolicyError {
  const message = `there is no template ${JSON.stringify(templateId)} for the link ${JSON.stringify(newId)}`
  return { message, file: '', line: 1, column: 1 }
}

/** Writes a set of policies, all of them as JSON. */
export function policySetToJson({ staticPolicies, templates, templateLinks }: PolicyParts): string {
  const byId = (policies: readonly Policy[]): string =>
    object(policies.map((policy) => [policy.id, policyToJson(policy)]))
  return object([
    ['staticPolicies', byId(staticPolicies)],
    ['templates', byId(templates)],
    ['templateLinks', array(templateLinks.map(linkText))],
  ])
}

function linkText({ templateId, newId, values }: TemplateLink): string {
  const slots = (['principal', 'resource'] as const).flatMap((slot) => {
    const entity = values[slot]
    return entity === undefined ? [] : [[`?${slot}`, entityText(entity)] as const]
  })
  return object([
    ['templateId', quoted(templateId)],
    ['newId', quoted(newId)],
    ['values', object(slots)],
  ])
}

/**
 * Reads a set of policies. `staticPolicies` may also be a list, or one Cedar text; then policies are named `policy0`,
 * `policy1` and so on by their place. Never throws. Errors, one for each policy that has any: what cannot be read, ids
 * that stand twice, links that do not fit.
 */
export function policySetFromJson(json: string, options: JsonOptions = {}): Result<PolicyParts> {
  const file = options.file ?? 'policies.json'
  const read = withJson(json, file, (root, source) => new SetReader(source).read(root))
  if (!read.ok) return read
  const { parts, errors } = read.value
  return errors.length === 0 ? { ok: true, value: parts } : { ok: false, errors }
}

class SetReader {
  readonly #source: Source
  readonly #errors: PolicyError[] = []
  readonly #ids = new Set<string>()

  constructor(source: Source) {
    this.#source = source
  }

  read(root: JsonNode): { parts: PolicyParts; errors: readonly PolicyError[] } {
    const fields = fieldsOf(root, 'a set of policies', [], ['staticPolicies', 'templates', 'templateLinks'])
    const { staticPolicies: statics, templates: open, templateLinks: links } = fields
    const staticPolicies = statics === undefined ? [] : this.#statics(statics)
    const templates = open === undefined ? [] : this.#named(open, 'template')
    const byId = new Map(templates.map((template) => [template.id, template]))
    const templateLinks = (links === undefined ? [] : itemsOf(links, '"templateLinks"')).flatMap((node) =>
      this.#each(() => this.#link(node, byId)),
    )
    return { parts: { staticPolicies, templates, templateLinks }, errors: this.#errors }
  }

  #statics(node: JsonNode): Policy[] {
    if (node.kind === 'object') return this.#named(node, 'policy')
    if (node.kind === 'string') {
      const policies = this.#fromText(node.value, '', 'policy')
      for (const { id } of policies) this.#claim(node, id)
      return policies
    }
    return itemsOf(node, '"staticPolicies"').flatMap((item, index) =>
      this.#each(() => this.#policy(item, `policy${index}`, 'policy')),
    )
  }

  #named(node: JsonNode, kind: 'policy' | 'template'): Policy[] {
    const members = membersOf(node, kind === 'policy' ? '"staticPolicies"' : '"templates"')
    return [...members].flatMap(([id, member]) => this.#each(() => this.#policy(member, id, kind)))
  }

  #policy(node: JsonNode, id: string, kind: 'policy' | 'template'): Policy[] {
    this.#claim(node, id)
    if (node.kind === 'string') {
      const before = this.#errors.length
      const policies = this.#fromText(node.value, id, kind)
      if (policies.length !== 1 && this.#errors.length === before) {
        failAt(node, `${JSON.stringify(id)} must be one ${kind}, not ${policies.length}`)
      }
      return policies.map((policy) => Object.freeze({ ...policy, id }))
    }
    return this.#checked([policyFromNode(node, id, this.#source)], kind)
  }

  /** Positions are those in the text itself. */
  #fromText(text: string, id: string, kind: 'policy' | 'template'): Policy[] {
    const file = id === '' ? this.#source.file : `${this.#source.file}#${id}`
    const parsed = parsePolicies(text, { file, ids: 'position' })
    if (parsed.ok) return this.#checked(parsed.value, kind)
    this.#errors.push(...parsed.errors)
    return []
  }

  /** Those of the kind that belongs here; an error for each other one. */
  #checked(policies: readonly Policy[], kind: 'policy' | 'template'): Policy[] {
    return policies.filter(({ id, slots, position }) => {
      const fits = slots.length > 0 === (kind === 'template')
      const other = kind === 'template' ? 'has no slots, so it is no template' : 'is a template'
      if (!fits) this.#errors.push({ message: `${JSON.stringify(id)} ${other}`, ...position })
      return fits
    })
  }

  #link(node: JsonNode, templates: ReadonlyMap<string, Policy>): TemplateLink[] {
    const fields = fieldsOf(node, 'a link', ['templateId', 'newId', 'values'])
    const templateId = textOf(fields.templateId, '"templateId"')
    const newId = textOf(fields.newId, '"newId"')
    this.#claim(node, newId)
    const slots = fieldsOf(fields.values, '"values"', [], ['?principal', '?resource'])
    const { '?principal': principal, '?resource': resource } = slots
    const values: SlotValues = {
      ...(principal === undefined ? {} : { principal: entityFromNode(principal) }),
      ...(resource === undefined ? {} : { resource: entityFromNode(resource) }),
    }
    const template = templates.get(templateId)
    if (template === undefined) return failAt(node, `there is no template ${JSON.stringify(templateId)}`)
    const linked = link(template, newId, values)
    return linked.ok ? [{ templateId, newId, values }] : failAt(node, linked.errors[0]?.message ?? '')
  }

  /** Policies, templates and links share one space of ids. */
  #claim(node: JsonNode, id: string): void {
    if (id === '') failAt(node, 'an id must not be empty')
    if (this.#ids.has(id)) failAt(node, `the id ${JSON.stringify(id)} stands twice`)
    this.#ids.add(id)
  }

  /** Notes what is wrong with one part and goes on with the next. */
  #each<T>(read: () => T[]): T[] {
    try {
      return read()
    } catch (failure) {
      if (!(failure instanceof ParseFailure)) throw failure
      this.#errors.push({ message: failure.message, ...this.#source.locate(failure.at) })
      return []
    }
  }
}

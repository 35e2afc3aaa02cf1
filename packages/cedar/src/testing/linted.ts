// For tests: what the linter says about policies, with or without this schema.

import { expect } from 'vitest'
import type { RuleName } from '../lint/finding.ts'
import { lint } from '../lint/lint.ts'
import type { Policy } from '../policy/syntax.ts'
import { readSchema } from '../schema/read-schema.ts'
import type { Schema } from '../schema/schema.ts'
import { parsePolicies } from '../text/parse.ts'

/** Policies that are known to be right. */
export function policies(text: string): Policy[] {
  const parsed = parsePolicies(text, { file: 'a.cedar' })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors))
  return parsed.value
}

function schemaOf(text: string): Schema {
  const read = readSchema(text)
  if (!read.ok) throw new Error(JSON.stringify(read.errors))
  return read.value
}

export const SCHEMA = schemaOf(`
  entity Group;
  entity User in Group = { level: Long, nick?: String, manager?: User } tags String;
  entity Robot = { level?: Long };
  entity Folder in Folder;
  entity File in Folder = { owner: User, size?: Long, meta: { note?: String } };
  entity Mode enum ["fast", "slow"];
  action all;
  action change in all;
  action read in all appliesTo {
    principal: [User, Robot], resource: File,
    context: { path?: String, limit: Long, task?: { id: String, depth?: Long } }
  };
  action write in change appliesTo { principal: User, resource: File, context: { path: String } };
  action list in all appliesTo { principal: User, resource: [Folder, Mode], context: {} };
`)

/** The scope of a policy. */
export const USER_READS = 'permit (principal is User, action == Action::"read", resource)'

/** What a rule says about the text: where it points to, as the beginning of what stands there. */
export function places(rule: RuleName, text: string, options: { schema?: Schema } = {}): string[] {
  return lint(policies(text), options)
    .filter((finding) => finding.rule === rule)
    .map(({ line, column }) => text.split('\n')[line - 1]?.slice(column - 1) ?? '')
}

/** What a rule is to say: nothing, or one thing about the place that begins so. */
export function expectOnly(rule: RuleName, text: string, place: string | undefined, options = {}): void {
  const found = places(rule, text, options)
  if (place === undefined) expect(found, text).toEqual([])
  else {
    expect(found, text).toHaveLength(1)
    expect(found[0]?.slice(0, place.length)).toBe(place)
  }
}

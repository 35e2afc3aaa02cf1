// For tests: random policies about the arguments of a call, as a gateway for tools has them.

import type { Random } from './random.ts'

const SCOPES = [
  'principal, action, resource',
  'principal in Group::"staff", action, resource',
  'principal, action == Action::"read", resource in Folder::"home"',
  'principal is User, action in Action::"any", resource is File',
  'principal == User::"bob", action, resource',
]

const CONDITIONS = [
  'context.input.limit <= 1000',
  'context.input.limit > 100',
  'context.input.path like "/home/*"',
  'context.input has path && context.input.path like "*.pem"',
  'context.input has path && context.input.path like "*..*"',
  'context.input has dryRun && context.input.dryRun',
  'context.input has dryRun',
  'context.input.mode == "read"',
  'context.input.mode != "write"',
  '["read", "list"].contains(context.input.mode)',
  'context.input.tags.contains("public")',
  'context.input.tags.containsAny(principal.labels)',
  'context.input has options.depth && context.input.options.depth < 3',
  'context.input.owner == principal.name',
  'if context.input has mode then context.input.mode == "read" else true',
  'principal.age >= 18',
  'resource.size > 1000',
  'context has task',
  'context.environment == "prod"',
]

/** Reads `context.input` of a call by ALICE on FILE, and what else is known there. */
export function randomArgumentPolicy(random: Random): string {
  const effect = random.chance(0.6) ? 'permit' : 'forbid'
  const condition = (): string => {
    const text = `(${random.pick(CONDITIONS)})`
    return random.chance(0.2) ? `!${text}` : text
  }
  const conditions = random.some(2, () => {
    const parts = [condition(), ...random.some(2, condition)]
    return `${random.chance(0.7) ? 'when' : 'unless'} { ${parts.join(random.pick([' && ', ' || ']))} }`
  })
  return `${effect} (${random.pick(SCOPES)}) ${conditions.join(' ')};`
}

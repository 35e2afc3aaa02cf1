/**
 * Scopes that a token must have besides what policies permit (RFC 6750, 3.1; MCP, authorization). They are asked about
 * last: who may not do something anyway is told so as without them, so a challenge never tells of what is hidden. What
 * only a scope stands before stays listed, like what only a task or an approval does, so that a client can ask for it.
 */
import type { Decision, Query } from '../model/decision.ts'
import { scopesKnownTo, type ServerScopes } from '../model/scopes.ts'

/** The same decision; a refusal instead where it allows what the caller's token is not good for. */
export function requireScopes(
  decision: Decision,
  { caller, server, target }: Query,
  required: ServerScopes | undefined,
): Decision {
  const { method, scopes: held = [] } = caller.authentication
  if (required === undefined || decision.effect === 'deny' || method !== 'token') return decision
  const tool = target.resource.type === 'Tool' ? target.resource.id.slice(`${server}__`.length) : ''
  const needed = new Set([...required.server, ...(required.tools.get(tool) ?? [])])
  const lacking = [...needed].filter((scope) => !held.includes(scope))
  if (lacking.length === 0) return decision
  // Those that it has are asked for again, so that a token for one tool does not cost the client that for another.
  const kept = scopesKnownTo(required).filter((scope) => held.includes(scope) && !needed.has(scope))
  const names = lacking.join(' ')
  return {
    effect: 'deny',
    policies: [],
    detail: `the token lacks the scope ${names}`,
    refusal: {
      reason: 'not-permitted',
      message: `This needs a token with the scope ${names}.`,
      remedy: { kind: 'scope', scopes: [...needed, ...kept] },
    },
  }
}

/**
 * Who handed the work on to whom, as the claim `act` tells it (RFC 8693, 4.1): the actor that calls is outermost, those
 * before it are inside. Also by that section, only the principal and the actor that calls count for access; those before are
 * told to policies and to the log, which may ask for them.
 */
import type { Delegation, EntityRef } from '../model/caller.ts'
import { LOCAL_ISSUER, type TokenIssuer } from '../model/issuer.ts'
import { err, ok, type Result } from '../model/result.ts'
import { isName } from './claims.ts'
import type { Members } from './jwt.ts'

/** Work that was handed on more often than this has no one who answers for it. */
export const MAX_DELEGATION_DEPTH = 8

/** The client that was first to act, before anything was handed on: `act` has no place for it. A claim of our own tokens. */
export const FIRST_CLIENT_CLAIM = 'first_client_id'

type Named = Pick<TokenIssuer, 'name' | 'issuer'>

/** The delegation that a token tells of; undefined when it was not handed on. The error is for the log. */
export function delegationOf(claims: Members, issuer: Named): Result<Delegation | undefined, string> {
  const actors: EntityRef[] = []
  let at: unknown = claims['act']
  while (at !== undefined) {
    if (typeof at !== 'object' || at === null || Array.isArray(at))
      return err('the claim act is not an actor')
    const { sub, iss, act } = at as Members
    if (!isName(sub)) return err('the claim act does not name an actor')
    // A name of another issuer's would be taken for one of this issuer's.
    if (iss !== undefined && iss !== issuer.issuer)
      return err('the claim act names an actor of another issuer')
    if (actors.length === MAX_DELEGATION_DEPTH)
      return err(`the work was handed on more than ${MAX_DELEGATION_DEPTH} times`)
    actors.push(agentNamed(issuer, sub))
    at = act
  }
  if (actors.length === 0) return ok(undefined)
  const first = issuer.name === LOCAL_ISSUER ? claims[FIRST_CLIENT_CLAIM] : undefined
  const before = isName(first) ? [agentNamed(issuer, first)] : []
  return ok({ depth: actors.length, chain: [...before, ...actors.reverse()] })
}

/** An agent of this issuer's. */
export function agentNamed({ name }: Pick<Named, 'name'>, id: string): EntityRef {
  return { type: 'Agent', id: `${name}/${id}` }
}

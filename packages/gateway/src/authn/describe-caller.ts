/** A caller, as they are told who they are: what policies see of them, and how it was proved. Never the credential. */
import { type Caller, showEntity } from '../model/caller.ts'

export interface CallerDescription {
  /** In Cedar's notation, as in policies and in the log. */
  readonly principal: string
  readonly agent?: string
  /** Who handed the work on, in order. */
  readonly delegation?: readonly string[]
  readonly groups?: readonly string[]
  readonly tags?: Readonly<Record<string, string>>
  readonly authentication: {
    readonly method: string
    /** Name of the credential, as in the log. */
    readonly credential?: string
    readonly issuer?: string
    readonly client?: string
    readonly clientProof?: string
    readonly strength?: string
    readonly bound?: string
    /** Id of the task that the credential is for. */
    readonly task?: string
    /** RFC 3339: when the person signed in, and when the credential ceases to be good. */
    readonly at?: string
    readonly goodUntil?: string
  }
}

/** Describes a caller. */
export function describeCaller({
  principal,
  agent,
  delegation,
  known,
  authentication,
}: Caller): CallerDescription {
  const { atMs, goodUntilMs, ...proof } = authentication
  return {
    principal: showEntity(principal),
    ...(agent === undefined ? {} : { agent: showEntity(agent) }),
    ...(delegation === undefined ? {} : { delegation: delegation.chain.map(showEntity) }),
    ...(known === undefined ? {} : { groups: known.groups.map(showEntity), tags: known.tags }),
    authentication: {
      ...proof,
      ...(atMs === undefined ? {} : { at: new Date(atMs).toISOString() }),
      ...(goodUntilMs === undefined ? {} : { goodUntil: new Date(goodUntilMs).toISOString() }),
    },
  }
}

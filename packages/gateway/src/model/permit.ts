/**
 * The right to forward one message, once decided and recorded. A Permit cannot be written down by hand:
 * its constructor needs a key that never leaves this module, and `isPermit` looks for a private member.
 * Only pipeline.ts may import `mintPermit`; the linter says so to everyone else.
 */
import type { Caller } from './caller.ts'
import type { Approval } from './decision.ts'
import type { DurableEntry } from './entry.ts'
import type { Message } from './message.ts'
import type { UpstreamSession } from './upstream.ts'

export interface PermitFields {
  readonly caller: Caller
  readonly server: string
  readonly message: Message
  /** The decision, already durable. */
  readonly entry: DurableEntry
  /** The upstream's side of the legacy session that the message belongs to. */
  readonly session?: UpstreamSession | undefined
  /** What it goes ahead by, where a person had to be asked. It is used up. */
  readonly approval?: Approval | undefined
}

const mintKey = Symbol('mint')

export class Permit {
  readonly #minted = true
  readonly caller: Caller
  readonly server: string
  readonly message: Message
  readonly entry: DurableEntry
  readonly session: UpstreamSession | undefined
  readonly approval: Approval | undefined

  constructor(key: symbol, fields: PermitFields) {
    if (key !== mintKey) throw new TypeError('A Permit is minted by the pipeline, after a recorded decision.')
    this.caller = fields.caller
    this.server = fields.server
    this.message = fields.message
    this.entry = fields.entry
    this.session = fields.session
    this.approval = fields.approval
  }

  /** False for anything but a minted Permit: copies, prototypes and look-alikes included. */
  static isPermit(value: unknown): value is Permit {
    return typeof value === 'object' && value !== null && #minted in value && value.#minted
  }
}

/** Mints a Permit. */
export function mintPermit(fields: PermitFields): Permit {
  return new Permit(mintKey, fields)
}

/** Throws unless `permit` was minted: the first line of every `forward`. */
export function requirePermit(permit: Permit): void {
  if (!Permit.isPermit(permit)) throw new TypeError('forward was called without a minted Permit.')
}

/** What of the ledger is saved, so that only what the log holds beyond it is counted again (see replay.ts). */
import type { AccountState } from './budget.ts'
import type { CountState, Holder } from './history.ts'

export interface LedgerState {
  readonly accounts: readonly AccountState[]
  /** Counted in the accounts until now; how they ended is in the log after it, or nowhere. */
  readonly underWay: readonly UnderWayState[]
  readonly counts: readonly CountState[]
}

export interface UnderWayState {
  readonly requestId: string
  /** Its task and those above it. */
  readonly tasks: readonly string[]
  readonly tool: string | undefined
  readonly holder: Holder | undefined
  /** Counted so far. */
  readonly deliveredBytes: number
}

/** One thing that the agent did, and what it was told: a line of its output. */
export interface Step {
  readonly does: string
  /** Whether a file told it to. */
  readonly planted: boolean
  /** The full name; absent where it asked for a list. */
  readonly tool?: string
  readonly input?: Readonly<Record<string, unknown>>
  /** The text that a model would read. */
  readonly answer: string
  readonly isError: boolean
  /** There when the gateway refused it. */
  readonly refusal?: {
    readonly reason: string
    readonly requestId: string
    readonly remedy?: { readonly kind: string } & Readonly<Record<string, unknown>>
    readonly arguments?: readonly string[]
  }
}

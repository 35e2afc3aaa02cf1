/** Named counters that policies see as `context.history.<name>`, as configured. */
export interface CounterRule {
  readonly name: string
  /** `calls`: calls let through; `refused`: calls refused; `result_bytes`: bytes of results that went to the agent. */
  readonly count: 'calls' | 'refused' | 'result_bytes'
  /** Full names; undefined: every call. */
  readonly tools?: ReadonlySet<string>
  /** Whose calls are counted together. */
  readonly per: 'task' | 'principal' | 'agent'
  readonly windowMs: number
}

/** What policies see of somebody who has done nothing yet; undefined where nothing is counted. */
export function nothingYet(counters: readonly string[]): Readonly<Record<string, number>> | undefined {
  return counters.length === 0 ? undefined : Object.fromEntries(counters.map((name) => [name, 0]))
}

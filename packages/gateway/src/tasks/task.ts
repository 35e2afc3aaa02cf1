/**
 * A task at run time: its grant and those of the tasks that it is a part of, compiled. A call is within it when every
 * one of them allows it, so a part can never do what the whole cannot.
 */
import { OWN_SERVER } from '../model/names.ts'
import type { Result } from '../model/result.ts'
import type { TaskRecord } from '../model/task.ts'
import { type ArgumentCheck, compileConstraints, type Sight } from './constraints/compile.ts'
import type { Use } from './use.ts'
import type { KnownValues } from './values.ts'

export interface ConstraintOptions {
  /** What is seen of the file system for a task; asked once for each grant. */
  sightOf(task: TaskRecord): Sight
}

/** What of a grant a call is not within. */
export interface Outside {
  /** Whose grant it is. */
  readonly task: TaskRecord
  /** Completes "The task …", for the caller. */
  readonly message: string
  /** The argument that has to be different, dotted; undefined: the tool or server is not in it at all. */
  readonly argument?: string
}

export interface TaskParts {
  readonly chain: readonly [TaskRecord, ...TaskRecord[]]
  readonly endorsed: readonly string[]
  readonly values: KnownValues
}

export class Task {
  readonly record: TaskRecord
  /** Itself, its parent, and so on. */
  readonly chain: readonly TaskRecord[]
  /** Values that a person has endorsed, for it or one above it. */
  readonly endorsed: readonly string[]
  /** What accounts for values besides the grants: endorsements, and what trusted tools have told. */
  readonly values: KnownValues
  readonly #grants: readonly CompiledGrant[]

  constructor({ chain, endorsed, values }: TaskParts, options: ConstraintOptions) {
    this.record = chain[0]
    this.chain = chain
    this.endorsed = endorsed
    this.values = values
    this.#grants = chain.map((task) => new CompiledGrant(task, options))
  }

  /** Why it is over by then, as a sentence; undefined while it lasts. */
  overAt(nowMs: number): string | undefined {
    for (const { ended, expiresAtMs } of this.chain) {
      if (ended !== undefined) return `it was ended (${ended.why}).`
      if (expiresAtMs <= nowMs) return 'its time is up.'
    }
    return undefined
  }

  /** The first grant that does not allow it, if any. */
  outside(use: Use): Outside | undefined {
    // In every task, since its tools tell of the task.
    if (use.server === OWN_SERVER) return undefined
    for (const grant of this.#grants) {
      const outside = grant.outside(use)
      if (outside !== undefined) return outside
    }
    return undefined
  }
}

/** What a grant says of a tool. */
interface ToolLimits {
  readonly isIncluded: boolean
  /** Compiles the limits on its arguments, or finds them compiled; absent where there are none. */
  readonly check?: () => Result<ArgumentCheck, string>
}

/** One grant; what it says of a tool is compiled when the first call of that tool comes. */
class CompiledGrant {
  readonly #task: TaskRecord
  readonly #sight: Sight
  readonly #servers: ReadonlySet<string>
  /** Servers of which it has a tool. */
  readonly #touched: ReadonlySet<string>
  /** By full name, for tools that are read-only and for those that are not. */
  readonly #readOnly = new Map<string, ToolLimits>()
  readonly #writing = new Map<string, ToolLimits>()

  constructor(task: TaskRecord, options: ConstraintOptions) {
    this.#task = task
    this.#sight = options.sightOf(task)
    this.#servers = new Set(task.grant.servers)
    this.#touched = new Set(Object.keys(task.grant.tools).map((tool) => tool.slice(0, tool.indexOf('__'))))
  }

  outside(use: Use): Outside | undefined {
    switch (use.kind) {
      case 'server':
        return this.#servers.has(use.server) || this.#touched.has(use.server)
          ? undefined
          : this.#not(`has nothing on the server ${use.server}`)
      case 'method':
        return this.#not(
          `does not include ${use.name}: a grant names tools, and no methods besides those of MCP`,
        )
      case 'reading':
        return this.#servers.has(use.server) ? undefined : this.#not(`does not include ${use.name}`)
      case 'tool':
        return this.#outsideTool(use)
    }
  }

  #outsideTool({ server, name, facts, input }: Use & { kind: 'tool' }): Outside | undefined {
    const limits = this.#limitsOf(server, name, facts.readOnly === true)
    if (!limits.isIncluded) return this.#not(`does not include ${name}`)
    if (input === undefined || limits.check === undefined) return undefined
    const check = limits.check()
    if (!check.ok) return this.#not(`cannot be read for ${name}: ${check.error}`)
    const violation = check.value(input)
    if (violation === undefined) return undefined
    const { argument, message } = violation
    return {
      ...this.#not(`allows ${name} only with other arguments: ${JSON.stringify(argument)} ${message}`),
      argument,
    }
  }

  #limitsOf(server: string, name: string, isReadOnly: boolean): ToolLimits {
    const known = isReadOnly ? this.#readOnly : this.#writing
    const before = known.get(name)
    if (before !== undefined) return before
    const { grant } = this.#task
    const constraints = ownOf(grant.tools, name)
    const isNever = ownOf(grant.budget.calls_per_tool ?? {}, name) === 0
    const isIncluded = !isNever && (constraints !== undefined || (isReadOnly && this.#servers.has(server)))
    const others = isReadOnly ? grant.other_arguments : 'refuse'
    const base = this.#sight.baseOf?.(server)
    let compiled: Result<ArgumentCheck, string> | undefined
    const check = () =>
      (compiled ??= compileConstraints(constraints ?? {}, { others, sight: this.#sight, base }))
    const limits = constraints === undefined && others === 'allow' ? { isIncluded } : { isIncluded, check }
    // Names that no server has are not worth remembering, and there is no end of them.
    if (isIncluded) known.set(name, limits)
    return limits
  }

  #not(message: string): Outside {
    return { task: this.#task, message }
  }
}

function ownOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

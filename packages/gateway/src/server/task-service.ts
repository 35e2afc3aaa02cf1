/**
 * What a gateway runs for tasks: the registry and what each has used up, the desk where they are begun and widened, the
 * approvals that people are asked for, and the server that tells agents of it.
 */
import { randomBytes } from 'node:crypto'
import type { Trail } from '../audit/trail.ts'
import type { Config } from '../config/config.ts'
import type { Authentication } from '../model/caller.ts'
import type { Refusal } from '../model/refusal.ts'
import type { Upstream } from '../model/upstream.ts'
import { APPROVALS } from '../oauth/paths.ts'
import type { AuditFile, LogPosition } from '../store/audit-file.ts'
import { linesSince } from '../store/audit-since.ts'
import type { ApprovalRecord } from '../tasks/approvals.ts'
import { Paths } from '../tasks/path.ts'
import { Tasks } from '../tasks/tasks.ts'
import { approvalRoutes, shapeOf } from './admin-approvals.ts'
import type { AdminRoutes } from './admin-request.ts'
import { taskRoutes } from './admin-tasks.ts'
import { ApprovalDesk } from './approval-desk.ts'
import { addressOf } from './identity.ts'
import { createOwnServer } from './own/create.ts'
import { LastRefusals } from './own/last-refusals.ts'
import { SIGHT } from './sight.ts'
import type { Built } from './snapshot.ts'
import type { Stores } from './stores.ts'
import { TaskDesk } from './task-desk.ts'
import { TaskLedger } from './task-ledger.ts'
import { readWebhookKey, sendWebhook, WEBHOOK_ATTEMPTS } from './webhook.ts'

export interface TaskServiceOptions {
  readonly stores: Pick<Stores, 'tasks' | 'keys' | 'ledger' | 'approvals'>
  readonly trail: Pick<Trail, 'recordEvent'>
  /** The log from which what was used up is counted again; undefined where there is none that could be read. */
  readonly audit: AuditFile | undefined
  built(): Built
  /** Where callers reach the gateway, as RunningGateway tells it. */
  endpoint(): string
  /** Whether people can sign in here. */
  hasPages(): boolean
  /** Ends sessions, streams and calls of callers who proved who they are in such a way. */
  endWhere(isOver: (authentication: Authentication) => boolean): void
  /** Ends the calls of a task that are under way. */
  endCalls(task: string, refusal: Refusal): void
  log(text: string): void
}

export class TaskService {
  readonly #options: TaskServiceOptions
  readonly #counts: TaskLedger
  readonly #stopped = new AbortController()
  readonly tasks: Tasks
  readonly paths = new Paths()
  readonly refusals = new LastRefusals()
  readonly desk: TaskDesk
  readonly approvals: ApprovalDesk
  /** The server `tollgate`. */
  readonly own: Upstream

  constructor(options: TaskServiceOptions) {
    this.#options = options
    const { stores } = options
    this.tasks = new Tasks({
      lookup: stores.tasks,
      sight: { ...SIGHT, baseOf: (server) => this.#folderOf(server) },
      valueKey: randomBytes(32),
      now: Date.now,
    })
    this.#counts = createLedger(options)
    this.desk = new TaskDesk({
      tasks: stores.tasks,
      keys: stores.keys,
      trail: options.trail,
      config: () => this.#config,
      address: () => this.#address(),
      now: Date.now,
      changed: () => this.#endThoseOver(),
    })
    this.approvals = new ApprovalDesk({
      store: stores.approvals,
      trail: options.trail,
      config: () => this.#config,
      policies: () => options.built().snapshot.policies,
      isOver: (task) => this.tasks.isOver(task),
      pathOf: (task) => this.paths.of(task),
      pageOf: (id) => this.#pageOf(id),
      endorse: (task, value, by) => this.desk.endorse(task, value, by),
      asked: (record) => this.#tellOf(record),
      now: Date.now,
    })
    this.own = createOwnServer({ desk: this.desk, counts: this.ledger, refusals: this.refusals })
  }

  /** What tasks, and the counters of `history`, have come to. */
  get ledger(): TaskLedger['ledger'] {
    return this.#counts.ledger
  }

  /** What the admin API is asked about them. */
  get routes(): readonly AdminRoutes[] {
    return [taskRoutes(this.desk, this.ledger), approvalRoutes(this.approvals)]
  }

  /** Reads what was counted before this gateway started. Never rejects. */
  restore(): Promise<void> {
    return this.#counts.restore()
  }

  /** Counts by these counters from now on. */
  configure({ history }: Config): void {
    this.ledger.history.configure(history)
    this.#checkWebhook()
  }

  /** Ends what is over, and keeps what was counted; often. */
  check(): void {
    this.#endThoseOver()
    this.#counts.check((task) => this.tasks.isOver(task))
  }

  close(): void {
    this.#stopped.abort()
    this.#counts.close()
  }

  get #config(): Config {
    return this.#options.built().config
  }

  #endThoseOver(): void {
    this.tasks.check()
    this.#options.endWhere(({ task }) => task !== undefined && this.tasks.isOver(task))
  }

  /** The folder that a server runs in: those that others started are somewhere else, or nowhere here. */
  #folderOf(name: string): string | undefined {
    const server = this.#config.servers.get(name)
    return server?.kind === 'command' ? server.cwd : undefined
  }

  /** By which agents can be led here; undefined on a socket without a public address. */
  #address(): string | undefined {
    const { publicUrl, listen } = this.#config
    const isReached = publicUrl !== undefined || listen.kind === 'tcp'
    return isReached ? addressOf(this.#config, this.#options.endpoint()) : undefined
  }

  #pageOf(id: string): string | undefined {
    if (!this.#options.hasPages()) return undefined
    return `${addressOf(this.#config, this.#options.endpoint())}${APPROVALS}${id}`
  }

  /** Tells a chat tool, where one is configured, of something that waits for a person. */
  #tellOf(record: ApprovalRecord): void {
    const { webhook } = this.#config.approvals
    if (webhook === undefined) return
    const timestamp = new Date(record.askedAtMs).toISOString()
    const body = { type: 'approval.asked', timestamp, data: shapeOf(record, this.approvals) }
    const delivery = { ...WEBHOOK_ATTEMPTS, stopped: this.#stopped.signal }
    void sendWebhook(webhook, { id: record.id, body }, delivery).then((fault) => {
      if (fault !== undefined && !this.#stopped.signal.aborted) this.#options.log(fault)
    })
  }

  /** Before the first question, which nobody would be told of. */
  #checkWebhook(): void {
    const { webhook } = this.#config.approvals
    const key = webhook === undefined ? undefined : readWebhookKey(webhook)
    if (key?.ok === false) this.#options.log(key.error)
  }
}

function createLedger({ stores, audit, built, log, endCalls }: TaskServiceOptions): TaskLedger {
  const { dataDir, history } = built().config
  return new TaskLedger({
    store: stores.ledger,
    tasks: stores.tasks,
    log:
      audit === undefined
        ? undefined
        : {
            position: () => audit.position(),
            since: (position: LogPosition) => linesSince(dataDir, position),
          },
    counters: history,
    now: Date.now,
    note: log,
    endCalls,
  })
}

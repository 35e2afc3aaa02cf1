/**
 * Where tasks are started and ended, whoever asks: on record before it takes effect, and a key shown once. Who may ask
 * for what is the business of those who come here: the operator over the admin API, and agents through the gateway's own
 * server.
 */
import { eventEntry } from '../audit/entries.ts'
import type { Trail } from '../audit/trail.ts'
import type { Config } from '../config/config.ts'
import { type EntityRef, showEntity } from '../model/caller.ts'
import { OWN_SERVER } from '../model/names.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { TaskGrant, TaskRecord } from '../model/task.ts'
import type { KeyStore } from '../store/keys.ts'
import { newTaskId, type TaskStore } from '../store/tasks.ts'
import { MAX_CHAIN } from '../tasks/tasks.ts'
import { serversOf } from './task-grants.ts'
import { readTemplates, type Templates } from './templates.ts'

export interface TaskDeskOptions {
  readonly tasks: TaskStore
  readonly keys: KeyStore
  readonly trail: Pick<Trail, 'recordEvent'>
  config(): Config
  /** By which callers know the gateway: `http://127.0.0.1:7070`; undefined where no URL leads to it. */
  address(): string | undefined
  now(): number
  /** Tasks are not what they were: what runs on them is to look again. */
  changed(): void
}

/** Who asks, for the log. */
export interface By {
  /** `the operator`. */
  readonly who: string
  /** Of the call that asks. */
  readonly requestId?: string
  /** As in other entries. */
  readonly source: string
}

/** Whoever can open the admin socket. */
export const OPERATOR: By = { who: 'the operator', source: 'unix' }

/** A task to start. */
export interface Start {
  readonly principal: EntityRef
  readonly agent?: string | undefined
  readonly parent?: TaskRecord | undefined
  readonly grant: TaskGrant
  readonly prompt?: string | undefined
  readonly by: By
  readonly issuedBy?: EntityRef | undefined
}

export interface Started {
  readonly task: TaskRecord
  /** The credential of the task; it is kept nowhere. */
  readonly key: string
}

/** Rows are kept for ever, so that an agent must not be able to make any number of them. */
const MAX_PARTS = 200

export class TaskDesk {
  readonly #options: TaskDeskOptions

  constructor(options: TaskDeskOptions) {
    this.#options = options
  }

  get config(): Config {
    return this.#options.config()
  }

  now(): number {
    return this.#options.now()
  }

  /** Where the MCP servers of a task are, by name, the gateway's own among them. */
  urlsOf({ grant }: TaskRecord): Readonly<Record<string, string>> {
    const address = this.#options.address()
    if (address === undefined) return {}
    return Object.fromEntries(
      [...serversOf(grant), OWN_SERVER].map((server) => [server, `${address}/mcp/${server}`]),
    )
  }

  /** Starts a task and makes a key for it. Errors are sentences, and then nothing was started. */
  async start(start: Start): Promise<Result<Started, readonly string[]>> {
    const task = await this.begin(start)
    if (!task.ok) return task
    const key = this.makeKey(task.value, task.value.id)
    if (!key.ok) {
      this.#options.tasks.end(task.value.id, 'no key could be made for it', this.#options.now())
      return err([key.error])
    }
    return ok({ task: task.value, key: key.value })
  }

  /** Starts a task that others make credentials for. Errors are sentences, and then nothing was started. */
  async begin(start: Start): Promise<Result<TaskRecord, readonly string[]>> {
    const { principal, agent, parent, grant, prompt, by, issuedBy } = start
    const fault = parent === undefined ? undefined : this.#partFault(parent)
    if (fault !== undefined) return err([fault])
    const id = newTaskId()
    const detail = `started by ${by.who}${parent === undefined ? '' : ` within ${parent.id}`}: ${grant.purpose}`
    const recorded = await this.#record({ task: id, principal, detail, by })
    if (!recorded.ok) return recorded
    const started = this.#options.tasks.start({
      id,
      principal,
      grant,
      nowMs: this.#options.now(),
      ...(agent === undefined ? {} : { agent }),
      ...(parent === undefined ? {} : { parent: parent.id }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(issuedBy === undefined ? {} : { issuedBy }),
    })
    if (!started.ok) return err([started.error])
    this.#options.changed()
    return started
  }

  /** A key for a task, good for as long as the task. The error is a sentence. */
  makeKey(
    { id, principal, agent, expiresAtMs }: TaskRecord,
    name = `${id}-${newTaskId().slice(2, 7)}`,
  ): Result<string, string> {
    const made = this.#options.keys.create({
      name,
      principal,
      ...(agent === undefined ? {} : { agent }),
      task: id,
      expiresAtMs,
      nowMs: this.#options.now(),
    })
    return made.ok ? ok(made.value.token) : made
  }

  /** Ends a task, and with it whatever was started within it. */
  async end(id: string, why: string, by: By): Promise<Result<TaskRecord, readonly string[]>> {
    const task = this.find(id)
    if (task === undefined) return err([noTask(id)])
    if (task.ended !== undefined) return ok(task)
    const detail = `ended by ${by.who}: ${why}`
    const recorded = await this.#record({ task: id, principal: task.principal, detail, by })
    if (!recorded.ok) return recorded
    const ended = this.#options.tasks.end(id, why, this.#options.now())
    this.#options.changed()
    return ended.ok ? ended : err([ended.error])
  }

  /** A value that a person vouches for is accounted for during the rest of a task. */
  async endorse(
    id: string,
    value: string,
    person: EntityRef,
  ): Promise<Result<TaskRecord, readonly string[]>> {
    const task = this.find(id)
    if (task === undefined) return err([noTask(id)])
    if (this.isOver(task)) return err([`The task ${id} is over.`])
    const detail = `${showEntity(person)} endorsed the value ${JSON.stringify(value)}`
    const recorded = await this.#record({ task: id, principal: task.principal, detail, by: OPERATOR })
    if (!recorded.ok) return recorded
    this.#options.tasks.endorse(id, value, person, this.#options.now())
    this.#options.changed()
    return ok(task)
  }

  /** Puts what a person has approved in the place of a task's grant. What was spent stays spent. */
  async widen(task: TaskRecord, grant: TaskGrant, by: By): Promise<Result<TaskRecord, readonly string[]>> {
    const { id, principal } = task
    const detail = `granted more, asked for by ${by.who}: ${JSON.stringify(grant)}`
    const recorded = await this.#record({ task: id, principal, detail, by })
    if (!recorded.ok) return recorded
    const nowMs = this.#options.now()
    const widened = this.#options.tasks.replaceGrant(id, grant, nowMs)
    if (!widened.ok) return err([widened.error])
    this.#options.keys.prolong(id, widened.value.expiresAtMs)
    this.#options.changed()
    return widened
  }

  find(id: string): TaskRecord | undefined {
    return this.#options.tasks.find(id)
  }

  /** Ids of those started within it, over or not. */
  partsOf(id: string): readonly string[] {
    return this.#options.tasks.partsOf(id)
  }

  endorsedIn(id: string): readonly string[] {
    return this.#options.tasks.endorsedIn(id)
  }

  /** The newest first, those that are over too. */
  list(): readonly TaskRecord[] {
    return this.#options.tasks.list()
  }

  /** Whether it, or what it is a part of, has ended or run out of time. */
  isOver(task: TaskRecord): boolean {
    const nowMs = this.#options.now()
    return this.chainOf(task).some(({ ended, expiresAtMs }) => ended !== undefined || expiresAtMs <= nowMs)
  }

  /** Itself, what it is a part of, and so on. */
  chainOf(task: TaskRecord): readonly TaskRecord[] {
    const chain = [task]
    for (let above = task.parent; above !== undefined; above = chain.at(-1)?.parent) {
      const record = this.find(above)
      if (record === undefined) break
      chain.push(record)
    }
    return chain
  }

  templates(): Promise<Templates> {
    return readTemplates(this.config.taskDir)
  }

  /** Why nothing more may be started within a task. */
  #partFault(parent: TaskRecord): string | undefined {
    if (this.isOver(parent)) return `The task ${parent.id} is over.`
    if (this.chainOf(parent).length >= MAX_CHAIN)
      return `Tasks can be parts of parts ${MAX_CHAIN} deep, no deeper.`
    if (this.#options.tasks.partsOf(parent.id).length >= MAX_PARTS)
      return `The task ${parent.id} has had ${MAX_PARTS} parts, and can have no more.`
    return undefined
  }

  async #record({ task, principal, detail, by }: Told): Promise<Result<void, readonly string[]>> {
    const told = { event: 'task', result: 'done', task, principal: showEntity(principal) } as const
    const entry = eventEntry(undefined, { ...told, client: null, detail }, this.#options.now())
    const { requestId = '', source } = by
    const recorded = await this.#options.trail.recordEvent({ ...entry, requestId, source })
    return recorded.ok ? recorded : err([recorded.error.message])
  }
}

interface Told {
  readonly task: string
  readonly principal: EntityRef
  readonly detail: string
  readonly by: By
}

function noTask(id: string): string {
  return `There is no task ${JSON.stringify(id)}.`
}

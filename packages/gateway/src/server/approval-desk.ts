/**
 * Where approvals are asked for, given and used. The pipeline asks; whoever answers comes over the admin API or the page
 * of an approval, and is judged by the policies like any caller: the action is `approvals/approve`, on the tool.
 */
import { randomBytes } from 'node:crypto'
import { eventEntry } from '../audit/entries.ts'
import type { Trail } from '../audit/trail.ts'
import type { Config } from '../config/config.ts'
import { type EntityRef, showEntity } from '../model/caller.ts'
import type { Approval, Query } from '../model/decision.ts'
import type { EventEntry } from '../model/entry.ts'
import { nothingYet } from '../model/history.ts'
import { type Refusal, unavailable } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Gateway } from '../pipeline.ts'
import type { Asked, Judged } from '../pipeline/judge.ts'
import { decide } from '../policy/decide.ts'
import type { Policies } from '../policy/policies.ts'
import {
  type Answerer,
  type ApprovalRecord,
  type ApprovalStore,
  type ApprovalQuestion,
  bindingOf,
  showState,
} from '../tasks/approvals.ts'
import type { Step } from '../tasks/path.ts'
import { base32 } from '../store/base32.ts'

export interface ApprovalDeskOptions {
  readonly store: ApprovalStore
  readonly trail: Pick<Trail, 'recordEvent'>
  config(): Config
  policies(): Policies
  /** Whether a task has ended: nothing can be called on it any more. */
  isOver(task: string): boolean
  /** How a task came to where it is. */
  pathOf(task: string): readonly Step[]
  /** Where the page of an approval is; undefined where nobody can sign in. */
  pageOf(id: string): string | undefined
  /** A value is accounted for during the rest of a task. Errors are sentences. */
  endorse(task: string, value: string, by: EntityRef): Promise<Result<unknown, readonly string[]>>
  /** A question was asked that nobody has been told of. */
  asked(question: ApprovalRecord): void
  now(): number
}

/** Questions of one caller that may wait at once: a person cannot be made to read any number. */
const MAX_PENDING = 50
const MAX_INPUT_CHARACTERS = 200_000
/** An approval is for the call that is waiting for it, not for one of another day. */
const USE_MINUTES = 5
const MINUTE_MS = 60_000
/** Clients give up on an answer after a minute, and come again when they get one. */
const WAIT_MS = 25_000

type PipelineApprovals = Gateway['approvals']

export class ApprovalDesk implements PipelineApprovals {
  readonly #options: ApprovalDeskOptions
  /** Those that wait for an answer, by the id of what was asked. */
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(options: ApprovalDeskOptions) {
    this.#options = options
  }

  find(asked: Asked): Approval | undefined {
    const { store, now } = this.#options
    const found = store.findBound(bindingFor(asked), 'approved', now())
    if (found?.decidedBy === undefined) return undefined
    return { id: found.id, approvers: [found.decidedBy], atMs: found.decidedAtMs ?? 0 }
  }

  ask(asked: Asked, judged: Pick<Judged, 'flow'>, refusal: Refusal): Refusal {
    try {
      return this.#ask(asked, judged, refusal)
    } catch (problem) {
      const cause = problem instanceof Error ? problem.message : String(problem)
      return unavailable('An approval is needed, and cannot be asked for now.', cause)
    }
  }

  spend({ id }: Approval): Result<void, Refusal> {
    const isUsed = this.#options.store.use(id, this.#options.now())
    if (isUsed) return ok(undefined)
    return err({
      reason: 'approval-required',
      message: 'This approval was used already.',
      detail: `approval ${id}`,
    })
  }

  settled(id: string, signal: AbortSignal): Promise<void> {
    if (this.#options.store.find(id)?.state !== 'pending') return Promise.resolve()
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set()
      const done = () => {
        signal.removeEventListener('abort', done)
        clearTimeout(timer)
        waiting.delete(done)
        if (waiting.size === 0) this.#waiting.delete(id)
        resolve()
      }
      this.#waiting.set(id, waiting.add(done))
      const timer = setTimeout(done, WAIT_MS)
      timer.unref()
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
  }

  needsPasskey(): boolean {
    return this.#options.config().approvals.stepUp !== undefined
  }

  /** The newest first. */
  list(): readonly ApprovalRecord[] {
    return this.#options.store.list(200)
  }

  show(id: string): ApprovalRecord | undefined {
    return this.#options.store.find(id)
  }

  stateOf(record: ApprovalRecord): string {
    return showState(record, this.#options.now())
  }

  pageOf(id: string): string | undefined {
    return this.#options.pageOf(id)
  }

  /** Why somebody may not answer it, as a sentence; undefined when they may. */
  whyNot(record: ApprovalRecord, answerer: Answerer): string | undefined {
    const { approvals } = this.#options.config()
    const { principal } = answerer.caller
    const isPrincipal = record.principal.type === principal.type && record.principal.id === principal.id
    const isAgent = principal.type === 'Agent' && principal.id === record.agent
    if ((isPrincipal || isAgent) && !approvals.self)
      return `${showEntity(principal)} asked for this: somebody else has to decide it (approvals.self in the configuration allows it).`
    const policies = this.#options.policies()
    const decision = decide(policies, this.#queryOf(record, answerer, policies), this.#options.now())
    if (decision.effect === 'allow') return undefined
    return `No policy lets ${showEntity(principal)} approve this. One that would: permit (principal == ${showEntity(principal)}, action == Action::"approvals/approve", resource == ${showEntity(record.resource)});`
  }

  /** Approves or denies; on record first. Errors are sentences. */
  async decide(
    id: string,
    verdict: 'approved' | 'denied',
    answerer: Answerer,
    endorsed: readonly string[] = [],
  ): Promise<Result<ApprovalRecord, readonly string[]>> {
    const { store, now, config } = this.#options
    const record = store.find(id)
    if (record === undefined) return err([`There is no approval ${id}.`])
    const state = this.stateOf(record)
    if (state !== 'pending') return err([tooLate(id, state)])
    const whyNot = this.whyNot(record, answerer)
    if (whyNot !== undefined) {
      await this.#record(record, answerer, { result: 'refused', detail: `may not decide approval ${id}` })
      return err([whyNot])
    }
    if (verdict === 'approved' && config().approvals.stepUp !== undefined && !answerer.steppedUp)
      return err([`This needs a passkey: approve it at ${this.pageOf(id) ?? 'its page'}.`])
    if (verdict === 'approved' && record.task !== undefined && this.#options.isOver(record.task.id))
      return err([`The task ${record.task.id} is over, so there is no call left to approve.`])
    const strangers = endorsed.filter((value) => !record.unaccounted.some((each) => each.value === value))
    if (strangers.length > 0)
      return err([`This approval does not ask about ${JSON.stringify(strangers[0])}.`])
    const detail = `${verdict} ${record.action} for ${showEntity(record.principal)}, approval ${id}`
    const recorded = await this.#record(record, answerer, { result: 'done', detail })
    if (!recorded.ok) return err([recorded.error.message])
    const atMs = now()
    const by = answerer.caller.principal
    const goodUntilMs = atMs + USE_MINUTES * MINUTE_MS
    if (!store.decide(id, { state: verdict, by, atMs, goodUntilMs }))
      return err([`The approval ${id} was decided by somebody else, or its time is up.`])
    if (verdict === 'approved' && record.task !== undefined) {
      for (const value of endorsed) {
        const done = await this.#options.endorse(record.task.id, value, by)
        if (!done.ok) return done
      }
    }
    for (const done of this.#waiting.get(id) ?? []) done()
    return ok(store.find(id) ?? record)
  }

  #ask(asked: Asked, { flow }: Pick<Judged, 'flow'>, refusal: Refusal): Refusal {
    const { store, config, now } = this.#options
    const nowMs = now()
    const binding = bindingFor(asked)
    const { query, task } = asked
    const { principal, agent } = query.caller
    const before = store.findBound(binding, 'pending', nowMs)
    if (before !== undefined) return this.#withPlace(refusal, before)
    if (store.findBound(binding, 'denied', nowMs) !== undefined) {
      const { remedy: _, ...denied } = refusal
      return { ...denied, message: `${refusal.message} A person has said no to exactly this call.` }
    }
    if (store.countPending(principal, agent?.id, nowMs) >= MAX_PENDING)
      return {
        ...refusal,
        message: `${refusal.message} ${MAX_PENDING} calls of this caller wait for one already.`,
      }
    const input = query.input ?? null
    if (JSON.stringify(input).length > MAX_INPUT_CHARACTERS)
      return { ...refusal, message: `${refusal.message} Its arguments are too long for a person to look at.` }
    const question: ApprovalQuestion = {
      id: `a-${base32(randomBytes(15))}`,
      binding,
      principal,
      ...(agent === undefined ? {} : { agent: agent.id }),
      ...(task === undefined ? {} : { task: { id: task.record.id, purpose: task.record.grant.purpose } }),
      server: query.server,
      action: query.target.action,
      resource: query.target.resource,
      input,
      why: refusal.message,
      labels: [...(query.task?.labels ?? [])],
      path: task === undefined ? [] : this.#options.pathOf(task.chain.at(-1)?.id ?? task.record.id),
      unaccounted: flow?.unaccounted ?? [],
      askedAtMs: nowMs,
    }
    store.add(question, nowMs + config().approvals.minutes * MINUTE_MS)
    const record = store.find(question.id)
    if (record === undefined) return refusal
    this.#options.asked(record)
    return this.#withPlace(refusal, record)
  }

  #withPlace(refusal: Refusal, { id, goodUntilMs }: ApprovalRecord): Refusal {
    const url = this.pageOf(id)
    const expiresInSeconds = Math.max(0, Math.floor((goodUntilMs - this.#options.now()) / 1000))
    const remedy = { kind: 'approval', id, expiresInSeconds, ...(url === undefined ? {} : { url }) } as const
    return { ...refusal, remedy }
  }

  #queryOf(record: ApprovalRecord, { caller, transport, ip }: Answerer, policies: Policies): Query {
    const { principal, agent } = record
    return {
      requestId: record.id,
      caller,
      server: record.server,
      method: 'approvals/approve',
      manner: 'rule',
      target: { action: 'approvals/approve', resource: record.resource },
      alsoTargets: [],
      subject: record.id,
      input: record.input,
      source: { transport, ip },
      protocolVersion: '',
      sessionStartedAtMs: undefined,
      history: nothingYet(policies.counters),
      requester: { principal, agent },
      // What a forbid says of calls that nobody has approved is not said of approving one.
      approval: { id: record.id, approvers: [caller.principal], atMs: this.#options.now() },
    }
  }

  #record(
    { task }: ApprovalRecord,
    { caller, source }: Answerer,
    told: Pick<EventEntry, 'result' | 'detail'>,
  ): Promise<Result<void, Refusal>> {
    const entry = eventEntry(
      undefined,
      {
        ...told,
        event: 'approval',
        ...(task === undefined ? {} : { task: task.id }),
        principal: showEntity(caller.principal),
        client: null,
      },
      this.#options.now(),
    )
    return this.#options.trail.recordEvent({ ...entry, source })
  }
}

function tooLate(id: string, state: string): string {
  return state === 'expired'
    ? `The approval ${id} has expired. When the same call is made again, it is asked for anew.`
    : `The approval ${id} was ${state} already.`
}

function bindingFor({ query, task, argumentsDigest, policies }: Asked): string {
  return bindingOf({
    task: task?.record.id,
    bindingKey: query.caller.bindingKey,
    action: query.target.action,
    resource: query.target.resource,
    argumentsDigest,
    pin: null,
    policyVersion: policies.version,
  })
}

/**
 * One entry, one line of JSON. Members have a fixed order, so that equal entries are equal bytes. A line is at
 * most 8 KiB, whatever a caller sends; what is cut says so, with length and hash, so that two long names stay two.
 * Escapes make a line harmless on a terminal (no control, bidi or invisible character is written raw) and
 * change nothing for whoever parses it.
 */
import { hash } from 'node:crypto'
import type { DecisionEntry, Entry, EventEntry, OutcomeEntry, Proof } from '../model/entry.ts'

/** Tells that the log was not writable for a while. Written first, as soon as it is writable again. */
export interface GapEntry {
  readonly kind: 'gap'
  readonly time: string
  /** When the log became unwritable. */
  readonly since: string
  readonly cause: string
  /** Calls that were refused because their decision could not be recorded. */
  readonly refusedCalls: number
  /** Outcomes of earlier calls that were given up, for want of room in memory. */
  readonly lostOutcomes: number
}

/** Whatever stands in the log. */
export type LogEntry = Entry | GapEntry

/** Bytes of the longest line, its newline included. */
export const maxLineBytes = 8192
/** No longer string is kept whole, so that a very long one costs no more than its hash. */
const longestWhole = 4096

/** The line for an entry, newline included. */
export function encodeEntry(entry: LogEntry): string {
  for (let limit = longestWhole; ; limit = Math.floor(limit / 2)) {
    const line = toLine(entry, limit)
    // Three bytes is the most that one UTF-16 unit takes, so most lines need no counting.
    if (line.length * 3 <= maxLineBytes || Buffer.byteLength(line) <= maxLineBytes) return line
  }
}

function toLine(entry: LogEntry, limit: number): string {
  return `${escapeUnsafe(JSON.stringify(inOrder(entry, limit)))}\n`
}

/** A copy with members in the order of the format and no string much longer than `limit`. */
function inOrder(entry: LogEntry, limit: number): object {
  if (entry.kind === 'decision') return decisionInOrder(entry, limit)
  if (entry.kind === 'outcome') return outcomeInOrder(entry, limit)
  if (entry.kind === 'event') return eventInOrder(entry, limit)
  return {
    kind: entry.kind,
    time: cut(entry.time, limit),
    since: cut(entry.since, limit),
    cause: cut(entry.cause, limit),
    refusedCalls: entry.refusedCalls,
    lostOutcomes: entry.lostOutcomes,
  }
}

function decisionInOrder(entry: DecisionEntry, limit: number): object {
  return {
    kind: entry.kind,
    requestId: cut(entry.requestId, limit),
    time: cut(entry.time, limit),
    principal: cut(entry.principal, limit),
    agent: cut(entry.agent, limit),
    ...(entry.delegation === undefined ? {} : { delegation: cutList(entry.delegation, limit) }),
    task: entry.task,
    credential: cut(entry.credential, limit),
    ...(entry.authentication === undefined
      ? {}
      : { authentication: proofInOrder(entry.authentication, limit) }),
    source: cut(entry.source, limit),
    via: entry.via,
    server: cut(entry.server, limit),
    method: cut(entry.method, limit),
    tool: cut(entry.tool, limit),
    argumentsDigest: cut(entry.argumentsDigest, limit),
    decision: entry.decision,
    policies: cutList(entry.policies, limit),
    reason: entry.reason,
    detail: cut(entry.detail, limit),
    approval: entry.approval,
    counted: entry.counted,
    // Never cut, for a task is held to them after a restart: the configuration bounds how long they are.
    labels: entry.labels,
  }
}

/** What is undefined is not written. */
function proofInOrder(proof: Proof, limit: number): object {
  const { method, issuer, bound, at } = proof
  const told = (text: string | undefined) => (text === undefined ? undefined : cut(text, limit))
  return { method, issuer, strength: told(proof.strength), at, bound, clientProof: told(proof.clientProof) }
}

function outcomeInOrder(entry: OutcomeEntry, limit: number): object {
  return {
    kind: entry.kind,
    requestId: cut(entry.requestId, limit),
    time: cut(entry.time, limit),
    status: entry.status,
    reason: entry.reason,
    detail: cut(entry.detail, limit),
    durationMs: entry.durationMs,
    resultBytes: entry.resultBytes,
  }
}

function eventInOrder(entry: EventEntry, limit: number): object {
  return {
    kind: entry.kind,
    requestId: cut(entry.requestId, limit),
    time: cut(entry.time, limit),
    event: entry.event,
    result: entry.result,
    task: entry.task,
    principal: cut(entry.principal, limit),
    client: cut(entry.client, limit),
    source: cut(entry.source, limit),
    via: entry.via,
    detail: cut(entry.detail, limit),
  }
}

function cut(text: string | null, limit: number): string | null {
  if (text === null || text.length <= limit) return text
  const mark = `… [cut: ${text.length} characters, sha256 ${hash('sha256', text, 'base64url').slice(0, 16)}]`
  return text.slice(0, limit) + mark
}

function cutList(texts: readonly string[], limit: number): readonly (string | null)[] {
  const kept = Math.max(1, Math.floor(limit / 16))
  const shown = texts.slice(0, kept).map((text) => cut(text, Math.ceil(limit / 8)))
  if (texts.length <= kept) return shown
  const whole = hash('sha256', JSON.stringify(texts), 'base64url').slice(0, 16)
  return [...shown, `… [cut: ${texts.length} ids, sha256 ${whole}]`]
}

const beyondPrintableAscii = /[^\x20-\x7e]/
/** Controls, format characters (bidi marks, zero-width, tags), private use, unassigned, line separators. */
const unsafe = /[\p{C}\p{Zl}\p{Zp}]/gu

/** `json` with unsafe characters as `\u` escapes: the same value to a parser. They occur in strings only. */
function escapeUnsafe(json: string): string {
  return beyondPrintableAscii.test(json) ? json.replace(unsafe, toEscapes) : json
}

function toEscapes(character: string): string {
  let text = ''
  for (let index = 0; index < character.length; index++) {
    text += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
  }
  return text
}

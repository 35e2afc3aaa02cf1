/** What a server offers: its list of tools, page after page, with a bound on everything that the server decides. */
import { isObject, type JsonObject } from '../model/message.ts'
import type { Refusal } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerMessage } from '../model/upstream.ts'
import { type DefinitionLimits, parseDefinition, type ToolDefinition } from './definition.ts'

/** Where the pages come from: a server that is asked in the gateway's own name. */
export interface ToolPages {
  /** The answer to `tools/list`, for the first page without a cursor. */
  tools(cursor: string | undefined): Promise<Result<ServerMessage, Refusal>>
}

export interface ListLimits extends DefinitionLimits {
  readonly maxPages: number
  readonly maxTools: number
  /** Characters of all pages together. */
  readonly maxCharacters: number
  readonly maxCursorCharacters: number
}

export const DEFAULT_LIST_LIMITS: ListLimits = {
  maxPages: 100,
  maxTools: 5000,
  maxCharacters: 16 * 1024 * 1024,
  maxCursorCharacters: 4096,
  maxNameCharacters: 256,
  maxSchemaDepth: 64,
  maxSchemaMembers: 20_000,
}

/** What a server offers, and what of it could not be taken: phrases that complete "the server …". */
export interface Offer {
  readonly tools: readonly ToolDefinition[]
  readonly faults: readonly string[]
}

const METHOD_NOT_FOUND = -32601
/** Of what a server says for people. */
const MOST_SAID = 300
/** More faults say nothing that these do not. */
const MOST_FAULTS = 20

/** Asks for all pages. The error is a sentence; half a list is none. */
export async function listTools(
  pages: ToolPages,
  limits: ListLimits = DEFAULT_LIST_LIMITS,
): Promise<Result<Offer, string>> {
  const list = new List(limits)
  const cursors = new Set<string>()
  let cursor: string | undefined
  let characters = 0
  do {
    const answer = await pages.tools(cursor)
    if (!answer.ok) return err(sentence(answer.error))
    characters += answer.value.text.length
    if (characters > limits.maxCharacters)
      return err(`Its list is longer than ${limits.maxCharacters} characters.`)
    const page = readPage(answer.value.body)
    if (!page.ok) return page
    const added = list.add(page.value.tools)
    if (!added.ok) return added
    cursor = page.value.nextCursor
    if (cursor === undefined) return ok(list.offer())
    if (cursor.length > limits.maxCursorCharacters) return err('It gives a cursor that is too long.')
    if (cursors.has(cursor)) return err('It gives the same cursor twice, so its list has no end.')
    cursors.add(cursor)
  } while (cursors.size < limits.maxPages)
  return err(`Its list has more than ${limits.maxPages} pages.`)
}

interface Page {
  readonly tools: readonly unknown[]
  readonly nextCursor: string | undefined
}

function readPage({ result, error }: JsonObject): Result<Page, string> {
  if (isObject(error)) {
    // A server without tools need not know the method.
    if (error['code'] === METHOD_NOT_FOUND) return ok({ tools: [], nextCursor: undefined })
    const said = `${String(error['code'])} ${String(error['message'])}`
    return err(`It answers tools/list with an error: ${said.slice(0, MOST_SAID)}`)
  }
  const { tools, nextCursor } = isObject(result) ? result : {}
  if (!Array.isArray(tools)) return err('It answers tools/list with something that is no list of tools.')
  if (nextCursor === undefined || nextCursor === null) return ok({ tools, nextCursor: undefined })
  return typeof nextCursor === 'string'
    ? ok({ tools, nextCursor })
    : err('It gives a cursor that is no text.')
}

class List {
  readonly #limits: ListLimits
  readonly #tools = new Map<string, ToolDefinition>()
  readonly #faults: string[] = []
  #seen = 0

  constructor(limits: ListLimits) {
    this.#limits = limits
  }

  add(values: readonly unknown[]): Result<void, string> {
    this.#seen += values.length
    if (this.#seen > this.#limits.maxTools) return err(`It offers more than ${this.#limits.maxTools} tools.`)
    for (const value of values) {
      const parsed = parseDefinition(value, this.#limits)
      if (!parsed.ok) {
        this.#faults.push(`offers a tool ${parsed.error}`)
        continue
      }
      const { definition, faults } = parsed.value
      const { name } = definition
      const isRepeated = this.#tools.has(name)
      if (isRepeated) this.#faults.push(`offers several tools named ${JSON.stringify(name)}`)
      // Which of them a call would reach nobody knows, so nothing is known of their arguments.
      this.#tools.set(name, isRepeated ? { name } : definition)
      for (const fault of faults) this.#faults.push(`offers a tool ${JSON.stringify(name)} whose ${fault}`)
    }
    return ok(undefined)
  }

  offer(): Offer {
    const left = this.#faults.length - MOST_FAULTS
    const more = left > 0 ? [`offers ${left} more tools like these`] : []
    return { tools: [...this.#tools.values()], faults: [...this.#faults.slice(0, MOST_FAULTS), ...more] }
  }
}

function sentence({ message, detail }: Refusal): string {
  return detail === undefined ? message : `${message} (${detail.slice(0, MOST_SAID)})`
}

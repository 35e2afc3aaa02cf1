/**
 * The gateway's own MCP server, behind its pipeline like any other: policies decide who may use it, and every call is on
 * record before it comes here. It has no sessions and says nothing unasked. Both eras are spoken (2025-11-25: basic/lifecycle,
 * server/tools; 2026-07-28: server/discover, server/tools).
 */
import { isObject, type JsonObject, type Message, type RequestMessage } from '../../model/message.ts'
import { OWN_SERVER } from '../../model/names.ts'
import { type Permit, requirePermit } from '../../model/permit.ts'
import { invalid, type Refusal } from '../../model/refusal.ts'
import { err, ok, type Result } from '../../model/result.ts'
import type { Reply, ServerMessage, Upstream, UpstreamStatus } from '../../model/upstream.ts'
import { INVALID_PARAMS, LEGACY_VERSIONS, METHOD_NOT_FOUND, MODERN_VERSIONS } from '../../mcp/versions.ts'
import { CLIENT } from '../../upstream/era.ts'
import { errorMessage, resultMessage } from '../../upstream/json-rpc.ts'
import { OWN_TOOLS } from './definitions.ts'

/** What a tool gives: the same thing for programs and for models. */
export interface ToolAnswer {
  readonly text: string
  readonly structured: JsonObject
  readonly isError?: true
}

/** A tool that does what it is for; refused where a person has to decide. */
export type OwnTool = (args: JsonObject, permit: Permit) => Promise<Result<ToolAnswer, Refusal>>

const INSTRUCTIONS =
  'Tells you what the task you work on lets you do, and takes requests for another one. Ask task_status when a call was refused.'
const SERVER_INFO = { name: OWN_SERVER, version: CLIENT.version }
const META_SERVER_INFO = 'io.modelcontextprotocol/serverInfo'

export class OwnServer implements Upstream {
  readonly #tools: ReadonlyMap<string, OwnTool>

  constructor(tools: ReadonlyMap<string, OwnTool>) {
    this.#tools = tools
  }

  async forward(permit: Permit): Promise<Result<Reply, Refusal>> {
    requirePermit(permit)
    const { message } = permit
    switch (message.kind) {
      case 'request':
        return this.#answer(message, permit)
      case 'notification':
        return ok({ kind: 'empty', status: 202 })
      case 'response':
        return err(invalid('The server has not asked for this response.'))
      case 'stream':
      case 'end':
        return err(
          invalid('This server has no sessions and streams.', { status: 405, headers: { allow: 'POST' } }),
        )
    }
  }

  status(): UpstreamStatus {
    return { transport: 'built in', state: 'ready', eras: ['legacy', 'modern'] }
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #answer(message: RequestMessage, permit: Permit): Promise<Result<Reply, Refusal>> {
    const { id, method, params = {} } = message
    const isModern = message.era === 'modern'
    switch (method) {
      case 'initialize':
      case 'ping':
        if (isModern) break
        return single(resultMessage(id, method === 'ping' ? {} : initialized(params)))
      case 'server/discover':
        if (!isModern) break
        return single(
          resultMessage(id, complete(message, { supportedVersions: MODERN_VERSIONS, ...ABOUT, ...CACHED })),
        )
      case 'tools/list':
        return single(resultMessage(id, complete(message, { tools: OWN_TOOLS, ...(isModern ? CACHED : {}) })))
      case 'tools/call': {
        const name = String(params['name'])
        const tool = this.#tools.get(name)
        if (tool === undefined) return single(errorMessage(id, INVALID_PARAMS, `Unknown tool: ${name}`))
        const args = params['arguments']
        const answer = await tool(isObject(args) ? args : {}, permit)
        return answer.ok ? single(resultMessage(id, complete(message, toolResult(answer.value)))) : answer
      }
      default:
        break
    }
    const status = isModern ? 404 : 200
    return ok({
      kind: 'single',
      status,
      message: errorMessage(id, METHOD_NOT_FOUND, `Method not found: ${method}`),
    })
  }
}

const ABOUT = { capabilities: { tools: {} }, instructions: INSTRUCTIONS }
/** Nothing of it is to be kept: what is listed depends on who asks. */
const CACHED = { ttlMs: 0, cacheScope: 'private' }

function initialized({ protocolVersion: asked }: JsonObject): JsonObject {
  const known = LEGACY_VERSIONS.find((version) => version === asked)
  return { protocolVersion: known ?? LEGACY_VERSIONS[0], ...ABOUT, serverInfo: SERVER_INFO }
}

/** A result as its era has it. */
function complete({ era }: Message, result: JsonObject): JsonObject {
  return era === 'legacy'
    ? result
    : { resultType: 'complete', ...result, _meta: { [META_SERVER_INFO]: SERVER_INFO } }
}

function toolResult({ text, structured, isError }: ToolAnswer): JsonObject {
  return {
    content: [{ type: 'text', text }],
    structuredContent: structured,
    ...(isError === undefined ? {} : { isError }),
  }
}

function single(message: ServerMessage): Result<Reply, never> {
  return ok({ kind: 'single', status: 200, message })
}

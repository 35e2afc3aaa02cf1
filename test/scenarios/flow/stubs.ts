/** The servers of a sequence: each on a port of its own, answering what the line at hand says. */
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts'
import type { Call, Sequence } from './format.ts'

export interface Stubs {
  /** By the name of the server. */
  readonly urls: ReadonlyMap<string, string>
  /** From now on this call is the one to answer; returns how often it came. */
  expect(call: Call): () => number
  close(): Promise<void>
}

/** Starts them. */
export async function startStubs({ servers, schemas }: Sequence): Promise<Stubs> {
  let current: Call | undefined
  let came = 0
  const started = new Map<string, ScriptedUpstream>()
  for (const [server, tools] of servers) {
    const upstream = await startScriptedUpstream(({ method, params }, { result, response }) => {
      const isCurrent =
        method === 'tools/call' && current?.server === server && params['name'] === current.tool
      if (isCurrent && current !== undefined) {
        came++
        result(JSON.stringify({ resultType: 'complete', ...current.result }))
      } else if (method === 'tools/list') {
        const listed = [...tools.keys()].map((name) => {
          const inputSchema = schemas.get(`${server}__${name}`) ?? { type: 'object' }
          return { name, inputSchema }
        })
        result(JSON.stringify({ resultType: 'complete', tools: listed }))
      } else response.writeHead(500).end()
    })
    started.set(server, upstream)
  }
  return {
    urls: new Map([...started].map(([name, { url }]) => [name, url])),
    expect(call) {
      current = call
      came = 0
      return () => came
    },
    async close() {
      await Promise.all([...started.values()].map((upstream) => upstream.close()))
    },
  }
}

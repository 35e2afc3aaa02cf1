/** Tasks, for the authorization server: started where all others are. */
import type { IncomingMessage } from 'node:http'
import { eventEntry } from '../audit/entries.ts'
import { showEntity } from '../model/caller.ts'
import type { Exchange } from '../model/exchange.ts'
import { err } from '../model/result.ts'
import type { TokenTasks } from '../oauth/ports.ts'
import type { TaskDesk } from './task-desk.ts'

export function createTokenTasks(
  desk: () => TaskDesk,
  exchangeOf: (request: IncomingMessage) => Exchange | undefined,
): TokenTasks {
  return {
    find: (id) => desk().find(id),
    isOver: (task) => desk().isOver(task),
    of: ({ type, id }, agent) =>
      desk()
        .list()
        .filter((task) => task.principal.type === type && task.principal.id === id && task.agent === agent)
        .filter((task) => !desk().isOver(task)),
    async start(request, { principal, agent, parent, grant, issuedBy }) {
      const { requestId, source } = whence(exchangeOf(request))
      const who = `${issuedBy === undefined ? (agent ?? 'itself') : showEntity(issuedBy)} by OAuth`
      const by = { who, requestId, source }
      const started = await desk().begin({ principal, agent, parent, grant, by, issuedBy })
      return started.ok ? started : err(started.error.join(' '))
    },
    async templates() {
      const { templates } = await desk().templates()
      return [...templates.values()].map(({ template }) => template)
    },
  }
}

/** As entries about a request tell it. */
function whence(exchange: Exchange | undefined) {
  const about = { event: 'task', result: 'done', principal: null, client: null, detail: null } as const
  return eventEntry(exchange, about, 0)
}

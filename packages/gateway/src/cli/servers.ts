/** `tollgate servers`: the servers of the configuration, and how they are when a gateway runs. */
import type { Command } from 'commander'
import type { ServerConfig } from '../config/config.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { askStatus, paintState } from './status.ts'
import { EXIT, harmless, paint, printJson, printTable, say } from './terminal.ts'

/** Registers the command. */
export function addServers(program: Command): void {
  takesJson(takesConfig(program.command('servers')))
    .description('list the servers of the configuration, with their state when the gateway runs')
    .action(
      leaving(async (options: ConfigOptions & JsonOptions) => {
        const config = await requireConfig(options)
        if (!config.ok) return config.error
        const status = await askStatus(config.value)
        const running = new Map(status.ok ? status.value.servers.map((server) => [server.name, server]) : [])
        const servers = [...config.value.servers.values()].map((server) => {
          const { state = null, detail = null } = running.get(server.name) ?? {}
          return { name: server.name, kind: server.kind, target: targetOf(server), state, detail }
        })
        if (!status.ok) say(status.error.message)
        if (options.json) printJson(servers)
        else if (servers.length === 0) say('There are no servers; add one to the configuration.')
        else {
          const rows = servers.map(({ name, kind, target, state, detail }) => [
            name,
            kind,
            harmless(target),
            state === null ? paint('dim', '-') : paintState(state),
            harmless(detail ?? ''),
          ])
          printTable(['NAME', 'KIND', 'TARGET', 'STATE', 'DETAIL'], rows)
        }
        return EXIT.ok
      }),
    )
}

/** What is started or connected to. */
function targetOf(server: ServerConfig): string {
  switch (server.kind) {
    case 'command':
      return server.command.join(' ')
    case 'http':
      return server.socket === undefined ? server.url : `${server.url} at ${server.socket}`
    case 'socket':
      return server.socket
  }
}

/** What the demo prints: colour on a terminal, plain words elsewhere. */
import { relative } from 'node:path'
import type { Config } from '../config/config.ts'
import type { DecisionEntry } from '../model/entry.ts'
import { harmless, paint, print } from './terminal.ts'

/** One thing that the agent did, and what it was told. */
export interface Step {
  readonly does: string
  readonly answer: string
}

/** What runs where. */
export function printHeader(endpoint: string, config: Config): void {
  const servers = [...config.servers.values()].map((server) => {
    return server.kind === 'command' ? `${server.name}  (${server.command.join(' ')})` : server.name
  })
  print(`\n${paint('bold', 'Tollgate')}  every call judged, recorded, then forwarded or refused\n`)
  print(`  gateway   ${endpoint}`)
  print(`  servers   ${servers.join(', ')}`)
  print(`  policies  ${relative(process.cwd(), config.policyDir) || config.policyDir}`)
  print(`  audit     ${relative(process.cwd(), config.dataDir) || config.dataDir}/audit/audit.jsonl\n`)
  print(`An agent (SDK client, acting for User::"demo"):\n`)
}

/** One step of the agent, the decision on it, and what the agent was told. */
export function printStep({ does, answer }: Step, decision: DecisionEntry | undefined): void {
  print(`  ${paint('bold', does)}`)
  if (decision !== undefined)
    print(
      `    ${verdict(decision)}  ${(decision.tool ?? decision.method ?? '').padEnd(24)} ${because(decision)}`,
    )
  print(`    ${paint('dim', `agent is told: ${harmless(answer)}`)}\n`)
}

function verdict({ decision }: DecisionEntry): string {
  return decision === 'allow' ? paint('green', 'allowed') : paint('red', 'refused')
}

function because({ policies, reason }: DecisionEntry): string {
  const ids = policies.map((id) => `"${id}"`).join(', ')
  const named =
    policies.length === 0 ? 'no policy permits it' : `${policies.length === 1 ? 'policy' : 'policies'} ${ids}`
  const why = reason === null ? '' : paint('yellow', `  ${reason}${REMEDIES[reason] ?? ''}`)
  return `${named}${why}`
}

const REMEDIES: Readonly<Record<string, string>> = {
  'task-required': ' (remedy: start a task)',
  'approval-required': ' (remedy: have it approved)',
}

/** How to connect a client of one's own. */
export function printConnection(endpoint: string, token: string): void {
  const url = `${endpoint}/mcp/files`
  const config = {
    mcpServers: { files: { type: 'http', url, headers: { Authorization: `Bearer ${token}` } } },
  }
  print(`${paint('bold', 'Connect your own client')}  (the key ends with the demo)\n`)
  print(`  endpoint  ${url}`)
  print(`  key       ${token}\n`)
  print(JSON.stringify(config, null, 2).replace(/^/gm, '  '))
  print(
    `\nThe gateway keeps running. ${process.stdin.isTTY ? 'Enter reloads the policies, ' : ''}Ctrl-C stops it.`,
  )
}

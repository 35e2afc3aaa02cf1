/** What `tollgate doctor` looks at in the servers: programs that exist, URLs that answer, sockets, secrets. */
import { accessSync, constants, statSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect } from 'node:net'
import { delimiter, resolve } from 'node:path'
import type { CommandServer, Config, HttpServer, SecretOrValue, ServerConfig } from '../config/config.ts'
import { readSecret, showSecret } from '../server/secrets.ts'
import type { Finding } from './doctor-finding.ts'

const PATIENCE_MS = 3000

/** One finding for each server, or several where several things are wrong. */
export async function checkServers(config: Config): Promise<readonly Finding[]> {
  const found = await Promise.all([...config.servers.values()].map(checkServer))
  return found.flat()
}

async function checkServer(server: ServerConfig): Promise<readonly Finding[]> {
  const check = `server ${server.name}`
  const secrets = secretsOf(server).flatMap(([key, secret]): Finding[] => {
    if (readSecret(secret)) return []
    const mend =
      secret.kind === 'env'
        ? 'set it where tollgate starts'
        : 'write the secret to it, readable by the gateway'
    return [
      { check, state: 'fail', detail: `${key}: ${showSecret(secret)} cannot be read or is empty`, mend },
    ]
  })
  return [{ check, ...(await reach(server)) }, ...secrets]
}

type Reached = Omit<Finding, 'check'>

function reach(server: ServerConfig): Promise<Reached> | Reached {
  switch (server.kind) {
    case 'command':
      return checkCommand(server)
    case 'http':
      return askUrl(server)
    case 'socket':
      return knock(server.socket)
  }
}

function secretsOf(server: ServerConfig): readonly (readonly [key: string, secret: SecretOrValue])[] {
  if (server.kind === 'command') {
    return Object.entries(server.env).flatMap(([key, value]) =>
      value.kind === 'value' ? [] : [[`env.${key}`, value] as const],
    )
  }
  return server.kind === 'http' && server.credential !== undefined
    ? [['credential', server.credential.secret]]
    : []
}

function checkCommand({ command: [program], cwd, env }: CommandServer): Reached {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return { state: 'fail', detail: `the folder ${cwd} does not exist`, mend: 'make it, or change cwd' }
  }
  const path = env['PATH']?.kind === 'value' ? env['PATH'].value : (process.env['PATH'] ?? '')
  const folders = program.includes('/') ? [cwd] : path.split(delimiter).filter((folder) => folder !== '')
  const found = folders.map((folder) => resolve(folder, program)).find(isExecutable)
  if (found !== undefined) return { state: 'ok', detail: found }
  const where = program.includes('/') ? `is not there, or not executable, from ${cwd}` : 'is not on the PATH'
  return {
    state: 'fail',
    detail: `${program} ${where}`,
    mend: 'install it, or write its whole path in command',
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Any answer will do: that something speaks HTTP there is all that can be known without calling the server. */
function askUrl({ url, socket }: HttpServer): Promise<Reached> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  const at = socket === undefined ? url : `${url} at ${socket}`
  return new Promise((settle) => {
    const asked = request(
      url,
      {
        method: 'GET',
        headers: { accept: 'text/event-stream' },
        signal: AbortSignal.timeout(PATIENCE_MS),
        ...(socket === undefined ? {} : { socketPath: socket }),
      },
      (response) => {
        settle({ state: 'ok', detail: `${at} answers (HTTP ${response.statusCode})` })
        asked.destroy()
      },
    )
    asked.on('error', (error) => settle(unreachable(at, error)))
    asked.end()
  })
}

function knock(socket: string): Promise<Reached> {
  return new Promise((settle) => {
    const connection = connect(socket)
    connection.setTimeout(PATIENCE_MS, () => connection.destroy(new Error('no answer')))
    connection.once('connect', () => {
      settle({ state: 'ok', detail: `${socket} takes connections` })
      connection.destroy()
    })
    connection.once('error', (error) => settle(unreachable(socket, error)))
  })
}

function unreachable(at: string, error: NodeJS.ErrnoException): Reached {
  const why =
    error.name === 'AbortError' || error.name === 'TimeoutError' ? 'no answer' : (error.code ?? error.message)
  return {
    state: 'fail',
    detail: `${at} cannot be reached (${why})`,
    mend: 'start the server, or correct its address',
  }
}

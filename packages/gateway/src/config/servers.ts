/**
 * What the keys of one server mean together: which kind it is, and which keys that kind takes.
 * Works on the file as written, so that these faults are reported together with all others.
 */
import { OWN_SERVER } from '../model/names.ts'
import type { Fault, Path } from './document.ts'
import { MAX_SERVER_NAME_LENGTH, SERVER_NAME } from './schema.ts'

type Kind = 'command' | 'http' | 'socket'

/** Keys that only some kinds take. */
const takers: Readonly<Record<string, readonly Kind[]>> = {
  env: ['command'],
  cwd: ['command'],
  sharing: ['command', 'socket'],
  startup: ['command', 'socket'],
  credential: ['http'],
}
const names: Readonly<Record<Kind, string>> = {
  command: 'command',
  http: 'url',
  socket: 'socket without url',
}

/** Faults of all servers; `written` is the whole file as parsed from YAML. */
export function serverFaults(written: unknown): Fault[] {
  return Object.entries(members(members(written)['servers'])).flatMap(([name, server]) => {
    const path = ['servers', name]
    return [...nameFaults(name, path), ...(isMap(server) ? keyFaults(server, path) : [])]
  })
}

/** Undefined when the keys do not say, or say more than one kind. */
export function kindOf(server: Readonly<Record<string, unknown>>): Kind | undefined {
  const { command, url, socket } = server
  if (command !== undefined) return url === undefined && socket === undefined ? 'command' : undefined
  if (url !== undefined) return 'http'
  return socket === undefined ? undefined : 'socket'
}

function nameFaults(name: string, path: Path): Fault[] {
  if (name.toLowerCase() === OWN_SERVER)
    return [{ path, at: 'key', message: "is the name of the gateway's own server; choose another" }]
  if (name.length > MAX_SERVER_NAME_LENGTH) {
    return [{ path, at: 'key', message: `must be a name of at most ${MAX_SERVER_NAME_LENGTH} characters` }]
  }
  if (SERVER_NAME.test(name)) return []
  const message = 'must be a name of letters, digits, ".", "-" and single "_" between them, such as my-files'
  return [{ path, at: 'key', message }]
}

function keyFaults(server: Readonly<Record<string, unknown>>, path: Path): Fault[] {
  const kind = kindOf(server)
  if (kind === undefined) {
    const some = ['command', 'url', 'socket'].filter((key) => server[key] !== undefined)
    const message =
      some.length === 0
        ? 'needs one of command, url and socket'
        : `has ${some.join(' and ')}, which exclude each other; keep one (only url and socket go together)`
    return [{ path, at: 'key', message }]
  }
  const faults: Fault[] = []
  for (const [key, kinds] of Object.entries(takers)) {
    if (server[key] === undefined || kinds.includes(kind)) continue
    const only = kinds.map((each) => names[each]).join(' or ')
    faults.push({ path: [...path, key], at: 'key', message: `is only for servers with ${only}; remove it` })
  }
  const { url, socket } = server
  if (kind === 'http' && socket !== undefined && typeof url === 'string' && url.startsWith('https:')) {
    faults.push({
      path: [...path, 'url'],
      at: 'value',
      message: 'must begin with http: when socket is given',
    })
  }
  return faults
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  return isMap(value) ? value : {}
}

/**
 * Takes over the servers of another MCP client's configuration (`mcpServers`, or `servers` as VS Code writes it).
 * No secret is copied: it becomes a reference, and a note says which variable to set. What cannot be taken over is
 * left out with a note; nothing is left out in silence.
 */
import { err, ok, type Result } from '../model/result.ts'
import { isSecret, looksSecret, variableName, variableOf } from './import-secrets.ts'
import { parseJsonc } from './jsonc.ts'

export interface WrittenServer {
  readonly command?: readonly string[]
  readonly url?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly credential?: { readonly type: string; readonly name?: string; readonly secret: string }
}

export interface Imported {
  readonly servers: Readonly<Record<string, WrittenServer>>
  readonly notes: readonly string[]
}

type Members = Readonly<Record<string, unknown>>

/** The error is a sentence. */
export function importServers(text: string): Result<Imported, string> {
  const root = parseJsonc(text)
  if (!root.ok) return err(`it is not JSON: ${root.error}`)
  const { mcpServers, servers } = members(root.value)
  const found = Object.entries(members(mcpServers ?? servers))
  if (found.length === 0) return err('it has no servers: neither mcpServers nor servers holds any')
  const taken = new Import()
  for (const [name, server] of found) taken.add(name, members(server))
  return ok({ servers: Object.fromEntries(taken.servers), notes: taken.notes })
}

class Import {
  readonly servers = new Map<string, WrittenServer>()
  readonly notes: string[] = []
  /** Which value each variable stands for, so that two secrets never share one. */
  readonly #variables = new Map<string, string>()

  add(given: string, server: Members): void {
    const name = this.#freeName(given)
    const written = this.#convert(name, server)
    if (written === undefined) return
    this.servers.set(name, written)
    if (name !== given)
      this.notes.push(`${given} is called ${name} here: names have letters, digits, ".", "-" and single "_"`)
  }

  #convert(name: string, server: Members): WrittenServer | undefined {
    if (server['disabled'] === true || server['enabled'] === false) {
      return this.#leaveOut(name, 'it is disabled there')
    }
    const url = [server['url'], server['serverUrl'], server['httpUrl']].find(
      (each) => typeof each === 'string',
    )
    if (url !== undefined) return this.#convertHttp(name, url, server)
    const { command, args, cwd } = server
    if (typeof command !== 'string' || command === '')
      return this.#leaveOut(name, 'it has neither command nor url')
    const words = [command, ...(Array.isArray(args) ? args : []).map(String)]
    const env = this.#environment(name, members(server['env']))
    if (server['envFile'] !== undefined)
      this.notes.push(`${name}: envFile is not read; write its variables under env`)
    return {
      command: words.map((word) => this.#word(name, 'command', word)),
      ...(typeof cwd === 'string' ? { cwd: this.#word(name, 'cwd', cwd) } : {}),
      ...(Object.keys(env).length === 0 ? {} : { env }),
    }
  }

  #convertHttp(name: string, url: string, server: Members): WrittenServer | undefined {
    const address = URL.parse(url)
    if (address === null || !/^https?:$/.test(address.protocol))
      return this.#leaveOut(name, 'its url is not one of http or https')
    if (server['type'] === 'sse' || server['transport'] === 'sse') {
      this.notes.push(
        `${name}: it was set up for the old SSE transport; the gateway speaks Streamable HTTP to it`,
      )
    }
    const isSecretPart =
      [...address.searchParams].some(([key, value]) => isSecret(key, value)) ||
      address.pathname.split('/').some(looksSecret)
    if (address.username !== '' || address.password !== '' || isSecretPart) {
      return this.#leaveOut(name, 'its url holds a secret; add it by hand, with the secret under credential')
    }
    const credential = this.#credential(name, members(server['headers']))
    return { url: url.replace(/#.*$/, ''), ...(credential === undefined ? {} : { credential }) }
  }

  #environment(server: string, env: Members): Record<string, string> {
    const written = Object.entries(env).map(([key, value]) => {
      const text = String(value)
      const variable = variableOf(text)
      if (variable !== undefined) return [key, `env:${variable}`]
      if (isReferenceLike(text)) return [key, `value:${text}`]
      return [
        key,
        isSecret(key, text) ? this.#reference(server, key, text) : this.#plain(server, `env.${key}`, text),
      ]
    })
    return Object.fromEntries(written) as Record<string, string>
  }

  /** One header can be the credential; the gateway sends no others. */
  #credential(server: string, headers: Members): WrittenServer['credential'] {
    const all = Object.entries(headers).map(([name, value]) => [name, String(value)] as const)
    const chosen =
      all.find(([name]) => /^authorization$/i.test(name)) ??
      all.find(([name, value]) => isSecret(name, value) || variableOf(value))
    for (const [name] of all)
      if (name !== chosen?.[0]) this.notes.push(`${server}: the header ${name} is not taken over`)
    if (chosen === undefined) return undefined
    const [name, value] = chosen
    const [, bearer] = /^Bearer\s+(.+)$/i.exec(/^authorization$/i.test(name) ? value : '') ?? []
    const variable = variableOf(bearer ?? value)
    const own = bearer === undefined ? name : 'token'
    const secret =
      variable === undefined
        ? this.#reference(server, `${server}_${own}`.toUpperCase(), bearer ?? value)
        : `env:${variable}`
    return bearer === undefined ? { type: 'header', name, secret } : { type: 'bearer', secret }
  }

  /** A variable for a secret: of that name, unless another secret has it already. */
  #reference(server: string, name: string, secret: string): string {
    const wanted = variableName(name)
    const taken = this.#variables.get(wanted)
    const variable =
      taken === undefined || taken === secret ? wanted : variableName(`${server}_${wanted}`).toUpperCase()
    this.#variables.set(variable, secret)
    this.notes.push(`${server}: set the variable ${variable} where tollgate starts; its value was not copied`)
    return `env:${variable}`
  }

  #word(server: string, what: string, word: string): string {
    if (!looksSecret(word)) return this.#plain(server, what, word)
    this.notes.push(
      `${server}: ${what} held what looks like a secret, which was replaced by REPLACE-ME; pass it through env instead`,
    )
    return 'REPLACE-ME'
  }

  #plain(server: string, what: string, text: string): string {
    if (text.includes('${'))
      this.notes.push(`${server}: ${what} holds \${…}, which is not expanded here; write it out`)
    return text
  }

  #leaveOut(name: string, why: string): undefined {
    this.notes.push(`${name} was left out: ${why}`)
    return undefined
  }

  #freeName(given: string): string {
    const clean = given
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/_{2,}/g, '_')
      .replace(/^[^A-Za-z0-9]+|[_-]+$/g, '')
      .slice(0, 60)
      .replace(/_+$/, '')
    const base = clean === '' ? 'server' : clean
    for (let number = 1; ; number++) {
      const name = number === 1 ? base : `${base}-${number}`
      if (!this.servers.has(name)) return name
    }
  }
}

/** Whether our configuration would take the value for a reference. */
function isReferenceLike(text: string): boolean {
  return /^(env|file|keychain|vault|value):/.test(text) && !looksSecret(text)
}

function members(value: unknown): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
}

/** From the file as written to the Config: paths made absolute against the file's folder, each server of one kind. */
import { dirname, resolve } from 'node:path'
import { err, ok, type Result } from '../model/result.ts'
import type { ServerScopes } from '../model/scopes.ts'
import type {
  AuthorizationServerConfig,
  Config,
  Listen,
  SecretOrValue,
  SecretRef,
  ServerConfig,
  Tls,
  ToolAttributes,
} from './config.ts'
import type { TokenIssuer } from '../model/issuer.ts'
import type { WrittenConfig, WrittenServer } from './schema.ts'
import { normaliseCertificates } from './certificates.ts'
import { normaliseApprovals } from './approvals.ts'
import { normaliseHistory } from './history.ts'
import { normaliseIssuers } from './issuers.ts'
import { normaliseSignIn } from './sign-in.ts'
import { unixPathFault } from './paths.ts'
import type { Fault } from './document.ts'
import { kindOf } from './servers.ts'

const ADMIN_TCP = 'must be a Unix socket: TCP is not supported yet, use unix:/path'

/** `file` is absolute, and `written` has passed the schema and `serverFaults`. */
export function normalise(written: WrittenConfig, file: string): Result<Config, readonly Fault[]> {
  const folder = dirname(file)
  const at = (path: string) => resolve(folder, path)
  const faults: Fault[] = []
  const socketAt = (path: string, key: readonly string[]): string => {
    const message = unixPathFault(at(path))
    if (message !== undefined) faults.push({ path: key, at: 'value', message })
    return at(path)
  }
  const listenAt = (listen: Listen): Listen =>
    listen.kind === 'tcp' ? listen : { kind: 'unix', path: socketAt(listen.path, ['listen']) }

  const dataDir = at(written.data)
  const admin = written.admin.listen ?? { kind: 'unix' as const, path: resolve(dataDir, 'admin.sock') }
  if (admin.kind === 'tcp') faults.push({ path: ['admin', 'listen'], at: 'value', message: ADMIN_TCP })
  const { anonymous } = written.identity
  const { tls, publicUrl } = written
  const issuers = normaliseIssuers(written.identity.issuers, faults, at)
  const certificates = normaliseCertificates(written, faults)
  const { listen } = written
  const authorizationServer = withEnterprise(authorizationServerOf(written, at, faults), issuers, faults)
  if (issuers.length > 0 && publicUrl === undefined && listen.kind === 'tcp' && isEverywhere(listen.host)) {
    const message = 'is missing: tokens are issued for the address by which callers know this gateway'
    faults.push({ path: ['publicUrl'], at: 'value', message })
  }
  const isPlain = publicUrl === undefined && tls === undefined && listen.kind === 'tcp' && !isOwn(listen.host)
  if (authorizationServer !== undefined && isPlain) {
    const message =
      'is missing: tokens are issued for the address by which callers know this gateway, over https'
    faults.push({ path: ['publicUrl'], at: 'value', message })
  }

  const hasPages = authorizationServer !== undefined
  const refAt = (secret: SecretRef) => resolveSecret(secret, at)
  const servers = new Map<string, ServerConfig>()
  for (const [name, server] of Object.entries(written.servers)) {
    servers.set(name, normaliseServer(name, server, { at, socketAt, folder }))
  }
  const config: Config = {
    file,
    dataDir,
    policyDir: at(written.policies),
    taskDir: at(written.tasks),
    environment: written.environment,
    listen: listenAt(written.listen),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(tls === undefined ? {} : { tls: normaliseTls(tls, at) }),
    trustedProxies: written.trustedProxies,
    allowedHosts: written.allowedHosts,
    allowedOrigins: written.allowedOrigins,
    admin: { path: admin.kind === 'tcp' ? '' : socketAt(admin.path, adminKey(written)) },
    ...(anonymous === undefined ? {} : { anonymous }),
    issuers,
    certificates,
    ...(authorizationServer === undefined ? {} : { authorizationServer }),
    history: normaliseHistory(written.history, [...servers.keys()], faults),
    approvals: normaliseApprovals(written.approvals, { hasPages, refAt, faults }),
    limits: written.limits,
    servers,
  }
  return faults.length === 0 ? ok(config) : err(faults)
}

function normaliseTls(written: NonNullable<WrittenConfig['tls']>, at: (path: string) => string): Tls {
  const { cert, key, clientCa, clientCrl, clientCertificates } = written
  const files = { certFile: at(cert), keyFile: at(key) }
  if (clientCa === undefined) return files
  const crl = clientCrl === undefined ? {} : { crlFile: at(clientCrl) }
  return { ...files, clients: { caFile: at(clientCa), ...crl, required: clientCertificates === 'required' } }
}

/** Whether a listener there has every address of the machine, and so none that names it. */
function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host)
}

/** Whether only this machine can connect there. */
function isOwn(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host)
}

/**
 * By default it is on where only this machine reaches the gateway over TCP, for browsers cannot follow to a socket, and
 * where nobody else says who callers are: a client that finds two authorization servers cannot tell which one to ask.
 */
function authorizationServerOf(
  written: WrittenConfig,
  at: (path: string) => string,
  faults: Fault[],
): Settings | undefined {
  const { listen, publicUrl, trustedProxies, allowedHosts } = written
  const { authorizationServer: wanted, anonymous, issuers, certificates } = written.identity
  if (wanted === false) return undefined
  if (wanted !== undefined) return settingsOf(wanted, at, faults)
  const isReached = publicUrl !== undefined || trustedProxies.length > 0 || allowedHosts.length > 0
  const isKnown = anonymous !== undefined || issuers.length > 0 || certificates.length > 0
  const isOn = listen.kind === 'tcp' && isOwn(listen.host) && !isReached && !isKnown
  return isOn ? { clientMetadataDocuments: true } : undefined
}

function settingsOf(
  { registration, clientMetadataDocuments, bound, signIn }: AuthorizationServerSettings,
  at: (path: string) => string,
  faults: Fault[],
): Settings {
  return {
    clientMetadataDocuments,
    ...(registration === undefined ? {} : { registration }),
    ...(bound === undefined ? {} : { bound }),
    ...(signIn === undefined ? {} : { signIn: normaliseSignIn(signIn, at, faults) }),
  }
}

/** Issuers whose word is taken need the server here that gives tokens for it. */
function withEnterprise(
  settings: Settings | undefined,
  issuers: readonly TokenIssuer[],
  faults: Fault[],
): AuthorizationServerConfig | undefined {
  const enterprise = issuers.filter((each) => each.enterprise !== undefined)
  if (settings !== undefined) return { ...settings, enterprise }
  for (const each of enterprise) {
    const message =
      'needs the authorization server of this gateway: write identity: { authorizationServer: {} }'
    faults.push({
      path: ['identity', 'issuers', issuers.indexOf(each), 'enterprise'],
      at: 'value',
      message,
    })
  }
  return undefined
}

/** Without what comes of other keys. */
type Settings = Omit<AuthorizationServerConfig, 'enterprise'>

type AuthorizationServerSettings = Exclude<
  WrittenConfig['identity']['authorizationServer'],
  undefined | false
>

/** The key whose value decides where the admin socket is. */
function adminKey(written: WrittenConfig): readonly string[] {
  return written.admin.listen === undefined ? ['data'] : ['admin', 'listen']
}

interface Resolvers {
  readonly at: (path: string) => string
  readonly socketAt: (path: string, key: readonly string[]) => string
  readonly folder: string
}

function normaliseServer(
  name: string,
  server: WrittenServer,
  { at, socketAt, folder }: Resolvers,
): ServerConfig {
  const common = { name, tools: tools(server), ...scopesOf(server) }
  const { sharing = 'shared', startup = 'lazy', url, credential } = server
  const socket =
    server.socket === undefined ? undefined : socketAt(server.socket, ['servers', name, 'socket'])
  switch (kindOf(server)) {
    case 'command': {
      const [program = '', ...args] = server.command ?? []
      const env = Object.entries(server.env ?? {}).map(
        ([key, value]) => [key, resolveSecret(value, at)] as const,
      )
      const cwd = server.cwd === undefined ? folder : at(server.cwd)
      return {
        ...common,
        kind: 'command',
        command: [program, ...args],
        cwd,
        env: Object.fromEntries(env),
        sharing,
        startup,
      }
    }
    case 'http':
      return {
        ...common,
        kind: 'http',
        url: url ?? '',
        ...(socket === undefined ? {} : { socket }),
        ...(credential === undefined
          ? {}
          : { credential: { ...credential, secret: resolveSecret(credential.secret, at) } }),
      }
    case 'socket':
      return { ...common, kind: 'socket', socket: socket ?? '', sharing, startup }
    case undefined:
      throw new TypeError(`The server ${name} was not checked before normalising.`)
  }
}

function resolveSecret<T extends SecretOrValue | SecretRef>(secret: T, at: (path: string) => string): T {
  return secret.kind === 'file' ? { ...secret, path: at(secret.path) } : secret
}

function tools(server: WrittenServer): ReadonlyMap<string, ToolAttributes> {
  const entries = Object.entries(server.tools ?? {}).map(([tool, attributes]) => {
    const given = Object.entries(attributes).filter(([key, value]) => key !== 'scopes' && value !== undefined)
    return [tool, Object.fromEntries(given)] as const
  })
  return new Map(entries)
}

function scopesOf({ scopes = [], tools: all = {} }: WrittenServer): { scopes?: ServerScopes } {
  const byTool = Object.entries(all).flatMap(([tool, { scopes: own = [] }]) =>
    own.length === 0 ? [] : [[tool, [...new Set(own)]] as const],
  )
  if (scopes.length === 0 && byTool.length === 0) return {}
  return { scopes: { server: [...new Set(scopes)], tools: new Map(byTool) } }
}

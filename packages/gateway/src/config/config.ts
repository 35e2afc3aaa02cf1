/**
 * The configuration as the gateway uses it: complete (every default filled in), absolute (every path resolved
 * against the file's folder) and never changed after loading. Secrets are references; their values are read when
 * they are needed, and never stand in here.
 */
import type { EntityRef } from '../model/caller.ts'
import type { CounterRule } from '../model/history.ts'
import type { CertificateRule, TokenIssuer } from '../model/issuer.ts'
import type { ServerScopes } from '../model/scopes.ts'

export interface Config {
  /** Path of the file this was loaded from. */
  readonly file: string
  /** State, log and keys. */
  readonly dataDir: string
  /** Holds `*.cedar`. */
  readonly policyDir: string
  /** Holds templates of tasks, `*.yaml`. */
  readonly taskDir: string
  /** Free text, seen by policies as `context.environment.name`. */
  readonly environment: string
  readonly listen: Listen
  /** Where callers find the gateway: scheme and host. Undefined: as `listen` says. */
  readonly publicUrl?: string
  readonly tls?: Tls
  /** Addresses and CIDR ranges of the proxies in front: without TLS, only they may connect from other machines. */
  readonly trustedProxies: readonly string[]
  /** Accepted in `Host` besides the listener's own names. */
  readonly allowedHosts: readonly string[]
  /** Accepted in `Origin` besides the listener's own. */
  readonly allowedOrigins: readonly string[]
  readonly admin: Admin
  /** Who a caller without a credential is; undefined: refused. */
  readonly anonymous?: EntityRef
  readonly issuers: readonly TokenIssuer[]
  /** The first one that fits a certificate tells whose it is. */
  readonly certificates: readonly CertificateRule[]
  /** Undefined: the gateway signs no tokens itself. */
  readonly authorizationServer?: AuthorizationServerConfig
  /** Counters that policies see. */
  readonly history: readonly CounterRule[]
  readonly approvals: ApprovalConfig
  readonly limits: Limits
  /** By name, in the order of the file. */
  readonly servers: ReadonlyMap<string, ServerConfig>
}

/** How people are asked, and who may answer. */
export interface ApprovalConfig {
  /** Whether somebody may approve what was asked for in their own name. */
  readonly self: boolean
  /** How long a question waits. */
  readonly minutes: number
  /** What approving takes besides being signed in. */
  readonly stepUp?: 'passkey'
  readonly webhook?: { readonly url: string; readonly secret: SecretRef }
}

/** Undefined settings are on where only this machine can reach the gateway. */
export interface AuthorizationServerConfig {
  /** Whether clients may register themselves. */
  readonly registration?: boolean
  /** Whether clients may be told of by a document at an address of their own. */
  readonly clientMetadataDocuments: boolean
  /** Whether its tokens have to be bound to a key. */
  readonly bound?: 'dpop'
  /** Undefined: people have passwords and passkeys here, and nothing else. */
  /** Issuers whose word is taken that a person may use a route through a client. */
  readonly enterprise: readonly TokenIssuer[]
  readonly signIn?: SignInConfig
}

/** A provider that people sign in through (OpenID Connect). */
export interface SignInConfig {
  /** What its ID tokens must be, and whom they tell of. */
  readonly tellsOf: TokenIssuer
  /** What people know it by. */
  readonly label: string
  /** Under which it knows this gateway. */
  readonly clientId: string
  /** Undefined: a public client. */
  readonly clientSecret?: SecretRef
}

export type Listen =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }

export interface Tls {
  readonly certFile: string
  readonly keyFile: string
  /** Undefined: callers are not asked for certificates. */
  readonly clients?: ClientTls
}

/** The certificates of callers. */
export interface ClientTls {
  /** Whoever may sign them. */
  readonly caFile: string
  readonly crlFile?: string
  /** Whether there is no connection without one. */
  readonly required: boolean
}

export interface Admin {
  /** Unix socket of the admin API. */
  readonly path: string
}

export interface Limits {
  readonly maxBodyBytes: number
  readonly maxHeaderBytes: number
  readonly maxJsonDepth: number
  readonly maxJsonMembers: number
  readonly headersTimeoutSeconds: number
  readonly bodyTimeoutSeconds: number
  readonly requestTimeoutSeconds: number
  readonly maxResultBytes: number
  readonly maxSessions: number
  readonly drainSeconds: number
}

export type ServerConfig = CommandServer | HttpServer | SocketServer

interface Common {
  readonly name: string
  /** By the server's own name for the tool. */
  readonly tools: ReadonlyMap<string, ToolAttributes>
  /** What a token must be good for; left out where nothing is asked. */
  readonly scopes?: ServerScopes
}

/** A program started by the gateway, spoken to on stdin and stdout. */
export interface CommandServer extends Common {
  readonly kind: 'command'
  /** Program and arguments; no shell. */
  readonly command: readonly [program: string, ...args: string[]]
  readonly cwd: string
  readonly env: Readonly<Record<string, SecretOrValue>>
  readonly sharing: Sharing
  readonly startup: Startup
}

/** Streamable HTTP, over TCP or, with `socket`, over a Unix socket. */
export interface HttpServer extends Common {
  readonly kind: 'http'
  readonly url: string
  readonly socket?: string
  readonly credential?: Credential
}

/** The framing of stdio, over a Unix socket. */
export interface SocketServer extends Common {
  readonly kind: 'socket'
  readonly socket: string
  readonly sharing: Sharing
  readonly startup: Startup
}

/** One process or connection for all callers, or one for each session. */
export type Sharing = 'shared' | 'per-session'
/** At the first call, or when the gateway starts. */
export type Startup = 'lazy' | 'eager'

/** Sent to the server by the gateway: `Authorization: Bearer …`, or a header of another name. */
export type Credential =
  | { readonly type: 'bearer'; readonly secret: SecretRef }
  | { readonly type: 'header'; readonly name: string; readonly secret: SecretRef }

/** Where a secret is read from, when it is needed. `path` is absolute. */
export type SecretRef =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }

export type SecretOrValue = SecretRef | { readonly kind: 'value'; readonly value: string }

/** What policies see of a tool as `resource`; what is left out here comes from the approved definition. */
export interface ToolAttributes {
  readonly readOnly?: boolean
  readonly destructive?: boolean
  readonly idempotent?: boolean
  readonly openWorld?: boolean
  /** Labels that a result brings into a task, such as `untrusted` and `private`. */
  readonly reads?: readonly string[]
  /** The tool can carry information out. */
  readonly sends?: boolean
  /** The tool changes data that may be read again. */
  readonly writes?: boolean
}

/** One thing wrong with the configuration: what, where, and how to mend it. */
export interface ConfigError {
  readonly file: string
  /** From 1; absent when the file could not be read at all. */
  readonly position?: { readonly line: number; readonly column: number }
  readonly message: string
}

/** `file:line:column: message`. */
export function showConfigError(error: ConfigError): string {
  const { file, position, message } = error
  return position === undefined
    ? `${file}: ${message}`
    : `${file}:${position.line}:${position.column}: ${message}`
}

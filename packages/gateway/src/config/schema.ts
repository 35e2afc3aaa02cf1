/**
 * The schema of `tollgate.yaml`: from it come the types, the JSON Schema for editors and the reference page.
 * It checks each key by itself; what keys mean together is in servers.ts, and paths are resolved in normalise.ts.
 * A message completes a sentence that begins with the key's name.
 */
import * as z from 'zod'
import { parseEntity } from './entity.ts'
import { parsed, sound } from './fields.ts'
import { certificate } from './certificate-schema.ts'
import { approvals } from './approvals.ts'
import { COUNTER_NAME, counter } from './history.ts'
import { issuer, scope } from './issuer-schema.ts'
import { labelFault } from './labels.ts'
import { parseListen } from './listen.ts'
import { pathFault, unixPathFault } from './paths.ts'
import { parseSecret, parseSecretOrValue } from './secret.ts'
import { signIn } from './sign-in.ts'
import { credentialHeaderFault, hostFault, httpUrlFault, originFault, publicUrlFault } from './web.ts'

/** The most keeps what it bounds within what the runtime can do: timers of 24 days, texts of half a GiB. */
function limit([least, most]: readonly [number, number], standard: number, what: string) {
  return z.int().min(least).max(most).default(standard).describe(what)
}

const KIB = 1024
const MIB = 1024 * KIB
const DAY_SECONDS = 86_400

const word = (text: string) => (text.includes('\0') ? 'must not contain a NUL character' : undefined)

const limits = z.strictObject({
  maxBodyBytes: limit([KIB, 256 * MIB], 4 * MIB, 'Largest request body.'),
  maxHeaderBytes: limit([KIB, MIB], 16 * KIB, 'Largest request head.'),
  maxJsonDepth: limit([4, 1000], 64, 'Deepest nesting of a request, in levels.'),
  maxJsonMembers: limit([16, 10_000_000], 20_000, 'Most members and elements in one request.'),
  headersTimeoutSeconds: limit([1, DAY_SECONDS], 10, 'Longest wait for a request head.'),
  bodyTimeoutSeconds: limit([1, DAY_SECONDS], 30, 'Longest wait for a request body.'),
  requestTimeoutSeconds: limit([1, DAY_SECONDS], 300, 'Longest wait for an answer from a server.'),
  maxResultBytes: limit([KIB, 256 * MIB], 64 * MIB, 'Largest message of a server.'),
  maxSessions: limit(
    [1, 1_000_000],
    1000,
    'Most sessions that one caller may have at once, and most processes of a server that has one for each session.',
  ),
  drainSeconds: limit([0, DAY_SECONDS], 10, 'Time that calls in flight have to end when the gateway stops.'),
})

/** These have a meaning of their own, for clients and for the authorization server. */
const RESERVED_SCOPES = ['openid', 'offline_access']
const requiredScope = scope.refine((name) => !RESERVED_SCOPES.includes(name), 'must be a scope of your own')

const label = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,64}$/, 'must be at most 64 letters, digits and . _ : -')
  .superRefine((name, context) => {
    const fault = labelFault(name)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })

const tool = z.strictObject({
  readOnly: z.boolean().optional().describe('It changes nothing.'),
  destructive: z.boolean().optional().describe('It may destroy or overwrite.'),
  idempotent: z
    .boolean()
    .optional()
    .describe('Calling it again with the same arguments changes nothing more.'),
  openWorld: z.boolean().optional().describe('It reaches things outside, such as the web.'),
  reads: z
    .array(label)
    .max(16)
    .optional()
    .describe('Labels of what it brings in, such as `untrusted` and `private`.'),
  sends: z.boolean().optional().describe('It can carry information out.'),
  writes: z
    .boolean()
    .optional()
    .describe('It changes data that may be read again. Unless said, it does when it is not `readOnly`.'),
  scopes: z
    .array(requiredScope)
    .optional()
    .meta({ examples: [['files:write']] })
    .describe('Scopes that a token must have to call it, besides those of the server.'),
})

const secret = parsed(parseSecret, 'env:TICKETS_TOKEN', 'file:/run/secrets/tickets').describe(
  'Where the secret is: `env:NAME` or `file:path`. Never the secret itself.',
)

const credential = z.discriminatedUnion('type', [
  z.strictObject({
    type: z
      .literal('bearer')
      .describe('`bearer` sends `Authorization: Bearer …`; `header` sends the header `name`.'),
    secret,
  }),
  z.strictObject({
    type: z.literal('header'),
    name: sound(credentialHeaderFault)
      .meta({ examples: ['X-Api-Key'] })
      .describe('Name of the header, for `type: header`.'),
    secret,
  }),
])

const server = z.strictObject({
  command: z
    .array(sound(word))
    .min(1)
    .optional()
    .meta({ examples: [['node', './server.js']] })
    .describe('A program to start and its arguments, spoken to on stdin and stdout. No shell.'),
  url: sound(httpUrlFault)
    .optional()
    .meta({ examples: ['https://tickets.example.com/mcp'] })
    .describe('A server that speaks Streamable HTTP.'),
  socket: sound(unixPathFault)
    .optional()
    .meta({ examples: ['/run/db-mcp.sock'] })
    .describe(
      'A Unix socket. Alone: it speaks like a program on stdin and stdout. With `url`: it speaks HTTP.',
    ),
  cwd: sound(pathFault)
    .optional()
    .describe('Folder that `command` starts in; default: the folder of this file.'),
  env: z
    .record(
      z.string().regex(/^[^=\0]+$/, 'must not be empty and not contain ='),
      parsed(parseSecretOrValue, 'warn', 'env:TICKETS_TOKEN'),
    )
    .optional()
    .meta({ examples: [{ LOG_LEVEL: 'warn', API_KEY: 'env:TICKETS_TOKEN' }] })
    .describe(
      'Environment of `command`: values, or `env:NAME` and `file:path` for secrets; `value:` before a text that only looks like a reference. Of its own the gateway passes on `PATH`, `HOME`, the locale and the like.',
    ),
  sharing: z
    .enum(['shared', 'per-session'])
    .optional()
    .describe('One process or connection for everyone, or one for each session; default `shared`.'),
  startup: z
    .enum(['lazy', 'eager'])
    .optional()
    .describe('When to start it: at the first call or with the gateway; default `lazy`.'),
  credential: credential.optional().describe('What the gateway shows to the server at `url`.'),
  scopes: z
    .array(requiredScope)
    .optional()
    .meta({ examples: [['files:read']] })
    .describe(
      'Scopes that a token must have for anything on this server. Policies are asked as well; keys need none.',
    ),
  tools: z
    .record(z.string().min(1).max(256), tool)
    .optional()
    .describe("What policies see of a tool, by the server's own name for it."),
})

/** Matches the names a server may have; a `__` would be mistaken for the end of the name. */
export const SERVER_NAME = /^[A-Za-z0-9][A-Za-z0-9.-]*(_[A-Za-z0-9.-]+)*$/
export const MAX_SERVER_NAME_LENGTH = 64

export const configSchema = z.strictObject({
  listen: parsed(parseListen, '127.0.0.1:7070', 'unix:/run/tollgate.sock')
    .prefault('127.0.0.1:7070')
    .describe('Where callers connect: `host:port` or `unix:/path`.'),
  publicUrl: sound(publicUrlFault)
    .optional()
    .meta({ examples: ['https://gate.example.com'] })
    .describe(
      'Where callers find the gateway, scheme and host; default: as `listen` says. Tokens are issued for `<publicUrl>/mcp/<server>`, and its host is accepted in `Host`.',
    ),
  admin: z
    .strictObject({
      listen: parsed(parseListen, 'unix:/run/tollgate-admin.sock')
        .optional()
        .describe('A Unix socket, `unix:/path`; default: `admin.sock` in the data folder.'),
    })
    .prefault({})
    .describe('The admin API, which `tollgate status` and `tollgate reload` use.'),
  data: sound(pathFault).default('./.tollgate').describe('Folder for state, log and keys.'),
  policies: sound(pathFault).default('./policies').describe('Folder of the policies, `*.cedar`.'),
  tasks: sound(pathFault)
    .default('./tasks')
    .describe('Folder of the templates that tasks are started from, `*.yaml` (docs/reference/tasks.md).'),
  environment: z
    .string()
    .min(1)
    .max(256)
    .default('dev')
    .describe('Free text, seen by policies as `context.environment.name`.'),
  identity: z
    .strictObject({
      anonymous: parsed(parseEntity, 'User::"local"')
        .optional()
        .describe('Who a caller without a credential is; only on loopback addresses and Unix sockets.'),
      issuers: z
        .array(issuer)
        .default([])
        .describe('Who signs tokens that callers may show instead of a key (docs/guides/identity.md).'),
      certificates: z
        .array(certificate)
        .default([])
        .describe(
          'Whose certificates are: rules for those that `tls.clientCa` lets in, the first one that fits counts.',
        ),
      authorizationServer: z
        .strictObject({
          registration: z
            .boolean()
            .optional()
            .describe(
              'Whether clients may register themselves; default: only where nobody but this machine can reach the gateway.',
            ),
          clientMetadataDocuments: z
            .boolean()
            .default(true)
            .describe('Whether a client may be told of by a document at an https address, which is its id.'),
          bound: z
            .literal('dpop')
            .optional()
            .describe('Take back only tokens that are bound to a key of the client; default: bound or not.'),
          signIn: signIn
            .optional()
            .describe(
              'A provider that people sign in through, besides those made with `tollgate user add` (OpenID Connect).',
            ),
        })
        .or(z.literal(false))
        .optional()
        .meta({ examples: [{}] })
        .describe(
          'Sign tokens here, for people made with `tollgate user add` or who come through `signIn` (docs/guides/identity.md). Default: on where `listen` is a loopback address and nothing says that others reach the gateway (`publicUrl`, `trustedProxies`, `allowedHosts`) or who callers are (`anonymous`, `issuers`, `certificates`). `false` turns it off.',
        ),
    })
    .prefault({})
    .describe(
      'How callers are recognised. API keys are made with `tollgate key create` and do not stand here.',
    ),
  tls: z
    .strictObject({
      cert: sound(pathFault)
        .meta({ examples: ['./cert.pem'] })
        .describe('Certificate chain, PEM.'),
      key: sound(pathFault)
        .meta({ examples: ['./key.pem'] })
        .describe('Private key, PEM.'),
      clientCa: sound(pathFault)
        .optional()
        .meta({ examples: ['./clients-ca.pem'] })
        .describe(
          'Authorities whose certificates callers may show, PEM. What they sign is believed, so they should sign for nobody else.',
        ),
      clientCrl: sound(pathFault)
        .optional()
        .meta({ examples: ['./clients-crl.pem'] })
        .describe('Certificates that those authorities have revoked, PEM: a list of each. Read at a reload.'),
      clientCertificates: z
        .enum(['optional', 'required'])
        .optional()
        .describe('Whether a connection without a certificate is refused; default `optional`.'),
    })
    .optional()
    .describe('Serve HTTPS on `listen`.'),
  trustedProxies: z
    .array(
      z.union(
        [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()],
        'must be an address or a CIDR range, such as 10.0.0.0/8',
      ),
    )
    .default([])
    .meta({ examples: [['10.0.0.0/8', '::1']] })
    .describe(
      'Addresses and ranges of the proxies in front, also of one on this machine. Without TLS, only they may connect from other machines. What they write in `X-Forwarded-For` (or `Forwarded`) is where a call comes from, in policies, limits and the audit log; nobody else is believed.',
    ),
  allowedHosts: z
    .array(sound(hostFault))
    .default([])
    .meta({ examples: [['gate.example.com']] })
    .describe("Names accepted in `Host`, besides the listener's own."),
  allowedOrigins: z
    .array(sound(originFault))
    .default([])
    .meta({ examples: [['https://app.example.com']] })
    .describe("Origins of web pages accepted in `Origin`, besides the listener's own."),
  history: z
    .record(z.string().meta({ pattern: COUNTER_NAME.source }), counter)
    .default({})
    .describe(
      'Counters that policies see as `context.history.<name>` (docs/reference/tasks.md). They survive a restart.',
    ),
  approvals: approvals
    .prefault({})
    .describe('How people are asked about calls that need one (docs/reference/tasks.md).'),
  limits: limits.prefault({}).describe('Bounds on what one caller or server can use up.'),
  servers: z
    .record(z.string().meta({ pattern: SERVER_NAME.source, maxLength: MAX_SERVER_NAME_LENGTH }), server)
    .prefault({})
    .describe('The MCP servers behind the gateway, by name. A tool is called `<name>__<tool>` everywhere.'),
})

/** The file as written, every key by itself valid, defaults filled in; paths still relative. */
export type WrittenConfig = z.output<typeof configSchema>
export type WrittenServer = WrittenConfig['servers'][string]

/** For editors: `# yaml-language-server: $schema=…`. */
export function configJsonSchema(): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(configSchema, { io: 'input' })
}

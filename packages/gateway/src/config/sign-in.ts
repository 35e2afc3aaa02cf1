/** `identity.authorizationServer.signIn`: the provider that people sign in through. */
import * as z from 'zod'
import type { TokenIssuer } from '../model/issuer.ts'
import type { SecretRef, SignInConfig } from './config.ts'
import { parsed, sound } from './fields.ts'
import { parseSecret } from './secret.ts'
import type { Fault } from './document.ts'
import { claimFault, issuerNameFault, providerUrlFault } from './web.ts'

const claim = () => sound(claimFault)

export const signIn = z.strictObject({
  name: sound(issuerNameFault)
    .meta({ examples: ['corp'] })
    .describe('First part of the name of everyone who signs in this way: `User::"local/corp/ada"`.'),
  label: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .meta({ examples: ['Acme'] })
    .describe('What people know the provider by: `Continue with Acme`; default: `name`.'),
  issuer: sound(providerUrlFault)
    .meta({ examples: ['https://sso.example.com/realms/corp'] })
    .describe('Its address, the `iss` of its ID tokens.'),
  clientId: z
    .string()
    .min(1)
    .meta({ examples: ['tollgate'] })
    .describe('Under which it knows this gateway. The redirect address is `<publicUrl>/oauth/callback`.'),
  clientSecret: parsed(parseSecret, 'env:CORP_SECRET', 'file:/run/secrets/corp')
    .optional()
    .describe('Where the secret of that client is; left out for a public client, which has PKCE alone.'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be a scope, without spaces and quotes'))
    .default(['openid', 'profile'])
    .describe('What to ask for.'),
  subject: claim().default('sub').describe('The claim of the ID token that names the person.'),
  groups: claim()
    .optional()
    .meta({ examples: ['groups'] })
    .describe('The claim that lists their groups, which are called `Group::"local/corp/engineering"`.'),
  tags: z
    .record(z.string().min(1), claim())
    .default({})
    .meta({ examples: [{ department: 'dept' }] })
    .describe('Tags of the principal, each from a claim.'),
  requires: z
    .record(claim(), z.array(z.string().min(1)))
    .default({})
    .meta({ examples: [{ hd: ['example.com'] }] })
    .describe('Claims that the ID token must have, and their values, or `[]` for any.'),
})

/** Issuers that sign for everybody who has an account, and the claims that say whose it is. */
const FOR_EVERYBODY: Readonly<Record<string, readonly string[]>> = {
  'https://accounts.google.com': ['hd', 'email', 'sub'],
}

/** The setting as the gateway uses it; faults are added to `faults`. `at` resolves paths. */
export function normaliseSignIn(
  written: z.output<typeof signIn>,
  at: (path: string) => string,
  faults: Fault[],
): SignInConfig {
  const path = ['identity', 'authorizationServer', 'signIn']
  const fault = (key: string, message: string) => faults.push({ path: [...path, key], at: 'value', message })
  const { name, label = name, issuer, clientId, clientSecret, scopes, subject, groups } = written
  if (!scopes.includes('openid')) fault('scopes', 'must have openid: without it there is no ID token')
  const oneOf = FOR_EVERYBODY[issuer]
  const required = Object.entries(written.requires).filter(([, values]) => values.length > 0)
  if (oneOf !== undefined && !required.some(([each]) => oneOf.includes(each)))
    fault('requires', `must name one of ${oneOf.join(', ')} and its values: anybody can sign in there`)
  const tellsOf: TokenIssuer = {
    name,
    issuer,
    subject,
    scopes,
    groups,
    tags: new Map(Object.entries(written.tags)),
    requires: new Map(Object.entries(written.requires)),
    subjectPrefix: '',
    kind: 'user',
    type: 'JWT',
    audiences: [clientId],
    algorithms: [],
    jwks: undefined,
    agents: new Map(),
    services: new Map(),
    // An ID token is for the one client there is, this gateway.
    clients: [],
    clientProof: undefined,
    enterprise: undefined,
    authorizes: false,
  }
  const secret = clientSecret === undefined ? {} : { clientSecret: absolute(clientSecret, at) }
  return { tellsOf, label, clientId, ...secret }
}

function absolute(secret: SecretRef, at: (path: string) => string): SecretRef {
  return secret.kind === 'file' ? { kind: 'file', path: at(secret.path) } : secret
}

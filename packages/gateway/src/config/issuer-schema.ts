/** The schema of `identity.issuers`, each key by itself; what they mean together is in issuers.ts. */
import * as z from 'zod'
import { claimFault, issuerNameFault, issuerUrlFault, jwksUrlFault } from './web.ts'
import { sound } from './fields.ts'
import { RECIPES } from './recipes.ts'

/** Only signatures by a key that the gateway cannot sign with itself: no HS256 and its like, and never `none`. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'].concat(
  ['RS384', 'RS512', 'PS384', 'PS512'],
  ['ES384', 'ES512'],
) as readonly string[]

const claim = () => sound(claimFault)
const values = () => z.record(claim(), z.array(z.string().min(1)))

/** How tokens have to be bound to a key. */
const bound = z.enum(['dpop', 'mtls', 'any'])

/** RFC 6749, 3.3. */
export const scope = z
  .string()
  .regex(
    /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/,
    'must be a scope of at most 128 characters, without spaces and quotes',
  )

export const issuer = z.strictObject({
  name: sound(issuerNameFault)
    .meta({ examples: ['corp'] })
    .describe('First part of the name of everyone whom its tokens tell of: `User::"corp/alice"`.'),
  issuer: sound(issuerUrlFault)
    .optional()
    .meta({ examples: ['https://idp.example.com'] })
    .describe('`iss` of its tokens, exactly. Some recipes know it.'),
  recipe: z
    .enum(RECIPES)
    .optional()
    .describe('Defaults for the tokens of a known product; what stands here goes before them.'),
  jwks: sound(jwksUrlFault)
    .optional()
    .meta({ examples: ['https://idp.example.com/keys', 'file:./keys.json'] })
    .describe(
      "Its keys: an address, or `file:` and the path of a JWK Set, for an issuer that this machine cannot reach; default: the address that the issuer's metadata names.",
    ),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .optional()
    .meta({ examples: [['RS256']] })
    .describe('Accepted signatures; default RS256, PS256, ES256 and EdDSA.'),
  audience: z
    .array(z.string().min(1))
    .default([])
    .meta({ examples: [['https://gate.example.com']] })
    .describe(
      'Accepted in `aud` on every route. Without it a token is good only for the route whose URL it names.',
    ),
  type: z
    .enum(['at+jwt', 'JWT'])
    .optional()
    .describe(
      'What `typ` in the header must say; default `at+jwt`. With `JWT` it may also say `JWT` or nothing.',
    ),
  kind: z.enum(['user', 'service', 'agent']).optional().describe('Whom its tokens tell of; default `user`.'),
  services: values()
    .optional()
    .meta({ examples: [{ idtyp: ['app'] }] })
    .describe(
      'Claims, and their values or `[]` for any, by which the token of a service is told from that of a person.',
    ),
  agents: values()
    .optional()
    .meta({ examples: [{ roles: ['agent'] }] })
    .describe('Likewise for the token of an agent that nobody stands behind.'),
  subject: claim()
    .optional()
    .meta({ examples: ['sub'] })
    .describe('The claim that names the principal, a name or a JSON Pointer; default `sub`.'),
  subjectPrefix: z
    .string()
    .min(1)
    .optional()
    .meta({ examples: ['spiffe://example.org/'] })
    .describe('What the subject must begin with.'),
  groups: claim()
    .optional()
    .meta({ examples: ['/realm_access/roles'] })
    .describe('The claim that lists its groups, which are called `Group::"corp/engineering"`.'),
  tags: z
    .record(z.string().min(1), claim())
    .optional()
    .meta({ examples: [{ department: 'dept' }] })
    .describe('Tags of the principal, each from a claim.'),
  agent: claim()
    .optional()
    .meta({ examples: ['client_id'] })
    .describe('The claim that names the client; default `client_id`, else `azp`.'),
  agentProof: claim()
    .optional()
    .meta({ examples: ['azpacr'] })
    .describe('The claim that tells how the client proved to the issuer which one it is.'),
  bound: bound
    .optional()
    .describe(
      'Refuse tokens that are not bound to a key: by `dpop`, by `mtls` or by `any` of them. Bound tokens need their proof in any case.',
    ),
  requires: values()
    .optional()
    .meta({ examples: [{ repository_owner: ['my-org'] }] })
    .describe('Claims that a token must have, and their values, or `[]` for any.'),
  enterprise: z
    .boolean()
    .default(false)
    .describe(
      "Whether its word is taken that one of its people may use a route through a client (enterprise-managed authorization, ID-JAG): the client gets a token of the gateway's own authorization server for it.",
    ),
  scopes: z
    .array(scope)
    .default([])
    .meta({ examples: [['mcp']] })
    .describe('Scopes that clients are told to ask for.'),
})

export type WrittenIssuer = z.output<typeof issuer>

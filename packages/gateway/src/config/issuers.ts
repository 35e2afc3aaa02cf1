/** What the keys of an issuer mean together, with its recipe; and what issuers must not have in common. */
import type { TokenIssuer } from '../model/issuer.ts'
import type { Fault, Path } from './document.ts'
import type { WrittenIssuer } from './issuer-schema.ts'
import { type Recipe, recipes } from './recipes.ts'
import { FILE } from './web.ts'

const STANDARD: Required<Pick<Recipe, 'algorithms' | 'type' | 'kind' | 'subject' | 'clients'>> = {
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  type: 'at+jwt',
  kind: 'user',
  subject: 'sub',
  clients: ['client_id', 'azp'],
}

/** The issuers as the gateway uses them; faults are added to `faults`. */
export function normaliseIssuers(
  written: readonly WrittenIssuer[],
  faults: Fault[],
  at: (path: string) => string,
): readonly TokenIssuer[] {
  const issuers = written.map((each) => normaliseIssuer(each, at))
  for (const [index, issuer] of issuers.entries()) {
    const path = ['identity', 'issuers', index]
    faults.push(...faultsOf(issuer, written[index] as WrittenIssuer, path))
    for (const key of ['name', 'issuer'] as const) {
      const first = issuers.findIndex((other) => other[key] === issuer[key])
      if (first === index || issuer[key] === '') continue
      const message = `is that of identity.issuers[${first}] too: nobody could tell their tokens apart`
      faults.push({ path: [...path, key], at: 'value', message })
    }
  }
  return issuers
}

function normaliseIssuer(written: WrittenIssuer, at: (path: string) => string): TokenIssuer {
  const recipe: Recipe = { ...STANDARD, ...(written.recipe === undefined ? {} : recipes[written.recipe]) }
  const { name, audience, jwks, agent, scopes } = written
  const issuer = written.issuer ?? recipe.issuer ?? ''
  const domain = issuer.startsWith('spiffe://') ? `${issuer}/` : undefined
  return {
    name,
    issuer,
    jwks: jwks?.startsWith(FILE) ? FILE + at(jwks.slice(FILE.length)) : jwks,
    scopes,
    audiences: audience,
    algorithms: written.algorithms ?? recipe.algorithms ?? STANDARD.algorithms,
    type: written.type ?? recipe.type,
    kind: written.kind ?? recipe.kind ?? STANDARD.kind,
    agents: new Map(Object.entries(written.agents ?? recipe.agents ?? {})),
    services: new Map(Object.entries(written.services ?? recipe.services ?? {})),
    subject: written.subject ?? recipe.subject ?? STANDARD.subject,
    subjectPrefix: written.subjectPrefix ?? recipe.subjectPrefix ?? domain ?? '',
    groups: written.groups ?? recipe.groups,
    tags: new Map(Object.entries({ ...recipe.tags, ...written.tags })),
    clients: agent === undefined ? (recipe.clients ?? STANDARD.clients) : [agent],
    clientProof: written.agentProof ?? recipe.clientProof,
    bound: written.bound,
    requires: new Map(Object.entries({ ...recipe.requires, ...written.requires })),
    enterprise: written.enterprise ? new Map(Object.entries(written.requires ?? {})) : undefined,
    // Its clients come to the authorization server here with its word.
    authorizes: recipe.authorizes !== false && !written.enterprise,
  }
}

function faultsOf(issuer: TokenIssuer, written: WrittenIssuer, path: Path): Fault[] {
  const faults: Fault[] = []
  const fault = (key: string, message: string) => faults.push({ path: [...path, key], at: 'value', message })
  const { recipe } = written
  if (issuer.issuer === '') fault('issuer', 'is missing; it is text, such as https://idp.example.com')
  const isSpiffe = issuer.issuer.startsWith('spiffe://')
  if (isSpiffe && recipe !== 'spiffe') fault('issuer', 'can be a trust domain only with recipe: spiffe')
  if (isSpiffe && issuer.jwks === undefined)
    fault('jwks', 'is missing: a trust domain does not say where its keys are')
  if (recipe === 'spiffe' && issuer.subjectPrefix === '')
    fault('subjectPrefix', 'is missing; it is the trust domain, such as spiffe://example.org/')
  if (isSpiffe && !issuer.subjectPrefix.startsWith(`${issuer.issuer}/`))
    fault('subjectPrefix', `must begin with ${issuer.issuer}/`)
  const oneOf = recipe === undefined ? undefined : recipes[recipe].oneOf
  const required = Object.entries(written.requires ?? {}).filter(([, values]) => values.length > 0)
  if (oneOf !== undefined && !required.some(([claim]) => oneOf.includes(claim))) {
    fault('requires', `must name one of ${oneOf.join(', ')} and its values: this issuer signs for everybody`)
  }
  if (recipe === 'google' && issuer.audiences.some((each) => each.endsWith('.apps.googleusercontent.com'))) {
    fault('audience', 'must not be a client id: that is the audience of ID tokens, which are not for servers')
  }
  return faults
}

/** What the tokens of this gateway are to its resource server, and to whoever looks at one: an issuer like any other. */
import { LOCAL_ISSUER, type TokenIssuer } from '../model/issuer.ts'
import { PATHS } from './paths.ts'
import { SCOPE } from './resources.ts'

/** Its settings, at this address, with these tags. */
export function ownIssuer(issuer: string, tags: ReadonlySet<string>): TokenIssuer {
  return {
    name: LOCAL_ISSUER,
    issuer,
    audiences: [],
    jwks: issuer + PATHS.jwks,
    algorithms: ['ES256'],
    type: 'at+jwt',
    kind: 'user',
    agents: new Map([['principal_type', ['agent']]]),
    services: new Map([['principal_type', ['service']]]),
    subject: 'sub',
    subjectPrefix: '',
    groups: 'groups',
    tags: new Map([...tags].map((tag) => [tag, `/tags/${tag.replaceAll('~', '~0').replaceAll('/', '~1')}`])),
    clients: ['client_id'],
    clientProof: 'client_auth',
    requires: new Map([['client_id', []]]),
    scopes: [SCOPE],
    enterprise: undefined,
    authorizes: true,
  }
}

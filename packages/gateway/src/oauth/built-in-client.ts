/**
 * The client that is known without being made known: the command line, `tollgate login`. It is public, so anybody can say
 * to be it, and it cannot be sent a browser: what it gets it gets by a code that a person enters.
 */
import type { ClientMetadata } from 'oidc-provider'

export const COMMAND_LINE = {
  client_id: 'tollgate-cli',
  client_name: 'The tollgate command',
  application_type: 'native',
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  response_types: [],
  redirect_uris: [],
  token_endpoint_auth_method: 'none',
} satisfies ClientMetadata

/**
 * The page of an approval, which signs people in like any client does, and is never given anything: nobody is asked to let
 * it in, and what it wanted to know is who has the session.
 */
export const APPROVALS_CLIENT = 'tollgate-approvals'
export const APPROVALS_RETURN = '/approvals/signed-in'

/** Such a client, at the gateway's own address. */
export function approvalsClient(issuer: string): ClientMetadata {
  return {
    client_id: APPROVALS_CLIENT,
    client_name: 'Approvals',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [`${issuer}${APPROVALS_RETURN}`],
    token_endpoint_auth_method: 'none',
  }
}

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

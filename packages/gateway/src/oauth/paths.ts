/** Where the endpoints of the authorization server are. */

export const PATHS = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  jwks: '/oauth/jwks',
  registration: '/oauth/register',
  revocation: '/oauth/revoke',
  pushed_authorization_request: '/oauth/par',
  code_verification: '/oauth/device',
  device_authorization: '/oauth/device-authorization',
  // Off, but the library wants a place for each.
  introspection: '/oauth/introspect',
  userinfo: '/oauth/userinfo',
  end_session: '/oauth/end',
  backchannel_authentication: '/oauth/backchannel',
} as const

/** The pages of approvals, before the id of each. */
export const APPROVALS = '/approvals/'

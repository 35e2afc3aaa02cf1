/** What URLs, hosts, origins and header names in the configuration must be. */

/** Why `text` cannot be the address of a server; undefined when it can. */
export function httpUrlFault(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol))
    return 'must be an http or https URL, such as https://tickets.example.com/mcp'
  if (url.username !== '' || url.password !== '')
    return 'must not contain a user or password; use `credential`'
  if (url.hash !== '') return 'must not contain a # part'
  return undefined
}

/** Why `text` cannot be an `Origin` header's value; undefined when it can. */
export function originFault(text: string): string | undefined {
  const url = URL.parse(text)
  const fits = url !== null && /^https?:$/.test(url.protocol) && url.origin === text
  return fits
    ? undefined
    : 'must be an origin: scheme and host in lower case, no path, such as https://app.example.com'
}

/** Why `text` cannot be a `Host` header's value; undefined when it can. */
export function hostFault(text: string): string | undefined {
  const url = /^[^/?#@\\\s]+$/.test(text) ? URL.parse(`http://${text}`) : null
  const fits = url !== null && [url.host, `${url.host}:80`].includes(text)
  return fits
    ? undefined
    : 'must be a host name in lower case, with a port or without, such as gate.example.com'
}

/** Written by the gateway itself, or about the connection. */
const OURS = new Set(
  ['accept', 'accept-encoding', 'connection', 'content-length', 'content-type', 'expect', 'host'].concat([
    'keep-alive',
    'last-event-id',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'user-agent',
  ]),
)

/** Why `text` cannot name a header that carries a credential; undefined when it can. */
export function credentialHeaderFault(text: string): string | undefined {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text))
    return 'must be the name of an HTTP header, such as X-Api-Key'
  const name = text.toLowerCase()
  if (OURS.has(name) || /^(mcp-|proxy-)/.test(name))
    return 'must be another header: the gateway writes this one itself'
  return undefined
}

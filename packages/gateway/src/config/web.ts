/** What URLs, hosts, origins and header names in the configuration must be. */
import { LOCAL_ISSUER } from '../model/issuer.ts'
import { DNS_NAME, PLAIN_URI } from '../model/names.ts'
import { pathFault } from './paths.ts'

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

/** Why `text` cannot be the address of this gateway; undefined when it can. */
export function publicUrlFault(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || url.origin !== text || !isSafeOnTheWire(url))
    return 'must be https://, a host and nothing behind it, such as https://gate.example.com; http:// only for this machine'
  return undefined
}

/** Why `text` cannot be the `iss` of tokens; undefined when it can. */
export function issuerUrlFault(text: string): string | undefined {
  if (/^spiffe:\/\/[a-z0-9._-]+$/.test(text)) return undefined
  const url = URL.parse(text)
  const fits = url !== null && isSafeOnTheWire(url) && !/[?#@\s]/.test(text)
  return fits ? undefined : 'must be an https URL without a query, such as https://idp.example.com'
}

/** Why `text` cannot be the address of a provider that people sign in through; undefined when it can. */
export function providerUrlFault(text: string): string | undefined {
  return text.startsWith('spiffe:')
    ? 'must be an https URL: nobody signs in through SPIFFE'
    : issuerUrlFault(text)
}

/** Before the path of a file, as in secrets. */
export const FILE = 'file:'

/** Why `text` cannot be where keys are; undefined when it can. */
export function jwksUrlFault(text: string): string | undefined {
  if (text.startsWith(FILE)) return pathFault(text.slice(FILE.length))
  const url = URL.parse(text)
  const fits = url !== null && isSafeOnTheWire(url) && !/[#@\s]/.test(text)
  return fits
    ? undefined
    : 'must be an https URL, such as https://idp.example.com/keys, or a file, such as file:./keys.json'
}

/** Whether the host of an address has a name. IP addresses have none, and passkeys belong to names. */
export function hasHostName(address: string): boolean {
  return !/^((\d+\.){3}\d+|\[.*\])$/.test(new URL(address).hostname)
}

/** Whether nobody in between can change what comes from there: TLS, or it does not leave this machine. */
function isSafeOnTheWire({ protocol, hostname }: URL): boolean {
  if (protocol === 'https:') return true
  return protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

/** Why `text` cannot begin the names of an issuer's principals; undefined when it can. */
export function issuerNameFault(text: string): string | undefined {
  if (text === LOCAL_ISSUER) return 'must be another name: "local" is kept for this gateway itself'
  const fits = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)
  return fits ? undefined : 'must be a name of letters, digits, ".", "-" and "_", such as corp'
}

/** Why `text` cannot be what the URI in a certificate is or begins with; undefined when it can. */
export function uriPatternFault(text: string): string | undefined {
  return PLAIN_URI.test(text.endsWith('/') ? `${text}x` : text)
    ? undefined
    : 'must be a URI such as spiffe://example.org/ns/prod/, in plain letters and without "." and ".." as parts'
}

/** Why `text` cannot be a DNS name in a certificate, or all those below one; undefined when it can. */
export function dnsPatternFault(text: string): string | undefined {
  return DNS_NAME.test(text.replace(/^\*\./, ''))
    ? undefined
    : 'must be a DNS name in lower case, such as jobs.example.com or *.jobs.example.com'
}

/** Why `text` cannot name a claim; undefined when it can. */
export function claimFault(text: string): string | undefined {
  const fits = text !== '' && text !== '/' && !/~(?![01])/.test(text.startsWith('/') ? text : '')
  return fits ? undefined : 'must be the name of a claim, or a JSON Pointer such as /realm_access/roles'
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

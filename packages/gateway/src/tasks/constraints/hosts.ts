/**
 * `hosts`: URLs of the web whose host is named. The URL is forwarded as it was written, and whoever fetches it may read
 * URLs in another way than we do, so only what all of them read alike is let through.
 */
import { err, ok, type Result } from '../../model/result.ts'

interface Host {
  readonly name: string
  /** Any subdomain of it, and not itself. */
  readonly below: boolean
  /** Undefined: the usual one of the scheme. */
  readonly port: string | undefined
}

/** Completes "argument … "; undefined when the URL is fine. */
export type UrlCheck = (value: unknown) => string | undefined

const MAX_URL_CHARACTERS = 8192
const ENTRY = /^(\*\.)?((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?$/

/** The error completes "hosts …". */
export function compileHosts(written: unknown): Result<UrlCheck, string> {
  if (!Array.isArray(written) || written.length === 0)
    return err('must be a list of names, such as [example.com, "*.example.org", "example.net:8443"]')
  const hosts: Host[] = []
  for (const each of written as unknown[]) {
    const host = readHost(each)
    if (!host.ok) return host
    hosts.push(host.value)
  }
  const shown = (written as string[]).slice(0, 5).join(' or ')
  const outside = `must be a URL of ${shown}${written.length > 5 ? ` (or ${written.length - 5} more)` : ''}`
  return ok((value) => {
    if (typeof value !== 'string') return `${outside}, written as a text`
    const read = readUrl(value)
    if (!read.ok) return read.error
    if (hosts.some((host) => isAt(host, read.value))) return undefined
    const isOtherPort = hosts.some((host) => isNamed(host, read.value))
    return isOtherPort ? `${outside}, and not at another port` : outside
  })
}

function readHost(written: unknown): Result<Host, string> {
  if (typeof written !== 'string') return err('must be a list of names, such as [example.com]')
  const named = JSON.stringify(written.slice(0, 200))
  const lower = written.toLowerCase()
  const parts = ENTRY.exec(lower)
  if (parts === null) {
    const mend = /^[a-z]+:\/\//.test(lower) ? 'write the host alone' : asciiMend(lower)
    return err(`names ${named}, which is not a host: ${mend}`)
  }
  const [, star, name = '', port] = parts
  const address = `http://${name}${port === undefined ? '' : `:${port}`}/`
  const url = URL.parse(address)
  if (url?.hostname !== name || isMapped(name) || Number(port ?? 1) < 1)
    return err(
      `names ${named}, which is not how that host is written${url === null ? '' : `: ${url.hostname}`}`,
    )
  if (star !== undefined && (!name.includes('.') || /^[\d[]/.test(name.split('.').at(-1) ?? '')))
    return err(`names ${named}: below * there must be a domain of two labels or more`)
  return ok({ name, below: star !== undefined, port: port === undefined ? undefined : String(Number(port)) })
}

function asciiMend(host: string): string {
  const ascii = URL.parse(`http://${host}/`)?.hostname
  const isOther = ascii !== undefined && ascii !== '' && ascii !== host && ENTRY.test(ascii)
  return isOther ? `write ${ascii}` : 'write a name such as example.com, an address, or *.example.com'
}

/** IPv4 within IPv6: one address in two spellings. */
function isMapped(host: string): boolean {
  return /^\[(::|64:ff9b::)(ffff:)?[0-9a-f]{1,4}:[0-9a-f]{1,4}\]$/.test(host)
}

interface Place {
  readonly host: string
  readonly port: string
  readonly isUsualPort: boolean
}

/** What most URLs consist of. */
const PLAIN_URL = /^[!-~]*$/
const URL_FORM = /^(https?):\/\/((?:[a-z0-9_-]+\.)*[a-z0-9_-]+|\[[0-9a-f:]+\])(?::([1-9]\d{0,4}))?(?:\/|$)/i

/** Where a URL leads, for everybody. The error says how it must be written. */
function readUrl(text: string): Result<Place, string> {
  if (text.length > MAX_URL_CHARACTERS) return err(`must have at most ${MAX_URL_CHARACTERS} characters`)
  if (!PLAIN_URL.test(text) && /[\p{C}\p{Z}]/u.test(text))
    return err('must be written without spaces and control characters')
  if (text.includes('\\')) return err('must be written without backslashes')
  const parts = URL_FORM.exec(text)
  if (parts === null) return err(formFault(text))
  const [, scheme = '', written = '', port] = parts
  const url = URL.parse(text)
  if (url === null) return err('must be a URL')
  const host = written.toLowerCase()
  const usual = scheme.toLowerCase() === 'https' ? '443' : '80'
  if (url.hostname !== host || url.port !== (port === undefined || port === usual ? '' : port))
    return err(`must name the host in its usual form: ${url.hostname}`)
  if (isMapped(host)) return err('must not name an IPv4 address in the form of IPv6')
  return ok({ host, port: port ?? usual, isUsualPort: port === undefined || port === usual })
}

function formFault(text: string): string {
  if (!/^https?:\/\//i.test(text)) return 'must be a URL that begins with https:// or http://'
  const authority = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1] ?? ''
  if (authority.includes('@')) return 'must be written without a user name before the host'
  if (/[^\0-\x7f]/.test(authority)) return 'must name the host in ASCII (xn--…)'
  if (/^[^:]*\.(:|$)/.test(authority)) return 'must name the host without a dot at its end'
  if (/^[^/]*[?#]/.test(text.slice(8))) return 'must have a / after the host'
  return 'must be a URL with a plain host, such as https://example.com/'
}

function isAt(host: Host, place: Place): boolean {
  return (host.port === undefined ? place.isUsualPort : host.port === place.port) && isNamed(host, place)
}

function isNamed({ name, below }: Host, { host }: Place): boolean {
  return below ? host.endsWith(`.${name}`) : host === name
}

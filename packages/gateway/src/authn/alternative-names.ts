/**
 * The alternative names of a certificate, from the text in which Node writes them: `DNS:a, URI:b`. Values with characters
 * that could be taken for the end of one are JSON there. Nothing is guessed: a text that is not exactly of that form has
 * no names, so a name cannot be smuggled in through another one (CVE-2021-44532).
 */
import type { ClientCertificate } from '../model/exchange.ts'

const NAME = /([A-Za-z][A-Za-z ]*):(?:("(?:[^"\\]|\\.)*")|([^"',\\]*))(, |$)/y

/** The names; undefined where the text cannot be read. `text` is undefined for a certificate without any. */
export function readAlternativeNames(text = ''): ClientCertificate['names'] {
  const uris: string[] = []
  const dns: string[] = []
  let at = 0
  while (at < text.length) {
    NAME.lastIndex = at
    const [whole, type, quoted, plain, end] = NAME.exec(text) ?? []
    if (whole === undefined) return undefined
    at += whole.length
    if (end !== '' && at === text.length) return undefined
    const value = quoted === undefined ? plain : unquote(quoted)
    if (value === undefined) return undefined
    if (type === 'URI') uris.push(value)
    if (type === 'DNS') dns.push(value)
  }
  return { uris, dns }
}

function unquote(quoted: string): string | undefined {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return undefined
  }
}

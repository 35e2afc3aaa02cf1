/**
 * A certificate → who is calling, by the rules of the configuration. That it is genuine was found out when the connection
 * was made; here is only whose it is. The first rule that fits counts. A certificate that has two names which a rule could
 * take is nobody's: whoever signs for one of them has not signed for the other.
 */
import { DNS_NAME, PLAIN_URI } from '../model/names.ts'
import { type Caller, createCaller } from '../model/caller.ts'
import type { ClientCertificate } from '../model/exchange.ts'
import type { CertificateRule } from '../model/issuer.ts'
import { err, ok, type Result } from '../model/result.ts'
import { isName } from './claims.ts'

const TYPES = { user: 'User', service: 'Service', agent: 'Agent' } as const

export class Certificates {
  readonly #rules: readonly CertificateRule[]
  /** One for each connection, for as long as it is open. */
  readonly #known = new WeakMap<ClientCertificate, Result<Caller, string>>()

  constructor(rules: readonly CertificateRule[]) {
    this.#rules = rules
  }

  /** Whose it is; the error, for the log, is why it is nobody's. */
  find(certificate: ClientCertificate): Result<Caller, string> {
    const known = this.#known.get(certificate)
    if (known !== undefined) return known
    const caller = callerOf(certificate, this.#rules)
    this.#known.set(certificate, caller)
    return caller
  }
}

/** How the log names a certificate. */
export function showCertificate({ thumbprint }: ClientCertificate): string {
  return `sha256:${thumbprint}`
}

function callerOf(certificate: ClientCertificate, rules: readonly CertificateRule[]): Result<Caller, string> {
  for (const { name, kind, match } of rules) {
    const subject = subjectOf(certificate, match)
    if (!subject.ok) return err(`${name}: ${subject.error}`)
    if (subject.value === undefined) continue
    const { notAfterMs } = certificate
    return ok(
      createCaller(
        { type: TYPES[kind], id: `${name}/${subject.value}` },
        {},
        {
          method: 'certificate',
          credential: `${name}/${showCertificate(certificate)}`,
          issuer: name,
          goodUntilMs: notAfterMs,
        },
      ),
    )
  }
  return err('no rule of identity.certificates fits it')
}

/** The name that the rule takes; undefined where it does not fit. */
function subjectOf(
  { names, subject }: ClientCertificate,
  match: CertificateRule['match'],
): Result<string | undefined, string> {
  if (match.by === 'subject') return commonName(subject, match.attributes)
  if (names === undefined) return err('its alternative names cannot be read')
  const { pattern } = match
  const all = match.by === 'uri' ? names.uris : names.dns.map((each) => each.toLowerCase())
  const fits = match.by === 'uri' ? fitsUri : fitsDns
  const [first, ...others] = all.filter((each) => fits(each, pattern))
  if (first === undefined) return ok(undefined)
  // An identity document of SPIFFE has one URI (X.509-SVID, 2), and that is as good a rule for all of them.
  if (match.by === 'uri' && all.length > 1) return err('it has more than one URI')
  return others.length > 0 ? err('it has more than one DNS name that fits') : ok(first)
}

function fitsUri(uri: string, pattern: string): boolean {
  if (!PLAIN_URI.test(uri) || !isName(uri)) return false
  return pattern.endsWith('/') ? uri.startsWith(pattern) : uri === pattern
}

/** A certificate for a wildcard stands for hosts, not for one that calls. */
function fitsDns(name: string, pattern: string): boolean {
  if (!DNS_NAME.test(name)) return false
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern
}

function commonName(
  subject: ClientCertificate['subject'],
  attributes: ReadonlyMap<string, string>,
): Result<string | undefined, string> {
  for (const [type, value] of attributes) {
    const values = subject.get(type) ?? []
    if (values.length !== 1 || values[0] !== value) return ok(undefined)
  }
  const [name, ...others] = subject.get('CN') ?? []
  if (others.length > 0) return err('its subject has more than one CN')
  return isName(name) ? ok(name) : err('its subject has no CN that is a name')
}

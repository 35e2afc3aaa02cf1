/** What the rules for certificates mean together, and what they must not have in common with issuers. */
import type { CertificateRule } from '../model/issuer.ts'
import type { WrittenCertificate } from './certificate-schema.ts'
import type { WrittenConfig } from './schema.ts'
import type { Fault } from './document.ts'

/** The rules as the gateway uses them; faults are added to `faults`. */
export function normaliseCertificates(
  { identity, tls }: WrittenConfig,
  faults: Fault[],
): readonly CertificateRule[] {
  const { certificates, issuers } = identity
  const fault = (path: Fault['path'], message: string) => faults.push({ path, at: 'value', message })
  if (certificates.length > 0 && tls?.clientCa === undefined)
    fault(['identity', 'certificates'], 'needs tls.clientCa: nobody is asked for a certificate without it')
  if (tls !== undefined && tls.clientCa === undefined) {
    for (const key of ['clientCrl', 'clientCertificates'] as const)
      if (tls[key] !== undefined) fault(['tls', key], 'needs tls.clientCa beside it')
  }
  for (const [index, { name }] of certificates.entries()) {
    const path = ['identity', 'certificates', index, 'name']
    const issuer = issuers.findIndex((other) => other.name === name)
    const first = certificates.findIndex((other) => other.name === name)
    const other = issuer >= 0 ? `identity.issuers[${issuer}]` : `identity.certificates[${first}]`
    if (issuer >= 0 || first < index) fault(path, `is that of ${other} too: nobody could tell them apart`)
  }
  return certificates.flatMap((written, index): CertificateRule[] => {
    const match = matchOf(written)
    if (match !== undefined) return [{ name: written.name, kind: written.kind, match }]
    fault(['identity', 'certificates', index], 'must have exactly one of uri, dns and subject')
    return []
  })
}

function matchOf({ uri, dns, subject }: WrittenCertificate): CertificateRule['match'] | undefined {
  if ([uri, dns, subject].filter((each) => each !== undefined).length !== 1) return undefined
  if (uri !== undefined) return { by: 'uri', pattern: uri }
  if (dns !== undefined) return { by: 'dns', pattern: dns }
  return { by: 'subject', attributes: new Map(Object.entries(subject ?? {})) }
}

/**
 * The certificates that callers showed, read once for each connection. They are genuine when they are read; what is taken
 * back later is taken from the connections that are open by then.
 */
import { hash, type X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { readAlternativeNames } from '../authn/alternative-names.ts'
import type { ClientCertificate } from '../model/exchange.ts'

const shown = new WeakMap<Socket, ClientCertificate>()

/** Call when a connection has been made on which a certificate was asked for. */
export function noteCertificate(socket: TLSSocket): void {
  const x509 = socket.getPeerX509Certificate()
  if (x509 === undefined) return
  const fault = socket.authorized ? undefined : String(socket.authorizationError ?? 'not verified')
  shown.set(socket, read(x509, fault))
}

/** What was shown on this connection. */
export function certificateOf(socket: Socket): ClientCertificate | undefined {
  return shown.get(socket)
}

/** The authorities have changed: what they said before is not believed any more. False where nothing was shown. */
export function distrustCertificate(socket: Socket): boolean {
  const certificate = shown.get(socket)
  if (certificate === undefined) return false
  const fault = certificate.fault ?? 'whoever signs certificates has changed since it was shown'
  shown.set(socket, { ...certificate, fault })
  return true
}

function read(x509: X509Certificate, fault: string | undefined): ClientCertificate {
  return {
    ...(fault === undefined ? {} : { fault }),
    thumbprint: hash('sha256', x509.raw, 'base64url'),
    notAfterMs: x509.validToDate.getTime(),
    names: readAlternativeNames(x509.subjectAltName),
    subject: subjectIn(x509),
  }
}

/** Not from the text of the subject, in which one attribute can look like two. */
function subjectIn(x509: X509Certificate): ClientCertificate['subject'] {
  const { subject } = x509.toLegacyObject() as { subject?: Record<string, string | string[]> }
  return new Map(Object.entries(subject ?? {}).map(([type, value]) => [type, [value].flat()]))
}

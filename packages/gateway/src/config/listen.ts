/** Reads an address to listen on: `host:port`, `[ipv6]:port` or `unix:/path`. Whether it is safe is judged elsewhere. */
import { err, ok, type Result } from '../model/result.ts'
import type { Listen } from './config.ts'
import { unixPathFault } from './paths.ts'

const TCP = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/
const EXPECTED = 'must be host:port or unix:/path, such as 127.0.0.1:7070 or unix:/run/tollgate.sock'

/** A Unix path may be relative; the caller resolves it. Port 0 means any free port. */
export function parseListen(text: string): Result<Listen, string> {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    const fault = path.startsWith('//') ? 'must be written unix:/path, with one slash' : unixPathFault(path)
    return fault === undefined ? ok({ kind: 'unix', path }) : err(fault)
  }
  const [, ipv6, name, digits] = TCP.exec(text) ?? []
  const host = ipv6 ?? name
  if (host === undefined || digits === undefined) return err(EXPECTED)
  const port = Number(digits)
  return port > 65_535 ? err('must have a port from 0 to 65535') : ok({ kind: 'tcp', host, port })
}

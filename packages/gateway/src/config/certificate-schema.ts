/** The schema of `identity.certificates`, each key by itself; what they mean together is in certificates.ts. */
import * as z from 'zod'
import { sound } from './fields.ts'
import { dnsPatternFault, issuerNameFault, uriPatternFault } from './web.ts'

export const certificate = z.strictObject({
  name: sound(issuerNameFault)
    .meta({ examples: ['mesh'] })
    .describe('First part of the name of everyone whom it tells of: `Service::"mesh/…"`.'),
  kind: z.enum(['user', 'service', 'agent']).default('service').describe('Whom it tells of.'),
  uri: sound(uriPatternFault)
    .optional()
    .meta({ examples: ['spiffe://example.org/ns/prod/'] })
    .describe(
      'The one URI among its alternative names, which names the principal; with a `/` at the end, what it begins with.',
    ),
  dns: sound(dnsPatternFault)
    .optional()
    .meta({ examples: ['*.jobs.example.com'] })
    .describe('The one DNS name that fits, which names the principal; `*.` stands for one or more labels.'),
  subject: z
    .record(
      z.string().regex(/^[A-Za-z][A-Za-z0-9.]*$/, 'must be the short name of an attribute, such as O'),
      z.string().min(1),
    )
    .optional()
    .meta({ examples: [{ O: 'Example', OU: 'jobs' }] })
    .describe('Attributes that its subject must have, each once; `CN` names the principal.'),
})

export type WrittenCertificate = z.output<typeof certificate>

// Looks over policies for what is allowed but hardly meant. Each rule is a file, and says there what it is about.

import type { Policy } from '../policy/syntax.ts'
import type { Schema } from '../schema/schema.ts'
import { alwaysFails } from './always-fails.ts'
import { differentTypes } from './different-types.ts'
import { duplicateIds } from './duplicate-id.ts'
import { Environments } from './environments.ts'
import type { Finding } from './finding.ts'
import { likeWithoutWildcard } from './like-without-wildcard.ts'
import { missingIds } from './missing-id.ts'
import { neverApplies } from './never-applies.ts'
import { shadowed } from './shadowed.ts'
import { Subject } from './subject.ts'
import { unguardedAttributes } from './unguarded-attribute.ts'
import { unscoped } from './unscoped.ts'

export interface LintOptions {
  /** Tells what is optional, of which type, and what can go together. Without it, less is found. */
  readonly schema?: Schema
}

type Rule = (subjects: readonly Subject[], environments: Environments | undefined) => Iterable<Finding>

const RULES: readonly Rule[] = [
  alwaysFails,
  differentTypes,
  duplicateIds,
  likeWithoutWildcard,
  missingIds,
  neverApplies,
  shadowed,
  unguardedAttributes,
  unscoped,
]

/**
 * Findings about policies and templates, in the order of the files given and of the places in each. Ids may be there
 * twice: that is one of the findings. Pure, and fast enough for tens of thousands of policies.
 */
export function lint(policies: readonly Policy[], options: LintOptions = {}): Finding[] {
  const environments = options.schema === undefined ? undefined : new Environments(options.schema)
  const subjects = policies.map((policy, order) => new Subject(policy, order, environments))
  // Linked policies share the text of their template.
  const found = new Map<string, Finding>()
  for (const rule of RULES) {
    for (const finding of rule(subjects, environments)) {
      const { file, line, column, message } = finding
      const key = JSON.stringify([finding.rule, file, line, column, message])
      if (!found.has(key)) found.set(key, finding)
    }
  }
  const files = new Map<string, number>()
  for (const { position } of policies) if (!files.has(position.file)) files.set(position.file, files.size)
  const rank = ({ file }: Finding): number => files.get(file) ?? 0
  return [...found.values()].sort(
    (a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column || (a.rule < b.rule ? -1 : 1),
  )
}

/** What is known of a tool, by configuration or its approved definition; never unapproved from the server. */

/** The defaults are those of the specification (server/tools, annotations). */
export interface ToolFacts {
  readonly readOnly?: boolean
  readonly destructive?: boolean
  readonly idempotent?: boolean
  readonly openWorld?: boolean
  /** Labels of what it brings in: `untrusted`, `private`, `trusted` and others. */
  readonly reads?: readonly string[]
  /** It changes data, which may be read again; where nothing is said, exactly what is not read-only does. */
  readonly writes?: boolean
  /** It can carry information out. */
  readonly sends?: boolean
}

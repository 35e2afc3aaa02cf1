// What tells Cedar's own values from plain data: every object value that is neither a record nor an array is a Term.
// JSON.parse cannot make one, so plain data can never pose as an entity or an extension value.

export abstract class Term {
  /** A text that two terms share exactly when they are equal. No text is the beginning of another. */
  abstract canonical(depth?: number): string
}

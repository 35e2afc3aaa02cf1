/**
 * Expected failures are values. A function that can be told "no" returns a Result;
 * a throw means a bug or a broken environment, and the pipeline turns it into a denial.
 */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E }

/** Wraps a value that was obtained. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

/** Wraps the expected "no". */
export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error }
}

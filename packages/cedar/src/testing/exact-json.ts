// For tests: JSON values in which integers keep every digit, also on their way into the official engine, which is handed
// JavaScript values and has them written with `JSON.stringify`.

import type { Json } from './random-world.ts'

/** The part of the language's library that its types do not know yet. */
const exact = JSON as unknown as {
  rawJSON(text: string): Json
  isRawJSON(value: Json): boolean
  parse(text: string, revive: (name: string, value: Json, read: { readonly source: string }) => Json): Json
}

/** An integer, with its digits where a number does not hold it. */
export function integer(value: bigint): Json {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : exact.rawJSON(String(value))
}

/** As `JSON.parse`, but that no integer is rounded. */
export function parseExactly(text: string): Json {
  return exact.parse(text, (_, value, { source }) =>
    typeof value === 'number' && /^-?[0-9]+$/.test(source) ? integer(BigInt(source)) : value,
  )
}

/** Whether this is an integer that a number does not hold. */
export function isLargeInteger(value: Json): boolean {
  return exact.isRawJSON(value)
}

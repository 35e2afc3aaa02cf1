/** Kinds of text in the schema. Messages complete a sentence that begins with the key's name. */
import * as z from 'zod'
import type { Result } from '../model/result.ts'

/** Text that `parse` understands; the parsed form is the schema's output. The examples show how to write it. */
export function parsed<T>(parse: (text: string) => Result<T, string>, ...examples: string[]) {
  return z
    .string()
    .meta({ examples })
    .transform((text, context) => {
      const result = parse(text)
      if (result.ok) return result.value
      context.issues.push({ code: 'custom', message: result.error, input: text })
      return z.NEVER
    })
}

/** Text that `fault` finds nothing wrong with. */
export function sound(fault: (text: string) => string | undefined) {
  return z.string().check((context) => {
    const message = fault(context.value)
    if (message !== undefined) context.issues.push({ code: 'custom', message, input: context.value })
  })
}

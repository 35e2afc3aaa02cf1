/** What a template is, and where something is wrong with one. */
import type { JsonObject } from '../../model/message.ts'

export const PARAMETER_TYPES = ['path', 'text', 'number', 'choice'] as const
export type ParameterType = (typeof PARAMETER_TYPES)[number]
/** What a parameter is replaced by. */
export type Value = string | number
export type Parameters = Readonly<Record<string, Parameter>>

/** What a template asks of whoever starts a task from it. */
export interface Parameter {
  readonly type: ParameterType
  readonly description?: string
  /** Undefined: it has to be given. */
  readonly default?: Value
  /** Of a `choice`. */
  readonly choices?: readonly string[]
}

export interface Template {
  readonly name: string
  /** What of its text a task was made from: 8 characters. */
  readonly version: string
  readonly description: string
  readonly parameters: Parameters
  /** As written, placeholders and all. */
  readonly grant: JsonObject
}

/** What is wrong, and at which place of the file; the message follows the path: `must be …`. */
export interface TemplateFault {
  readonly path: readonly PropertyKey[]
  readonly at: 'key' | 'value'
  readonly message: string
}

/** Forms a template's name: that of its file without `.yaml`. */
export const TEMPLATE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** Every template has it: what the task is for, by whoever starts one. */
export const PURPOSE = 'purpose'

/** A fault of a value. */
export function value(path: readonly PropertyKey[], message: string): TemplateFault {
  return { path, at: 'value', message }
}

/** A fault of a key. */
export function key(path: readonly PropertyKey[], message: string): TemplateFault {
  return { path, at: 'key', message }
}

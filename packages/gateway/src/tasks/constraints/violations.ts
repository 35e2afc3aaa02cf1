/** What ajv says of arguments, in our words. */
import type { ErrorObject } from 'ajv'
import type { JsonObject } from '../../model/message.ts'

export interface Violation {
  /** Which: `path`, `to[0]`, `a.b`. */
  readonly argument: string
  /** Completes "argument … ": `must be within /workspace/src`. */
  readonly message: string
}

/** The argument that is not as it must be. `errors` are those of one validation that stopped at the first. */
export function violationOf(errors: readonly Partial<ErrorObject>[], args: JsonObject): Violation {
  const last = errors.at(-1) ?? {}
  const { argument, known } = placeOf(last.instancePath ?? '', args)
  const params = (last.params ?? {}) as JsonObject
  const extra = params['additionalProperty'] ?? params['unevaluatedProperty']
  if (typeof extra === 'string') {
    const message = known ? 'is not one that the grant knows of' : 'is not one that the grant mentions'
    return { argument: join(argument, extra), message }
  }
  if (typeof params['missingProperty'] === 'string')
    return { argument: join(argument, params['missingProperty']), message: 'must be there' }
  const branches = errors
    .filter((error) => error !== last && error.instancePath === last.instancePath)
    .map(messageOf)
  const isChoice = last.keyword === 'anyOf' || last.keyword === 'oneOf'
  const message = isChoice && branches.length > 0 ? [...new Set(branches)].join(', or ') : messageOf(last)
  return { argument, message }
}

function messageOf({ keyword, params, message }: Partial<ErrorObject>): string {
  const { allowedValue, allowedValues, pattern } = (params ?? {}) as JsonObject
  if (keyword === 'const') return `must be ${shown(allowedValue)}`
  if (keyword === 'enum' && Array.isArray(allowedValues)) {
    const few = allowedValues.slice(0, 5).map(shown).join(' or ')
    return `must be ${few}${allowedValues.length > 5 ? ` (or ${allowedValues.length - 5} more)` : ''}`
  }
  if (keyword === 'pattern') return `must match ${String(pattern).slice(0, 200)}`
  if (keyword === 'uniqueItems') return 'must have no item twice'
  return message ?? 'is not as the grant says'
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** From a JSON pointer: `to[0]`, `a.b`. */
function placeOf(pointer: string, args: JsonObject): { argument: string; known: boolean } {
  let argument = ''
  let value: unknown = args
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    argument = Array.isArray(value) ? `${argument}[${name}]` : join(argument, name)
    value = typeof value === 'object' && value !== null ? (value as JsonObject)[name] : undefined
  }
  return { argument, known: argument !== '' }
}

function join(argument: string, name: string): string {
  const short = name.slice(0, 200)
  return argument === '' ? short : `${argument}.${short}`
}

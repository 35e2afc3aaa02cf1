/** Parameters of templates: how they are declared, and which values they take. */
import { suggest } from '@tollgate/cedar'
import { isObject, type JsonObject } from '../../model/message.ts'
import { err, ok, type Result } from '../../model/result.ts'
import {
  key,
  PARAMETER_TYPES,
  type Parameter,
  type Parameters,
  type ParameterType,
  type TemplateFault,
  type Value,
  value,
} from './template.ts'

const PARAMETER_NAME = /^[A-Za-z_][\w-]{0,63}$/
const MAX_VALUE_CHARACTERS = 4000

/** Reads the parameters of a template; what is wrong is added to `faults`. */
export function readParameters(written: unknown, faults: TemplateFault[]): Parameters {
  if (!isObject(written)) {
    faults.push(value(['parameters'], 'must be a map of names, such as repo: { type: path }'))
    return {}
  }
  const read: [string, Parameter][] = []
  for (const [name, about] of Object.entries(written)) {
    const path = ['parameters', name]
    if (!PARAMETER_NAME.test(name))
      faults.push(key(path, 'must be a name of letters, digits, "_" and "-", and begin with a letter'))
    const before = faults.length
    const parameter = readParameter(about, path, faults)
    if (parameter !== undefined && faults.length === before) read.push([name, parameter])
  }
  return Object.fromEntries(read)
}

function readParameter(
  written: unknown,
  path: readonly string[],
  faults: TemplateFault[],
): Parameter | undefined {
  if (!isObject(written)) {
    faults.push(value(path, 'must be a map, such as { type: path, description: The repository }'))
    return undefined
  }
  faults.push(...unknownKeys(path, written, ['type', 'description', 'default', 'choices']))
  const { type, description, default: standard, choices } = written
  const known = PARAMETER_TYPES.find((each) => each === type)
  if (known === undefined) {
    const meant = typeof type === 'string' ? suggest(type, PARAMETER_TYPES) : undefined
    const mend = meant === undefined ? '' : `; did you mean ${meant}?`
    faults.push(value([...path, 'type'], `must be path, text, number or choice${mend}`))
    return undefined
  }
  if (description !== undefined && (typeof description !== 'string' || !isPlain(description)))
    faults.push(value([...path, 'description'], 'must be text'))
  const hasChoices =
    Array.isArray(choices) &&
    choices.length > 0 &&
    choices.every((each) => typeof each === 'string' && isPlain(each))
  if (known === 'choice' && !hasChoices)
    faults.push(value([...path, 'choices'], 'must be a list of texts, such as [staging, production]'))
  if (known !== 'choice' && choices !== undefined)
    faults.push(key([...path, 'choices'], 'is only for type: choice; remove it'))
  const parameter: Parameter = {
    type: known,
    ...(typeof description === 'string' ? { description } : {}),
    ...(hasChoices ? { choices: choices as string[] } : {}),
  }
  if (standard === undefined) return parameter
  const read = readValue(standard, { ...parameter, default: standard as Value })
  if (read.ok) return { ...parameter, default: read.value }
  faults.push(value([...path, 'default'], read.error))
  return undefined
}

/** The value of a parameter, as it is put in; the error follows the parameter's name. */
export function readValue(
  written: unknown,
  { type, choices = [], default: standard }: Parameter,
): Result<Value, string> {
  if (written === undefined)
    return err(`is missing; it is ${type === 'choice' ? choices.join(' or ') : EXAMPLES[type]}`)
  if (type === 'number') {
    const number =
      typeof written === 'string' && /^-?\d{1,15}(\.\d+)?$/.test(written) ? Number(written) : written
    return typeof number === 'number' && Number.isFinite(number) ? ok(number) : err('must be a number')
  }
  if (typeof written !== 'string' || !isPlain(written))
    return err(`must be text of at most ${MAX_VALUE_CHARACTERS} characters, none of them invisible`)
  if (type === 'path') return readPath(written)
  // Nothing in the place of a name makes a folder its parent, and a pattern the beginning of any text.
  if (type === 'text' && written === '' && standard !== '') return err('must not be empty')
  if (type === 'choice' && !choices.includes(written)) {
    const meant = suggest(written, choices)
    return err(`must be ${choices.join(' or ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
  }
  return ok(written)
}

const EXAMPLES: Readonly<Record<Exclude<ParameterType, 'choice'>, string>> = {
  path: 'a path',
  text: 'a text',
  number: 'a number',
}

/** One spelling for one place, so that what is shown to a person is what is compared. */
function readPath(path: string): Result<string, string> {
  if (!path.startsWith('/')) return err('must be an absolute path, such as /workspace')
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.includes('..') || parts.includes('.')) return err('must be a path without "." and ".." in it')
  return ok(`/${parts.join('/')}`)
}

/** Values that let a template be looked at before anybody uses it. */
export function samples(parameters: Parameters): Readonly<Record<string, Value>> {
  const sample = { path: '/workspace', text: 'text', number: 1, choice: '' }
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { type, default: standard, choices }]) => [
      name,
      standard ?? choices?.[0] ?? sample[type],
    ]),
  )
}

/** Whether a text is of a sensible length, and what is seen of it is all there is. */
export function isPlain(text: string): boolean {
  const visible = text.replace(/[\n\t]/g, '')
  return text.length <= MAX_VALUE_CHARACTERS && text.isWellFormed() && !/[\p{C}\p{Zl}\p{Zp}]/u.test(visible)
}

/** A fault for each key that is not one of those known. */
export function unknownKeys(
  path: readonly string[],
  map: JsonObject,
  known: readonly string[],
): TemplateFault[] {
  return Object.keys(map)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const meant = suggest(name, known)
      return key(
        [...path, name],
        `is not known; ${meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${meant}?`}`,
      )
    })
}

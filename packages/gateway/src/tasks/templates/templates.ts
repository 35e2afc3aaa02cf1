/**
 * Templates: grants with parameters, `{{repo}}` inside texts. What is wrong with one has a path in the file as written,
 * so that whoever reads the file can say where. Values are put in after the YAML is read, so none can become structure.
 */
import { suggest } from '@tollgate/cedar'
import { isObject } from '../../model/message.ts'
import { err, ok, type Result } from '../../model/result.ts'
import type { TaskGrant } from '../../model/task.ts'
import { readGrant } from '../grant.ts'
import { isPlain, readParameters, readValue, samples, unknownKeys } from './parameters.ts'
import { fillPlaceholders, placeholderFaults, placeholdersIn } from './placeholders.ts'
import {
  key,
  type Parameters,
  PURPOSE,
  type Template,
  type TemplateFault,
  type Value,
  value,
} from './template.ts'

/** Reads a template; every fault at once. */
export function parseTemplate(
  name: string,
  version: string,
  written: unknown,
): Result<Template, readonly TemplateFault[]> {
  const faults: TemplateFault[] = []
  if (!isObject(written)) return err([value([], 'must be a map with description, parameters and grant')])
  faults.push(...unknownKeys([], written, ['description', 'parameters', 'grant']))
  const { description, grant } = written
  if (typeof description !== 'string' || !isPlain(description))
    faults.push(value(['description'], 'must be a sentence that says what the template is for'))
  const parameters = readParameters(written['parameters'] ?? {}, faults)
  if (!isObject(grant))
    faults.push(value(['grant'], 'must be the grant of a task: purpose, tools, servers …'))
  if (faults.length > 0 || !isObject(grant) || typeof description !== 'string') return err(faults)
  if (Object.hasOwn(grant, 'template'))
    faults.push(key(['grant', 'template'], 'is the name of this file by itself; remove it'))
  const template = { name, version, description, parameters, grant: { [PURPOSE]: '{{purpose}}', ...grant } }
  faults.push(...placeholderFaults(template))
  if (faults.length > 0) return err(faults)
  const tried = fillTemplate(template, samples(parameters))
  return tried.ok ? ok(template) : tried
}

/**
 * The grant of a task from this template. `given` holds values by the names of parameters, and `purpose`; a number may
 * come as text. Faults about them have the paths of the parameters, those of the grant its own.
 */
export function fillTemplate(
  { parameters, grant, name, version, description }: Template,
  given: Readonly<Record<string, unknown>>,
): Result<TaskGrant, readonly TemplateFault[]> {
  const faults: TemplateFault[] = []
  const values = new Map<string, Value>()
  const all: Parameters = { [PURPOSE]: { type: 'text', default: description }, ...parameters }
  for (const [parameter, about] of Object.entries(all)) {
    const read = readValue(Object.hasOwn(given, parameter) ? given[parameter] : about.default, about)
    if (read.ok) values.set(parameter, read.value)
    else faults.push(value(placeOf(parameter, parameters), read.error))
  }
  for (const parameter of Object.keys(given)) {
    if (Object.hasOwn(parameters, parameter)) continue
    if (parameter !== PURPOSE) faults.push(notAParameter(parameter, parameters))
    else if (!placeholdersIn(grant).some(({ names }) => names.includes(PURPOSE)))
      faults.push(value(['grant', PURPOSE], 'is said by the template itself; start the task without one'))
  }
  if (faults.length > 0) return err(faults)
  const filled = fillPlaceholders(grant, values, parameters)
  const read = readGrant({ ...filled, template: `${name}@${version}` })
  if (read.ok) return read
  return err(read.error.map(({ path, message }) => value(['grant', ...path], message)))
}

function placeOf(parameter: string, parameters: Parameters): readonly string[] {
  return Object.hasOwn(parameters, parameter) ? ['parameters', parameter] : ['grant', PURPOSE]
}

function notAParameter(name: string, parameters: Parameters): TemplateFault {
  const known = Object.keys(parameters)
  const meant = suggest(name, known)
  const takes = known.length === 0 ? 'the template takes none' : `the template takes ${known.join(', ')}`
  const mend = meant === undefined ? takes : `did you mean ${meant}?`
  return value(['parameters'], `has no ${JSON.stringify(name)}; ${mend}`)
}

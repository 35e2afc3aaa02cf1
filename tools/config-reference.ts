/** Writes the tables of docs/reference/configuration.md, and tollgate.schema.json, from the configuration's schema. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { configJsonSchema } from '../packages/gateway/src/config/schema.ts'

interface Shape {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | false
  readonly items?: Shape
  readonly oneOf?: readonly Shape[]
  readonly anyOf?: readonly Shape[]
}

const types: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  array: 'list of text',
  object: 'map',
}

function typeOf({ enum: choices, type = '', minimum, maximum, items, anyOf = [] }: Shape): string {
  const [constant] = anyOf.flatMap((each) => (each.const === undefined ? [] : [each.const]))
  if (constant !== undefined) return `${types[type]} or \`${JSON.stringify(constant)}\``
  if (items?.properties !== undefined) return 'list of maps'
  if (choices !== undefined) return choices.map((each) => `\`${String(each)}\``).join(' or ')
  return types[type] ?? `${minimum} to ${maximum}`
}

function inYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(String).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const pairs = Object.entries(value).map(([key, each]) => `${key}: ${inYaml(each)}`)
  return `{ ${pairs.join(', ')} }`
}

/** Alternatives as one map: a key that several have is described by the first, its constants together. */
function merged(shape: Shape): Shape {
  const choices = shape.oneOf ?? shape.anyOf
  if (choices === undefined) return shape
  const properties: Record<string, Shape> = {}
  for (const choice of choices) {
    for (const [key, each] of Object.entries(choice.properties ?? {})) {
      const values = [...(properties[key]?.enum ?? []), ...(each.const === undefined ? [] : [each.const])]
      properties[key] = { ...each, ...properties[key], ...(values.length === 0 ? {} : { enum: values }) }
    }
  }
  return { ...shape, type: 'object', properties }
}

function rows(key: string, written: Shape): string[] {
  const shape = merged(written)
  const { properties, additionalProperties, items, description = '', examples, default: standard } = shape
  const isLeaf = properties === undefined && !additionalProperties
  const example = examples === undefined ? '' : ` Example: \`${inYaml(examples[0])}\`.`
  const shownDefault = standard === undefined || !isLeaf ? '' : `\`${inYaml(standard)}\``
  const own = `| \`${key}\` | ${typeOf(shape)} | ${shownDefault} | ${description}${example} |`
  const under = (inner: string, shapes: Shape['properties'] = {}) =>
    Object.entries(shapes).flatMap(([name, each]) => rows(`${inner}.${name}`, each))
  const placeholder = key.endsWith('tools') ? '<tool>' : '<name>'
  const named = additionalProperties ? under(`${key}.${placeholder}`, additionalProperties.properties) : []
  return [own, ...under(key, properties), ...under(`${key}[]`, items?.properties), ...named]
}

function section(title: string, keys: readonly [string, Shape][]): string {
  const table = keys.flatMap(([key, shape]) => rows(key, shape)).join('\n')
  return `## ${title}\n\n| key | type | default | |\n|---|---|---|---|\n${table}\n`
}

/** The tables between the markers of configuration.md. */
function tables(schema: Shape): string {
  const keys = Object.entries(schema.properties ?? {})
  const maps = keys.filter(([key]) => ['limits', 'servers'].includes(key))
  const others = keys.filter((each) => !maps.includes(each))
  return [section('The gateway', others), ...maps.map((each) => section(each[0], [each]))].join('\n')
}

const folder = path.join(import.meta.dirname, '../docs/reference')

/** What the generated files must hold, by path; the prose of configuration.md is kept. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const schema = configJsonSchema() as Shape
  const page = path.join(folder, 'configuration.md')
  const between = /(<!-- keys: [^\n]*-->\n).*(<!-- end of keys -->)/s
  const filled = (_: string, start: string, end: string) => `${start}\n${tables(schema)}\n${end}`
  const text = readFileSync(page, 'utf8').replace(between, filled)
  return new Map([
    [page, text],
    [path.join(folder, 'tollgate.schema.json'), `${JSON.stringify(schema, null, 2)}\n`],
  ])
}

if (import.meta.main) for (const [file, text] of generatedFiles()) writeFileSync(file, text)

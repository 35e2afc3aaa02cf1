/**
 * The templates of a folder, `*.yaml`, read whenever one is asked for: a new one counts at once, for it gives nobody
 * anything until a task is started from it.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Config } from '../config/config.ts'
import { readYaml, type YamlDocument } from '../config/document.ts'
import { showPath } from '../config/explain.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { TaskGrant } from '../model/task.ts'
import { lintTemplate } from '../tasks/templates/lint.ts'
import { TEMPLATE_NAME, type Template, type TemplateFault } from '../tasks/templates/template.ts'
import { fillTemplate, parseTemplate } from '../tasks/templates/templates.ts'

export interface PlacedFinding {
  readonly severity: 'error' | 'warning'
  readonly rule: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface Templates {
  /** Those that are good, by name. */
  readonly templates: ReadonlyMap<string, TemplateFile>
  /** What is wrong with the others, or with the folder: `file:line:column: message`. */
  readonly errors: readonly string[]
}

/** A template and the file it stands in. */
export class TemplateFile {
  readonly template: Template
  readonly file: string
  readonly #document: YamlDocument

  constructor(template: Template, file: string, document: YamlDocument) {
    this.template = template
    this.file = file
    this.#document = document
  }

  /** The grant of a task from it; errors as `file:line:column: message`, for agents without the place. */
  fill(
    given: Readonly<Record<string, unknown>>,
    audience: 'operator' | 'agent' = 'operator',
  ): Result<TaskGrant, readonly string[]> {
    const filled = fillTemplate(this.template, given)
    if (filled.ok) return filled
    const isForOperator = audience === 'operator'
    return err(
      filled.error.map((fault) =>
        isForOperator ? place(fault, this.file, this.#document) : sentence(fault),
      ),
    )
  }

  /** What is worth a second look, by what the configuration says of tools. */
  lint({ servers }: Config): readonly PlacedFinding[] {
    const known = new Map([...servers].map(([name, { tools }]) => [name, tools]))
    return lintTemplate(this.template, known).map((fault) => {
      const { severity, rule } = fault
      const message = sentence(fault)
      return { severity, rule, file: this.file, ...positionOf(fault, this.#document), message }
    })
  }
}

/** Reads them all. A folder that is not there holds none. */
export async function readTemplates(folder: string): Promise<Templates> {
  const templates = new Map<string, TemplateFile>()
  const errors: string[] = []
  let names: string[] = []
  try {
    names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).toSorted()
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code !== 'ENOENT')
      errors.push(`${shown(folder)}: the folder of templates cannot be read`)
  }
  for (const name of names) {
    const read = await readTemplate(join(folder, name), name.replace(/\.ya?ml$/, ''))
    if (!read.ok) errors.push(...read.error)
    else if (templates.has(read.value.template.name))
      errors.push(`${read.value.file}: there is another file of this name; keep one`)
    else templates.set(read.value.template.name, read.value)
  }
  return { templates, errors }
}

async function readTemplate(path: string, name: string): Promise<Result<TemplateFile, readonly string[]>> {
  const file = shown(path)
  if (!TEMPLATE_NAME.test(name))
    return err([
      `${file}: a template is named by letters, digits, ".", "_" and "-", such as code-change.yaml`,
    ])
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (problem) {
    const isText = (problem as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
    return err([
      `${file}: ${isText ? 'this is not UTF-8; save the file in that encoding' : 'it cannot be read'}`,
    ])
  }
  const document = readYaml(text)
  const complaints = document.ok ? document.value.complaints : document.error
  if (!document.ok || complaints.length > 0)
    return err(
      complaints.map(({ position, message }) => `${file}:${position.line}:${position.column}: ${message}`),
    )
  const version = createHash('sha256').update(text).digest('hex').slice(0, 8)
  const template = parseTemplate(name, version, document.value.value)
  if (!template.ok) return err(template.error.map((fault) => place(fault, file, document.value)))
  return ok(new TemplateFile(template.value, file, document.value))
}

function place(fault: TemplateFault, file: string, document: YamlDocument): string {
  const { line, column } = positionOf(fault, document)
  return `${file}:${line}:${column}: ${sentence(fault)}`
}

function positionOf({ path, at }: TemplateFault, document: YamlDocument) {
  return at === 'key' ? document.positionOfKey(path) : document.positionOfValue(path)
}

function sentence({ path, message }: TemplateFault): string {
  return `${path.length === 0 ? 'the template' : showPath(path)} ${message}`
}

function shown(path: string): string {
  return relative(process.cwd(), path) || path
}

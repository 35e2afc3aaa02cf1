/** `tollgate task templates` and `tollgate task lint`: the files of templates, without a gateway. */
import type { Config } from '../config/config.ts'
import type { PlacedFinding, Templates } from '../server/templates.ts'
import type { Parameter } from '../tasks/templates/template.ts'
import { type ConfigOptions, type JsonOptions, requireConfig } from './command.ts'
import { EXIT, type ExitCode, harmless, paint, print, printJson, say } from './terminal.ts'

type CommonOptions = ConfigOptions & JsonOptions

async function read({ taskDir }: Config): Promise<Templates> {
  const { readTemplates } = await import('../server/templates.ts')
  return readTemplates(taskDir)
}

/** Lists the templates. */
export async function listTemplates(options: CommonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const { templates, errors } = await read(config.value)
  if (options.json) {
    printJson({
      templates: [...templates.values()].map(({ template, file }) => ({ ...template, file })),
      errors,
    })
    return errors.length === 0 ? EXIT.ok : EXIT.configuration
  }
  for (const { template } of templates.values()) {
    const { name, version, description, parameters } = template
    print(`${paint('bold', name)}@${version}  ${harmless(description)}`)
    for (const [parameter, about] of Object.entries(parameters))
      print(`  --set ${parameter}=${harmless(formOf(about))}`)
  }
  for (const error of errors) say(harmless(error))
  if (templates.size === 0 && errors.length === 0)
    say(
      harmless(
        `${config.value.taskDir} holds no templates; see docs/reference/tasks.md for how to write one`,
      ),
    )
  return errors.length === 0 ? EXIT.ok : EXIT.configuration
}

function formOf({ type, choices, default: standard, description }: Parameter): string {
  const form = `<${choices === undefined ? type : choices.join('|')}>`
  const notes = [
    ...(description === undefined ? [] : [description]),
    ...(standard === undefined ? [] : [`default ${standard}`]),
  ]
  return notes.length === 0 ? form : `${form}  ${notes.join('; ')}`
}

/** What is wrong with templates, and what is worth a second look. */
export interface LintedTemplates {
  readonly templates: number
  /** Those that are no templates: `file:line:column: message`. */
  readonly errors: readonly string[]
  readonly findings: readonly PlacedFinding[]
}

/** Looks them over; all of them where none is named. */
export async function lintAll(config: Config, names: readonly string[] = []): Promise<LintedTemplates> {
  const { templates, errors } = await read(config)
  const chosen = [...templates.values()].filter(
    ({ template }) => names.length === 0 || names.includes(template.name),
  )
  const missing = names
    .filter((name) => !templates.has(name))
    .filter((name) => !errors.some((error) => error.includes(`${name}.y`)))
    .map((name) => `there is no template ${JSON.stringify(name)} in ${config.taskDir}`)
  const ofChosen = errors.filter(
    (error) => names.length === 0 || names.some((name) => error.includes(`${name}.y`)),
  )
  return {
    templates: chosen.length,
    errors: [...ofChosen, ...missing],
    findings: chosen.flatMap((template) => template.lint(config)),
  }
}

/** `file:line:column: warning: message`. */
export function showFinding({ file, line, column, severity, rule, message }: PlacedFinding): string {
  const mark = paint(severity === 'error' ? 'red' : 'yellow', severity)
  return `${harmless(file)}:${line}:${column}: ${mark}: ${harmless(message)} (${rule})`
}

/** The command. */
export async function lintTemplates(
  names: readonly string[],
  options: CommonOptions & { readonly strict?: true },
): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const { templates, errors, findings } = await lintAll(config.value, names)
  const wrong = findings.some(({ severity }) => severity === 'error' || options.strict === true)
  const failed = errors.length > 0 || wrong
  if (options.json) printJson({ ok: !failed, templates, errors, findings })
  else {
    for (const error of errors) say(harmless(error))
    for (const finding of findings) say(showFinding(finding))
    const count = `${templates} template${templates === 1 ? '' : 's'}`
    const noted = findings.length === 0 ? '' : `, ${findings.length} to look at`
    if (!failed) print(`${paint('green', 'ok')}  ${count}${noted}`)
  }
  return failed ? EXIT.configuration : EXIT.ok
}

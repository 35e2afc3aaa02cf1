// `npm run --silent cedar -- test …`: runs test files in the format of the official integration tests. `format …`: see
// format.ts.
import { globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CorpusRunner } from '@tollgate/cedar'
import type { CorpusReport } from '@tollgate/cedar'
import { FORMAT_USAGE, formatCommand } from './format.ts'
import { OfficialValidator } from './official-validator.ts'

const USAGE = `npm run --silent cedar -- test [--root FOLDER] [--validate] <files or folders…>
  Runs tests in the format of the official integration tests: policies, entities, a schema, requests, expected answers.
  --root FOLDER   what the paths inside the test files are relative to; default: the current folder.
                  Files and folders that are not here are looked for there, too.
  --validate      also ask the official validator whether policies are valid, and compare with what the tests say
  Of a folder all tests are run, at any depth; JSON that is no test is passed over.
  Exit status: 0 when everything passed, 1 when something failed or there was no test, 2 when called wrongly.

${FORMAT_USAGE}`

const print = (line: string): void => void process.stdout.write(`${line}\n`)

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

interface Candidate {
  readonly file: string
  /** Else it was found in a folder, and may be anything. */
  readonly isNamed: boolean
}

/** What a target stands for: a file or folder, here or in the root, or a pattern of such. */
function candidatesOf(target: string, root: string): Candidate[] {
  const places = [target, path.resolve(root, target)]
  const found = places.find((place) => kindOf(place) !== undefined)
  if (found !== undefined && kindOf(found) === 'file') return [{ file: found, isNamed: true }]
  const folders = found === undefined ? ['.', root] : [found]
  const pattern = found === undefined ? target : '**/*.json'
  for (const folder of folders) {
    const names = globSync(pattern, { cwd: folder }).filter((name) => name.endsWith('.json'))
    const inFolder = (name: string): string => (folder === '.' ? name : path.join(folder, name))
    if (names.length > 0) return names.sort().map((name) => ({ file: inFolder(name), isNamed: false }))
  }
  // A name that stands for nothing is reported as it is; an empty folder is not.
  return found === undefined ? [{ file: target, isNamed: true }] : []
}

function kindOf(place: string): 'file' | 'folder' | undefined {
  const stats = statSync(place, { throwIfNoEntry: false })
  return stats === undefined ? undefined : stats.isDirectory() ? 'folder' : 'file'
}

function runTests(root: string, targets: readonly string[], validate: boolean): number {
  const read = (name: string): string | undefined => readText(path.resolve(root, name))
  const runner = new CorpusRunner(read)
  const validator = validate ? new OfficialValidator(read) : undefined
  const requests = { passed: 0, failed: 0 }
  let others = 0
  for (const { file, isNamed } of targets.flatMap((target) => candidatesOf(target, root))) {
    const report = runFile(runner, file, isNamed)
    if (report === undefined) {
      others++
      continue
    }
    for (const failure of report.failures) print(`FAILED ${file}: ${failure}`)
    requests.passed += report.passed
    requests.failed += report.failures.length
    const fault = report.validation === undefined ? undefined : validator?.check(report.validation)
    if (fault !== undefined) print(`FAILED ${file}: ${fault}`)
  }
  if (others > 0) print(`not tests, so not run: ${others} JSON files`)
  if (validator !== undefined) print(`validations: ${validator.passed} as expected, ${validator.failed} not`)
  print(`${requests.passed} passed, ${requests.failed} failed`)
  const failed = requests.failed + (validator?.failed ?? 0)
  if (requests.passed + failed > 0) return failed > 0 ? 1 : 0
  process.stderr.write('cedar: no test found\n')
  return 1
}

/** Undefined for a file that is no test. */
function runFile(runner: CorpusRunner, file: string, isNamed: boolean): CorpusReport | undefined {
  const text = readText(file)
  if (text === undefined) return { passed: 0, failures: ['there is no such file'], validation: undefined }
  // What is no test may be anything, also JSON with comments in it.
  if (!isNamed && !/"(?:requests|queries)"/.test(text)) return undefined
  return runner.run(text, file)
}

function main(args: readonly string[]): number {
  if (args[0] === 'format') return formatCommand(args.slice(1))
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        root: { type: 'string', default: '.' },
        validate: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    process.stderr.write(`cedar: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return 2
  }
  const [command, ...targets] = parsed.positionals
  const { root, validate, help } = parsed.values
  if (help) {
    process.stdout.write(USAGE)
    return 0
  }
  if (command === 'test' && targets.length > 0) return runTests(root, targets, validate)
  process.stderr.write(USAGE)
  return 2
}

process.exitCode = main(process.argv.slice(2))

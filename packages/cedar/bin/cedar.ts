// `npm run --silent cedar -- test …`: runs test files in the format of the official integration tests.
import { globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { isCorpusTest, runCorpusTest } from '@tollgate/cedar'

const USAGE = `npm run --silent cedar -- test [--root FOLDER] <files or folders…>
  Runs tests in the format of the official integration tests: policies, entities, requests, expected answers.
  --root FOLDER   what the paths inside the test files are relative to; default: the current folder
  Of a folder all tests are run, at any depth. Schemas are not read, so validation is not checked.
  Exit status: 0 when everything passed, 1 when something failed or there was no test, 2 when called wrongly.
`

const print = (line: string): void => void process.stdout.write(`${line}\n`)

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

interface TestFile {
  readonly file: string
  readonly text: string | undefined
  /** False for a JSON file that was found in a folder and is none. */
  readonly isTest: boolean
}

/** A file that was named is a test; of a folder, the files that look like one. */
function testsOf(target: string): TestFile[] {
  if (statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) {
    return [{ file: target, text: readText(target), isTest: true }]
  }
  return globSync('**/*.json', { cwd: target })
    .sort()
    .map((name) => path.join(target, name))
    .map((file) => {
      const text = readText(file)
      return { file, text, isTest: text !== undefined && isCorpusTest(text) }
    })
}

function runTests(root: string, targets: readonly string[]): number {
  let passed = 0
  let failed = 0
  let unchecked = 0
  let others = 0
  for (const { file, text, isTest } of targets.flatMap(testsOf)) {
    if (!isTest) {
      others++
      continue
    }
    const report =
      text === undefined
        ? { passed: 0, failures: ['there is no such file'], uncheckedValidations: 0 }
        : runCorpusTest(text, file, (name) => readText(path.resolve(root, name)))
    for (const failure of report.failures) print(`FAILED ${file}: ${failure}`)
    passed += report.passed
    failed += report.failures.length
    unchecked += report.uncheckedValidations
  }
  if (others > 0) print(`not tests, so not run: ${others} JSON files`)
  if (unchecked > 0) print(`schemas are not read: ${unchecked} validations not checked`)
  print(`${passed} passed, ${failed} failed`)
  if (passed + failed > 0) return failed > 0 ? 1 : 0
  process.stderr.write('cedar: no test found\n')
  return 1
}

function main(args: readonly string[]): number {
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { root: { type: 'string', default: '.' }, help: { type: 'boolean', default: false } },
    })
  } catch (error) {
    process.stderr.write(`cedar: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`)
    return 2
  }
  const [command, ...targets] = parsed.positionals
  if (parsed.values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  if (command === 'test' && targets.length > 0) return runTests(parsed.values.root, targets)
  process.stderr.write(USAGE)
  return 2
}

process.exitCode = main(process.argv.slice(2))

/** `npm test`: every check of this repository, one after the other, then the tests; at the end what they found. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** All of them run, whatever fails. */
const checks: readonly (readonly [name: string, command: string])[] = [
  ['programs from Debian', 'node tools/debian.ts'],
  ['build', 'tsc -b packages/gateway'],
  ['types of tests and tools', 'tsc -p tsconfig.tests.json --noEmit'],
  ['format', 'biome format'],
  ['lint and layers', 'oxlint'],
  ['unused code and dependencies', 'knip --no-progress --no-config-hints'],
  ['licences', 'node tools/licences.ts'],
  ['file sizes', 'node tools/sizes.ts'],
]
const binaries = path.resolve('node_modules/.bin')

/** Runs one command with its output shown as it comes; true when it succeeded. */
function run(name: string, command: string): boolean {
  console.log(`\n=== ${name}: ${command}`)
  const startedAtMs = performance.now()
  const [program = '', ...words] = command.split(' ')
  const env = { ...process.env, PATH: `${binaries}${path.delimiter}${process.env['PATH']}` }
  const { status, error } = spawnSync(program, words, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  if (error !== undefined) console.error(error.message)
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1)
  console.log(`=== ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${seconds} s`)
  return status === 0
}

interface TestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
}

/** Runs the tests and counts them; `ran` is false when the runner failed without a test that failed. */
function runTests(): { ran: boolean; passed: number; failed: number; skipped: number } {
  const folder = mkdtempSync(path.join(tmpdir(), 'tests-'))
  const file = path.join(folder, 'report.json')
  try {
    const succeeded = run('tests', `vitest run --reporter=default --reporter=json --outputFile.json=${file}`)
    const report = JSON.parse(readFileSync(file, 'utf8')) as TestReport
    const { numPassedTests: passed, numFailedTests: failed } = report
    const skipped = report.numPendingTests + report.numTodoTests
    return { ran: (succeeded || failed > 0) && passed > 0, passed, failed, skipped }
  } catch {
    return { ran: false, passed: 0, failed: 0, skipped: 0 } // no report
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const failures = checks.filter(([name, command]) => !run(name, command)).map(([name]) => name)
const passedChecks = checks.length - failures.length
const tests = runTests()
if (!tests.ran) failures.push('the test run')
if (tests.skipped > 0 && process.env['CI'] === 'true')
  failures.push('tests were skipped, and CI has to run all')

console.log('')
for (const failure of failures) console.log(`FAILED: ${failure}`)
if (tests.failed > 0) console.log(`FAILED: ${tests.failed} tests`)
// .ci/run reads the next two lines.
console.log(`checks: ${passedChecks} passed, ${failures.length} failed`)
console.log(`tests: ${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`)
process.exitCode = failures.length + tests.failed > 0 ? 1 : 0

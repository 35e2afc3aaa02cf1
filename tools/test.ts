/** `npm test`: every check of this repository, one after the other, and at the end what they found. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const isCi = process.env['CI'] === 'true'
const results = mkdtempSync(path.join(tmpdir(), 'tests-'))
const resultsFile = path.join(results, 'vitest.json')

/** Runs in this order; all of them, whatever fails. */
const steps: readonly { readonly name: string; readonly command: string }[] = [
  { name: 'programs from Debian', command: 'node tools/debian.ts' },
  { name: 'build', command: 'tsc -b packages/gateway' },
  { name: 'types of tests and tools', command: 'tsc -p tsconfig.tests.json --noEmit' },
  { name: 'format', command: 'biome format' },
  { name: 'lint and layers', command: 'oxlint' },
  { name: 'unused code and dependencies', command: 'knip --no-progress --no-config-hints' },
  { name: 'licences', command: 'node tools/licences.ts' },
  { name: 'file sizes', command: 'node tools/sizes.ts' },
  {
    name: 'tests',
    command: `vitest run --reporter=default --reporter=json --outputFile.json=${resultsFile}`,
  },
]

/** Runs one step with its output shown as it comes; true when it succeeded. */
function run({ name, command }: { name: string; command: string }): boolean {
  console.log(`\n=== ${name}: ${command.replace(resultsFile, '…')}`)
  const startedAtMs = Date.now()
  const [program = '', ...words] = command.split(' ')
  const env = {
    ...process.env,
    PATH: `${path.resolve('node_modules/.bin')}${path.delimiter}${process.env['PATH']}`,
  }
  const { status, error } = spawnSync(program, words, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  if (error !== undefined) console.error(error.message)
  console.log(
    `=== ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`,
  )
  return status === 0
}

interface Counts {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
}

/** What the test runner counted; nothing when it did not come so far. */
function countTests(): { passed: number; failed: number; skipped: number } {
  try {
    const counts = JSON.parse(readFileSync(resultsFile, 'utf8')) as Counts
    const skipped = counts.numPendingTests + counts.numTodoTests
    return { passed: counts.numPassedTests, failed: counts.numFailedTests, skipped }
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }
  } finally {
    rmSync(results, { recursive: true })
  }
}

const failures = steps.filter((step) => !run(step)).map(({ name }) => name)
const tests = countTests()
if (tests.passed === 0) failures.push('no test passed')
if (isCi && tests.skipped > 0) failures.push(`${tests.skipped} tests were skipped, which CI does not accept`)

console.log('')
for (const failure of failures) console.log(`FAILED: ${failure}`)
// .ci/run reads the next line.
console.log(`tests: ${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`)
console.log(`steps: ${steps.length - failures.length} passed, ${failures.length} failed`)
process.exitCode = failures.length > 0 ? 1 : 0

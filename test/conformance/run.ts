import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A revision of the specification that the suite has a frozen list of required scenarios for. */
export type Requirements = '2025-11-25' | '2026-07-28'

export interface ConformanceResult {
  /** How many required scenarios passed. */
  passed: number
  /** How many scenarios the revision requires. */
  required: number
  /** One line for each failed check of a required scenario. */
  failures: string[]
}

interface Scenario {
  name: string
  checksPassed: number
  checksFailed: number
}

/** Runs the official conformance suite against a server and reads its verdict on every required scenario. */
export async function runConformance(url: string, requirements: Requirements): Promise<ConformanceResult> {
  const results = await mkdtemp(join(tmpdir(), 'conformance-'))
  try {
    const { code, output } = await runSuite(url, requirements, results)
    const scenarios = requiredScenarios(output)
    if (scenarios.length === 0)
      throw new Error(`The conformance suite gave no summary (exit ${code}):\n${output}`)

    // A scenario that checked nothing exits 0 as well, but has shown nothing.
    const failed = scenarios.filter(
      ({ checksPassed, checksFailed }) => checksFailed > 0 || checksPassed === 0,
    )
    if (code === 0 && failed.some(({ checksFailed }) => checksFailed > 0)) {
      throw new Error(`The conformance suite exited 0 but its summary shows failures:\n${output}`)
    }
    if (code !== 0 && failed.length === 0) {
      throw new Error(`The conformance suite exited ${code} but its summary shows no failure:\n${output}`)
    }
    return {
      passed: scenarios.length - failed.length,
      required: scenarios.length,
      failures: (await Promise.all(failed.map((scenario) => failuresOf(scenario, results)))).flat(),
    }
  } finally {
    await rm(results, { recursive: true, force: true })
  }
}

async function runSuite(
  url: string,
  requirements: Requirements,
  results: string,
): Promise<{ code: number | null; output: string }> {
  const args = [suiteBin(), 'server', '--url', url, '--requirements', requirements, '-o', results]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { code, output }
}

function suiteBin(): string {
  const require = createRequire(import.meta.url)
  const manifest = require.resolve('@modelcontextprotocol/conformance/package.json')
  const { bin } = require(manifest) as { bin: { conformance: string } }
  return join(dirname(manifest), bin.conformance)
}

/** Reads the summary, leaving out the scenarios that the suite runs but does not score. */
function requiredScenarios(output: string): Scenario[] {
  const summary = output.slice(output.lastIndexOf('=== SUMMARY ==='))
  const [scored = '', unscored = ''] = summary.split(/^Not scored for /m)
  const names = new Set(Array.from(unscored.matchAll(/^ +[✓✗] (\S+) \(/gm), (match) => match[1]))
  const lines = scored.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed$/gm)
  return Array.from(lines, ([, name = '', passed, failed]) => ({
    name,
    checksPassed: Number(passed),
    checksFailed: Number(failed),
  })).filter(({ name }) => !names.has(name))
}

async function failuresOf({ name, checksFailed }: Scenario, results: string): Promise<string[]> {
  if (checksFailed === 0) return [`${name}: nothing was checked`]
  // The suite writes each scenario to a folder named after it and the time it ran.
  const folder = (await readdir(results)).find(
    (entry) => entry.startsWith(`server-${name}-`) && /^\d{4}-\d\d-\d\dT/.test(entry.slice(name.length + 8)),
  )
  if (!folder) return [`${name}: ${checksFailed} failed check(s)`]
  const checks = JSON.parse(await readFile(join(results, folder, 'checks.json'), 'utf8')) as {
    id: string
    status: string
    errorMessage?: string
  }[]
  return checks
    .filter(({ status }) => status === 'FAILURE')
    .map(({ id, errorMessage }) => `${name}: ${id}: ${errorMessage ?? 'no message'}`)
}

import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

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
    const args = ['server', '--url', url, '--requirements', requirements, '-o', results]
    const { code, output } = await runSuite(args)
    const scenarios = requiredScenarios(output)
    return await verdict({ kind: 'server', code, output, scenarios, results })
  } finally {
    await rm(results, { recursive: true, force: true })
  }
}

export interface AuthorizationServerUnderTest {
  /** Its issuer. */
  readonly url: string
  /** A public client that may redirect to `http://127.0.0.1:<port>/callback`. */
  readonly clientId: string
  readonly port: number
  /** What the token is to be for. */
  readonly resource: string
  /** Goes to the authorization endpoint, and from there to where they are sent. */
  person(address: string): Promise<void>
}

/** Runs the suite's scenarios for authorization servers. */
export async function runAuthorizationConformance({
  person,
  ...server
}: AuthorizationServerUnderTest): Promise<ConformanceResult> {
  const results = await mkdtemp(join(tmpdir(), 'conformance-'))
  try {
    const args = ['authorization', '--url', server.url, '--client-id', server.clientId]
    args.push('--resource', server.resource, '--port', String(server.port), '-o', results)
    let problem: unknown
    const { code, output } = await runSuite(args, (line, stop) => {
      if (!/^https?:\S+[?&]code_challenge=/.test(line)) return
      person(line).catch((thrown: unknown) => {
        problem = thrown
        stop()
      })
    })
    if (problem !== undefined) throw new Error('The person did not get through.', { cause: problem })
    const scenarios = scenariosOf(output)
    return await verdict({ kind: 'authorization-server', code, output, scenarios, results })
  } finally {
    await rm(results, { recursive: true, force: true })
  }
}

interface Run {
  readonly kind: 'server' | 'authorization-server'
  readonly code: number | null
  readonly output: string
  readonly scenarios: readonly Scenario[]
  /** Folder of what the suite wrote. */
  readonly results: string
}

async function verdict({ kind, code, output, scenarios, results }: Run): Promise<ConformanceResult> {
  if (scenarios.length === 0)
    throw new Error(`The conformance suite gave no summary (exit ${code}):\n${output}`)

  // A scenario that checked nothing exits 0 as well, but has shown nothing.
  const failed = scenarios.filter(({ checksPassed, checksFailed }) => checksFailed > 0 || checksPassed === 0)
  if (code === 0 && failed.some(({ checksFailed }) => checksFailed > 0)) {
    throw new Error(`The conformance suite exited 0 but its summary shows failures:\n${output}`)
  }
  if (code !== 0 && failed.length === 0) {
    throw new Error(`The conformance suite exited ${code} but its summary shows no failure:\n${output}`)
  }
  const told = await Promise.all(failed.map((scenario) => failuresOf(scenario, results, kind)))
  return {
    passed: scenarios.length - failed.length,
    required: scenarios.length,
    failures: told.flat(),
  }
}

/** Runs it to its end; `onLine` hears each line of it meanwhile, and may stop it. */
async function runSuite(
  args: readonly string[],
  onLine: (line: string, stop: () => void) => void = () => undefined,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [suiteBin(), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const streams = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface({ input: stream })) {
      output += `${line}\n`
      onLine(line, () => child.kill())
    }
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  await Promise.all(streams)
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
  return scenariosOf(scored).filter(({ name }) => !names.has(name))
}

function scenariosOf(summary: string): Scenario[] {
  const lines = summary.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed$/gm)
  return Array.from(lines, ([, name = '', passed, failed]) => ({
    name,
    checksPassed: Number(passed),
    checksFailed: Number(failed),
  }))
}

async function failuresOf(
  { name, checksFailed }: Scenario,
  results: string,
  kind: Run['kind'],
): Promise<string[]> {
  if (checksFailed === 0) return [`${name}: nothing was checked`]
  // The suite writes each scenario to a folder named after it and the time it ran.
  const start = `${kind}-${name}-`
  const folder = (await readdir(results)).find(
    (entry) => entry.startsWith(start) && /^\d{4}-\d\d-\d\dT/.test(entry.slice(start.length)),
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

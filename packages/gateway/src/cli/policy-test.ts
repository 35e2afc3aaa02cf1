/** `tollgate policy test`: requests with the decision they should get, in the format of the Cedar command line. */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import {
  entitiesFromJson,
  type EntityStore,
  policyTestFault,
  policyTestsFromJson,
  type PolicyError,
  type PolicyTest,
} from '@tollgate/cedar'
import type { Command } from 'commander'
import { err, ok, type Result } from '../model/result.ts'
import type { Policies } from '../policy/policies.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, type ExitCode, harmless, paint, print, printJson, say } from './terminal.ts'

const ENDING = '.tests.json'

/** Registers the command. */
export function addPolicyTest(policy: Command): void {
  takesJson(takesConfig(policy.command('test [files...]')))
    .description(`run tests of the policies; of the files *${ENDING} beside them when none is named`)
    .action(leaving((files: string[], options: ConfigOptions & JsonOptions) => test(files, options)))
}

interface Outcome {
  readonly test: PolicyTest
  readonly fault: string | undefined
}

async function test(named: readonly string[], options: ConfigOptions & JsonOptions): Promise<ExitCode> {
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const { loadPolicies } = await import('../server/snapshot.ts')
  const policies = await loadPolicies(config.value)
  if (!policies.ok) return complain(policies.error)
  const files = named.length > 0 ? named : await findTests(config.value.policyDir)
  if (files.length === 0)
    return complain([`no tests: there is no file *${ENDING} in ${config.value.policyDir}`])

  const runs = await Promise.all(files.map((file) => runFile(file, policies.value)))
  const errors = runs.flatMap((run) => (run.ok ? [] : run.error))
  if (errors.length > 0) return complain(errors)
  const outcomes = runs.flatMap((run) => (run.ok ? run.value : []))
  const failed = outcomes.filter(({ fault }) => fault !== undefined).length
  if (options.json) printJson({ passed: outcomes.length - failed, failed, tests: outcomes.map(asMembers) })
  else {
    for (const outcome of outcomes) show(outcome)
    print(`${outcomes.length - failed} passed, ${failed} failed`)
  }
  return failed > 0 ? EXIT.failed : EXIT.ok
}

function complain(lines: readonly string[]): ExitCode {
  for (const line of lines) say(harmless(line))
  return EXIT.configuration
}

async function findTests(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ENDING)).toSorted()
  return names.map((name) => relative(process.cwd(), join(folder, name)))
}

async function runFile(file: string, policies: Policies): Promise<Result<Outcome[], readonly string[]>> {
  const text = await read(file)
  if (!text.ok) return text
  // Arguments are plain data in a test as in a call: nothing in them becomes an entity.
  const tests = policyTestsFromJson(text.value, { file, plain: ['input'] })
  if (!tests.ok) return err(tests.errors.map(showError))
  const { rehearse } = await import('../policy/rehearse.ts')
  const outcomes: Outcome[] = []
  for (const each of tests.value) {
    const entities =
      typeof each.entities === 'string' ? await readEntities(each.entities, file) : ok(each.entities)
    if (!entities.ok) return entities
    const decision = rehearse(policies, { ...each, entities: entities.value }, Date.now())
    outcomes.push({ test: each, fault: policyTestFault(each, decision) })
  }
  return ok(outcomes)
}

/** Entities that several tests share, from a file beside them. */
async function readEntities(name: string, testFile: string): Promise<Result<EntityStore, readonly string[]>> {
  const path = resolve(dirname(testFile), name)
  if (relative(resolve(dirname(testFile)), path).startsWith('..')) {
    return err([`${testFile}: the entities ${name} must be in the folder of the tests`])
  }
  const text = await read(relative(process.cwd(), path))
  if (!text.ok) return text
  const entities = entitiesFromJson(text.value, { file: relative(process.cwd(), path) })
  return entities.ok ? ok(entities.value) : err(entities.errors.map(showError))
}

async function read(file: string): Promise<Result<string, readonly string[]>> {
  try {
    return ok(await readFile(file, 'utf8'))
  } catch (problem) {
    return err([`${file}: cannot be read: ${problem instanceof Error ? problem.message : String(problem)}`])
  }
}

function showError({ file, line, column, message }: PolicyError): string {
  return `${file}:${line}:${column}: ${message}`
}

function show({ test: { name, position }, fault }: Outcome): void {
  if (fault === undefined) print(`${paint('green', 'ok')}    ${harmless(name)}`)
  else {
    print(`${paint('red', 'FAIL')}  ${harmless(name)}`)
    print(`      ${position.file}:${position.line}:${position.column}: ${harmless(fault)}`)
  }
}

function asMembers({ test: { name, position }, fault }: Outcome): object {
  return { name, ...position, ok: fault === undefined, ...(fault === undefined ? {} : { fault }) }
}

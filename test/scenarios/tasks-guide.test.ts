/**
 * The cookbook of docs/guides/tasks.md: the guide shows every file of it, the policies are valid for the servers that they
 * speak of and pass their tests, and calls through a gateway get the answers that the recipes say.
 */
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { entitiesFromJson, policyTestFault, policyTestsFromJson } from '@tollgate/cedar'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Folder } from '../../packages/gateway/src/cli/fixtures/tollgate.ts'
import { createProgram } from '../../packages/gateway/src/cli/program.ts'
import { loadConfig } from '../../packages/gateway/src/config/load.ts'
import { readDetails, settle } from '../../packages/gateway/src/oauth/tasks/details.ts'
import { rehearse } from '../../packages/gateway/src/policy/rehearse.ts'
import { loadPolicies } from '../../packages/gateway/src/server/snapshot.ts'
import { readTemplates } from '../../packages/gateway/src/server/templates.ts'
import { type Admin, adminOf } from '../fixtures/admin.ts'
import {
  COOKBOOK,
  type CookbookServers,
  readRecipes,
  type Recipe,
  type Scene,
  startCookbookServers,
  type Start,
} from '../fixtures/cookbook.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const recipes = readRecipes()
const guide = readFileSync(path.join(import.meta.dirname, '../../docs/guides/tasks.md'), 'utf8')

let servers: CookbookServers
beforeAll(async () => {
  servers = await startCookbookServers()
})
afterAll(() => servers.close())

describe('the guide', () => {
  test('has more than a dozen recipes, each with tests', () => {
    expect(recipes.length).toBeGreaterThanOrEqual(14)
    for (const { folder, name } of recipes) expect(readdirSync(folder)).toContain(`${name}.tests.json`)
  })

  test.each(recipes)('shows every policy and template of $name, whole', ({ name, folder, shown }) => {
    for (const file of shown) {
      const fence = file.endsWith('.cedar') ? 'cedar' : 'yaml'
      const text = readFileSync(path.join(folder, file), 'utf8')
      const marker = `<!-- from examples/cookbook/${name}/${file} -->`
      expect(guide).toContain(`${marker}\n\`\`\`${fence}\n${text}\`\`\``)
    }
  })

  test('shows nothing of the cookbook that is not there', () => {
    const named = [...guide.matchAll(/<!-- from examples\/cookbook\/(\S+\/\S+) -->/g)].map(([, file]) => file)
    const there = recipes.flatMap(({ name, shown }) => shown.map((file) => `${name}/${file}`))
    expect(new Set(named)).toEqual(new Set(there))
  })
})

describe('what the guide says of tasks elsewhere', () => {
  test('asks by OAuth for what the template of the example is', async () => {
    const [, details] = /^```json\n(.*?)^```/ms.exec(guide) ?? []
    const wanted = readDetails(details)
    const { templates } = await readTemplates(path.join(COOKBOOK, '../task/tasks'))
    const settled = wanted.ok
      ? settle(
          wanted.value,
          [...templates.values()].map(({ template }) => template),
        )
      : wanted
    expect(settled).toMatchObject({ ok: true, value: { purpose: 'Fix the failing date test' } })
  })

  test('has no command and no flag that there is not', () => {
    const lines = [...guide.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, text = '']) =>
      text.replaceAll('\\\n', ' ').split('\n'),
    )
    const commands = lines.filter((line) => line.startsWith('tollgate '))
    expect(commands.length).toBeGreaterThan(8)
    for (const line of commands) {
      const words = line
        .replace(/ -- .*| #.*/, '')
        .split(/\s+/)
        .slice(1)
      let command: ReturnType<typeof createProgram> | undefined = createProgram()
      while (command !== undefined && command.commands.length > 0) {
        const word = words.shift()
        command = command.commands.find((each) => each.name() === word)
      }
      expect([line, command?.name()]).not.toContain(undefined)
      for (const flag of words.filter((word) => word.startsWith('--')))
        expect(command?.options.map(({ long }) => long)).toContain(flag)
    }
  })
})

describe('policies', () => {
  test('are what `tollgate check` has nothing against, with servers that are asked', async () => {
    using folder = new Folder({ 'tollgate.yaml': servers.config().replaceAll('./code-change', './all') })
    for (const { folder: from, shown } of recipes)
      for (const file of shown) cpSync(path.join(from, file), folder.at(`all/${file}`))
    const { code, stdout, stderr } = await folder.run(['check', '--json'])
    const checked = JSON.parse(stdout) as { warnings: { rule?: string; file?: string }[] }
    expect(checked).toMatchObject({ ok: true, errors: [] })
    const together = checked.warnings.filter(({ rule }) => rule === 'untrusted-private-way-out')
    expect(together.map(({ file }) => file)).toEqual(['all/inbox.yaml', 'all/reply.yaml'])
    expect(stderr).toBe('')
    expect(code).toBe(0)
  })

  test.each(recipes)('of $name pass their tests', async ({ name, folder }) => {
    const file = path.join(folder, `${name}.tests.json`)
    const tests = policyTestsFromJson(readFileSync(file, 'utf8'), { file, plain: ['input'] })
    if (!tests.ok) throw new Error(JSON.stringify(tests.errors))
    const policies = await policiesOf(name)
    expect(tests.value.length).toBeGreaterThan(0)
    for (const each of tests.value) {
      const entities = typeof each.entities === 'string' ? entitiesFromJson('[]') : undefined
      expect(entities).toBeUndefined() // the tests of a recipe stand alone
      const decision = rehearse(policies, { ...each, entities: each.entities as never }, Date.now())
      expect([each.name, policyTestFault(each, decision)]).toEqual([each.name, undefined])
    }
  })
})

async function policiesOf(recipe: string) {
  const file = path.join(COOKBOOK, 'tollgate.yaml')
  const config = await loadConfig({
    path: file,
    readFile: async () => readFileSync(file, 'utf8').replaceAll('./code-change', `./${recipe}`),
  })
  if (!config.ok) throw new Error(JSON.stringify(config.error))
  const policies = await loadPolicies(config.value)
  if (!policies.ok) throw new Error(policies.error.join('\n'))
  return policies.value
}

describe('calls through a gateway', () => {
  const playable = recipes.filter(({ scenes }) => scenes.length > 0)
  test('are made for more than a dozen tasks and keys', () => {
    expect(playable.flatMap(({ scenes }) => scenes).length).toBeGreaterThan(12)
  })

  test.each(playable)('of $name', async (recipe) => {
    const besides = recipe.scenes.map((scene) => scene.besides ?? '').join('\n')
    const config = servers
      .config()
      .replace(/^policies:.*$/m, '')
      .replaceAll('./code-change', recipe.folder)
    const gateway = await startTestGateway({ config, policies: `${recipe.policies}\n${besides}` })
    const admin = await adminOf(gateway)
    try {
      let parent: string | undefined
      for (const scene of recipe.scenes) {
        const { key, task } = await keyFor(gateway, recipe, scene, parent)
        parent = task ?? parent
        const got: unknown[] = []
        for (const call of scene.calls) {
          got.push(await answerTo(gateway, key, call))
          for (const { expect: expected, ...answer } of call.answers ?? [])
            expect([answer.as, await approve(admin, answer)]).toEqual([answer.as, expected])
        }
        expect(got).toEqual(scene.calls.map(({ expect: answer, argument }) => ({ answer, argument })))
      }
    } finally {
      await admin.close()
      await gateway.close()
    }
  })
})

/** Says yes to what waits, in somebody's name. */
async function approve(admin: Admin, answer: object): Promise<'approved' | 'refused'> {
  const { body } = await admin.ask('GET /api/v1/approvals')
  const { approvals } = body as { approvals: readonly { id: string; state: string }[] }
  const [waiting] = approvals.filter(({ state }) => state === 'pending')
  const { status } = await admin.ask(`POST /api/v1/approvals/${waiting?.id}/approve`, answer)
  expect([200, 422]).toContain(status)
  return status === 200 ? 'approved' : 'refused'
}

async function keyFor(gateway: TestGateway, recipe: Recipe, scene: Scene, parent: string | undefined) {
  const { agent, task, part } = scene
  const start = task ?? part
  if (start === undefined) return { key: gateway.key('ada', agent), task: undefined }
  const { id, key } = gateway.task(await grantFrom(recipe, start), {
    ...(agent === undefined ? {} : { agent }),
    ...(start.prompt === undefined ? {} : { prompt: start.prompt }),
    ...(part === undefined || parent === undefined ? {} : { parent }),
  })
  return { key, task: id }
}

async function grantFrom(recipe: Recipe, { template, set = {}, purpose }: Start): Promise<object> {
  const { templates, errors } = await readTemplates(recipe.folder)
  expect(errors).toEqual([])
  const found = templates.get(template)
  const filled = found?.fill({ ...set, ...(purpose === undefined ? {} : { purpose }) })
  if (filled?.ok !== true) throw new Error(filled?.error.join('\n') ?? `there is no template ${template}`)
  return filled.value
}

/** Calls a tool; what is read of the answer is what the recipe expects of it. */
async function answerTo(gateway: TestGateway, key: string, call: Scene['calls'][number]) {
  const [server = '', name = ''] = call.tool.split('__')
  servers.answer(call.result ?? 'done')
  const params = { name, arguments: call.arguments }
  const response = await fetch(gateway.url(server), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  })
  const { result, error } = (await response.json()) as Answer
  if (error !== undefined)
    return { answer: error.code === -32602 ? 'unknown' : error.message, argument: undefined }
  const refusal = result?._meta?.['tollgate/refusal']
  const argument = call.argument === undefined ? undefined : refusal?.arguments?.[0]
  return { answer: refusal?.reason ?? 'allow', argument }
}

interface Answer {
  readonly result?: {
    readonly _meta?: {
      readonly 'tollgate/refusal'?: { readonly reason: string; readonly arguments?: string[] }
    }
  }
  readonly error?: { readonly code: number; readonly message: string }
}

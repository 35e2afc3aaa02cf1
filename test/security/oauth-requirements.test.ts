/**
 * The table of requirements: what MCP's pages on authorization, RFC 9700 (best current practice) and the documents they
 * stand on ask of a server with tokens and of an authorization server. Each line is tried here: the honest thing goes
 * through, and the same with one thing changed does not. The lines are in the folder oauth-requirements.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorizationRequirements } from './oauth-requirements/authorization.ts'
import { documentRequirements } from './oauth-requirements/documents.ts'
import { neighbourRequirements } from './oauth-requirements/neighbours.ts'
import { requestRequirements } from './oauth-requirements/requests.ts'
import { tokenRequirements } from './oauth-requirements/tokens.ts'
import { startWorld, type World } from './oauth-requirements/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.close())

describe.each([
  ['a token', tokenRequirements],
  ['a request to a server', requestRequirements],
  ['the authorization server', authorizationRequirements],
  ['a client with a document', documentRequirements],
])('%s', (_, requirements) => {
  const titled = requirements.map((each) => [`${each.where}: ${each.must}: ${each.attempt}`, each] as const)
  test.each(titled)('%s', async (_title, { honest, attack }) => {
    await honest(world)
    await attack(world)
  })
})

describe('has a test of its own nearby', () => {
  const titled = neighbourRequirements.map((each) => [`${each.where}: ${each.must}`, each] as const)
  test.each(titled)('%s', (_title, { file, test: title }) => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8')
    expect(text).toContain(`'${title}'`)
    expect(text).not.toMatch(/\b(?:it|test|describe)\.(?:skip|todo)\b/)
  })
})

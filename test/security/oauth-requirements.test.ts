/**
 * The table of requirements: what MCP's pages on authorization, RFC 9700 (best current practice) and the documents they
 * stand on ask of a server with tokens and of an authorization server. Each line is tried here: the honest thing goes
 * through, and the same with one thing changed does not. The lines are in the folder oauth-requirements.
 */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { authorizationRequirements } from './oauth-requirements/authorization.ts'
import { documentRequirements } from './oauth-requirements/documents.ts'
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

/** Clients that are told of by a document at their own address: what it must say, and where it must not be. */
import { expect } from 'vitest'
import { Browser } from '../../fixtures/oauth/browser.ts'
import { REDIRECT } from '../../fixtures/oauth/server.ts'
import type { Requirement } from './requirement.ts'
import type { World } from './world.ts'

const PUBLIC = '93.184.215.14'
let count = 0

/** A document at an address of its own, as it should be but for these. */
function publish({ internet, documented }: World, changes: object = {}): string {
  documented.pass(60) // fetches are counted by the minute
  const path = `/client-${count++}.json`
  const id = internet.url(path)
  internet.publish(path, { client_id: id, client_name: 'Documented', redirect_uris: [REDIRECT], ...changes })
  return id
}

const open = (world: World, id: string, changes: Record<string, string> = {}) =>
  new Browser(world.documented.origin).get(world.documented.authorizeUrl(id, changes))

async function accepted(world: World, id: string): Promise<void> {
  world.internet.resolveTo(PUBLIC)
  const answer = await open(world, id)
  expect([answer.status, answer.location]).toEqual([303, expect.stringMatching(/^\/oauth\/interaction\//)])
}

async function refused(world: World, id: string, changes?: Record<string, string>): Promise<void> {
  const answer = await open(world, id, changes)
  expect(answer.status).toBe(400)
  expect(answer.location).toBeUndefined()
}

const honest = (world: World) => accepted(world, publish(world))

const CIMD = 'MCP client registration, Client ID Metadata Documents'

/** A document that is good but for one thing. */
const content = (must: string, attempt: string, changes: object): Requirement => ({
  where: CIMD,
  must,
  attempt,
  honest,
  attack: (world) => refused(world, publish(world, changes)),
})

/** A good document behind a name that leads to this address. */
const place = (attempt: string, address: string): Requirement => ({
  where: 'MCP security considerations, Authorization Server Abuse Protection; CIMD draft, 8.6',
  must: 'documents come from the public internet (SSRF)',
  attempt: `${attempt}, ${address}`,
  honest,
  async attack(world) {
    const id = publish(world)
    world.internet.hangUp()
    world.internet.resolveTo(address)
    await refused(world, id)
    expect(world.internet.asked).not.toContain(new URL(id).pathname)
    await accepted(world, id)
  },
})

export const documentRequirements: readonly Requirement[] = [
  content('client_id is the address of the document, exactly', 'the address of another', {
    client_id: 'https://app.example/other.json',
  }),
  content('client_id is the address of the document, exactly', 'none', { client_id: undefined }),
  content('client_name is there', 'none', { client_name: undefined }),
  content('client_name is there', 'an empty one', { client_name: '' }),
  content('redirect_uris are there', 'none', { redirect_uris: undefined }),
  content('redirect_uris are https or this machine', 'a script besides', {
    redirect_uris: [REDIRECT, 'javascript:alert(1)'],
  }),
  content('a document holds no shared secret (CIMD draft, 4.1)', 'client_secret', {
    client_secret: 'x',
    token_endpoint_auth_method: 'client_secret_post',
  }),
  {
    where: CIMD,
    must: 'the redirect of a request is one of the document',
    attempt: 'another path of the same host',
    honest,
    attack: (world) => refused(world, publish(world), { redirect_uri: `${REDIRECT}/more` }),
  },
  {
    where: CIMD,
    must: 'the document is valid JSON',
    attempt: 'HTML',
    honest,
    async attack(world) {
      const id = publish(world)
      world.internet.publish(new URL(id).pathname, '<!doctype html>')
      await refused(world, id)
    },
  },
  {
    where: 'CIMD draft, 4',
    must: 'a document is where it says, not elsewhere',
    attempt: 'a redirect to a good one',
    honest,
    async attack(world) {
      const [id, elsewhere] = [publish(world), publish(world)]
      world.internet.publish(new URL(id).pathname, new URL(elsewhere))
      await refused(world, id)
      expect(world.internet.asked).not.toContain(new URL(elsewhere).pathname)
    },
  },
  place('loopback', '127.0.0.1'),
  place('a private network', '10.0.0.1'),
  place('a private network', '192.168.0.1'),
  place('metadata of a cloud', '169.254.169.254'),
  place('loopback of IPv6', '::1'),
  place('a private network of IPv6', 'fd00::1'),
  place('this link', 'fe80::1'),
  place('IPv4 in IPv6', '::ffff:127.0.0.1'),
  place('IPv4 in IPv6', '::127.0.0.1'),
  place('6to4', '2002:7f00:1::'),
  place('NAT64', '64:ff9b::7f00:1'),
  place('Teredo', '2001:0:7f00:1::'),
  ...['https://127.0.0.1/c.json', 'https://[::1]/c.json', 'https://2130706433/c.json'].map(
    (id): Requirement => ({
      where: 'MCP security considerations, Authorization Server Abuse Protection; CIMD draft, 8.6',
      must: 'documents come from the public internet (SSRF)',
      attempt: id,
      honest,
      attack: (world) => refused(world, id),
    }),
  ),
  {
    where: 'MCP security best practices, SSRF: time of check',
    must: 'the address that was found good is the one that is reached (DNS rebinding)',
    attempt: 'a name that is public at first and loopback the next time it is looked up',
    honest,
    async attack(world) {
      const [first, second] = [publish(world), publish(world)]
      world.internet.hangUp()
      world.internet.resolveTo(PUBLIC, '127.0.0.1')
      // Looked up once: what was checked is what is connected to.
      expect((await open(world, first)).status).toBe(303)
      world.internet.hangUp()
      await refused(world, second)
      expect(world.internet.asked).not.toContain(new URL(second).pathname)
      expect([...new Set(world.internet.reached)]).toEqual([PUBLIC])
    },
  },
  {
    where: 'MCP security considerations, Localhost Redirect URI Risks',
    must: 'the host of the redirect is shown, and one on this machine is warned of',
    attempt: 'a document of a well-known host that redirects to this machine',
    honest,
    async attack(world) {
      const redirect_uri = 'http://127.0.0.1:4711/cb'
      const id = publish(world, { redirect_uris: [redirect_uri] })
      const pages: string[] = []
      const browser = new Browser(world.documented.origin)
      const follow = browser.follow.bind(browser)
      browser.follow = async (answer) => {
        const page = await follow(answer)
        pages.push(page.text)
        return page
      }
      await world.documented.consent(id, { redirect_uri }, browser)
      const consent = pages.find((text) => text.includes('value="allow"')) ?? ''
      expect(consent).toContain('127.0.0.1:4711')
      expect(consent).toContain('The answer goes to a program on this computer.')
    },
  },
]

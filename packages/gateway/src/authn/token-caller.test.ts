import { describe, expect, it } from 'vitest'
import { ownIssuer } from '../oauth/own-issuer.ts'
import type { TokenIssuer } from '../model/issuer.ts'
import { callerOf } from './token-caller.ts'

const own = ownIssuer('https://gate.example', new Set())
const corp: TokenIssuer = {
  ...own,
  name: 'corp',
  issuer: 'https://idp.example',
  agents: new Map(),
  services: new Map(),
}
const token = { fallbackId: 'x' }
const exp = Math.floor(Date.now() / 1000) + 60

describe('a token of our own', () => {
  it('is a person’s unless it says that it is a client’s, whatever their names are', () => {
    const claims = { sub: 'ada', client_id: 'ada', exp }
    expect(callerOf(claims, own, token)).toMatchObject({
      value: { principal: { type: 'User', id: 'local/ada' } },
    })
    expect(callerOf(claims, corp, token)).toMatchObject({ value: { principal: { type: 'Service' } } })
    const itself = { ...claims, principal_type: 'agent' }
    expect(callerOf(itself, own, token)).toMatchObject({
      value: { principal: { type: 'Agent', id: 'local/ada' } },
    })
  })

  it('may tell of the person of another issuer, by the name that this one gives', () => {
    const claims = { sub: 'corp/ada', client_id: 'desk', principal_issuer: 'corp', groups: ['x'], exp }
    expect(callerOf(claims, own, token)).toMatchObject({
      value: {
        principal: { type: 'User', id: 'corp/ada' },
        agent: { id: 'local/desk' },
        known: { groups: [{ type: 'Group', id: 'corp/x' }] },
      },
    })
  })

  it.each([
    ['a name that is not of this issuer', { sub: 'ada' }],
    ['one that only begins alike', { sub: 'corporation/ada' }],
    ['an issuer that is a path', { sub: 'corp/x/ada', principal_issuer: 'corp/x' }],
    ['no text', { principal_issuer: 1 }],
    ['a client on its own', { principal_type: 'service' }],
  ])('tells of nobody with %s', (_title, changes) => {
    const claims = { sub: 'corp/ada', client_id: 'desk', principal_issuer: 'corp', exp, ...changes }
    expect(callerOf(claims, own, token).ok).toBe(false)
  })
})

describe('a token of an issuer outside', () => {
  it('cannot tell of the person of another', () => {
    const claims = { sub: 'other/ada', client_id: 'ide', principal_issuer: 'other', exp }
    expect(callerOf(claims, corp, token)).toMatchObject({ value: { principal: { id: 'corp/other/ada' } } })
  })
})

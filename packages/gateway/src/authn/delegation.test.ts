import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { LOCAL_ISSUER, type TokenIssuer } from '../model/issuer.ts'
import { delegationOf, MAX_DELEGATION_DEPTH } from './delegation.ts'

const corp = { name: 'corp', issuer: 'https://idp.example' } as TokenIssuer
const own = { name: LOCAL_ISSUER, issuer: 'https://gate.example' } as TokenIssuer
const agent = (id: string) => ({ type: 'Agent', id })

/** The claim `act` of these actors, the one that calls last. */
function actOf(names: readonly string[]): object | undefined {
  return names.reduce<object | undefined>(
    (act, sub) => (act === undefined ? { sub } : { sub, act }),
    undefined,
  )
}

describe('the delegation of a token', () => {
  test('is none where nothing was handed on', () => {
    expect(delegationOf({ sub: 'ada', client_id: 'ide' }, corp)).toEqual({ ok: true, value: undefined })
  })

  test('tells everyone in order, whoever they are', () => {
    const names = fc.array(fc.stringMatching(/^[a-z/:.-]{1,20}$/), {
      minLength: 1,
      maxLength: MAX_DELEGATION_DEPTH,
    })
    fc.assert(
      fc.property(names, (ids) => {
        const told = delegationOf({ act: actOf(ids) }, corp)
        const chain = ids.map((id) => agent(`corp/${id}`))
        expect(told).toEqual({ ok: true, value: { depth: ids.length, chain } })
      }),
    )
  })

  test('begins with the client that was first to act, where our own token names it', () => {
    const claims = { act: actOf(['b', 'c']), first_client_id: 'a' }
    const told = delegationOf(claims, own)
    expect(told).toMatchObject({
      value: { depth: 2, chain: ['a', 'b', 'c'].map((id) => agent(`local/${id}`)) },
    })
    expect(delegationOf(claims, corp)).toMatchObject({
      value: { depth: 2, chain: [agent('corp/b'), agent('corp/c')] },
    })
  })
})

test.each([
  ['text', 'planner'],
  ['null', null],
  ['a list', [{ sub: 'planner' }]],
  ['nobody', {}],
  ['an empty name', { sub: '' }],
  ['a name that is no text', { sub: 1 }],
  ['somebody of another issuer', { sub: 'planner', iss: 'https://elsewhere.example' }],
  ['somebody inside who is not named', { sub: 'planner', act: {} }],
  ['too many', actOf(Array.from({ length: MAX_DELEGATION_DEPTH + 1 }, (_, index) => `a${index}`))],
])('a token whose act is %s is refused', (_what, act) => {
  expect(delegationOf({ act }, corp)).toMatchObject({ ok: false })
})

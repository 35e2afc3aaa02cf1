import { beforeEach, describe, expect, it } from 'vitest'
import { formatApiKey, hashApiKey, type KeyRecord } from './api-key.ts'
import { RememberedKeys } from './remembered-keys.ts'

let nowMs: number
let rows: Map<string, KeyRecord>
let hasChanged: boolean
let broken: boolean
let finds: number
let ended: (readonly string[])[]
let keys: RememberedKeys
beforeEach(() => {
  nowMs = 1_000_000
  rows = new Map([
    [hashOf('a'), key('a')],
    [hashOf('b'), key('b')],
  ])
  hasChanged = false
  broken = false
  finds = 0
  ended = []
  keys = create()
})

describe('RememberedKeys', () => {
  it('asks the store once for each key', () => {
    for (let call = 0; call < 5; call++) expect(find('a')).toBe('known')
    expect(finds).toBe(1)
  })

  it('gives the same caller each time', () => {
    const [one, two] = [keys.find(tokenOf('a')), keys.find(tokenOf('a'))]
    expect(one.kind === 'known' && two.kind === 'known' && one.caller === two.caller).toBe(true)
  })

  it('asks again for a key that is not valid: it may be by then', () => {
    expect(find('c')).toBe('unknown')
    rows.set(hashOf('c'), key('c'))
    expect(find('c')).toBe('known')
  })

  it('does not ask the store about what cannot be a key', () => {
    const [token, flip] = [tokenOf('a'), (digit: string) => (digit === '0' ? '1' : '0')]
    for (const text of ['', 'tg_', `${token}0`, token.slice(1), token.replace(/.$/, flip)]) {
      expect(keys.find(text)).toEqual({ kind: 'malformed' })
    }
    expect(finds).toBe(0)
  })

  it('refuses a revoked key half a second after the change, and tells', () => {
    find('a')
    find('b')
    change('a', { revokedAtMs: nowMs })
    nowMs += 499
    expect(find('a')).toBe('known')
    nowMs += 1
    expect(find('b')).toBe('known')
    expect(find('a')).toBe('revoked')
    expect(ended).toEqual([['a']])
  })

  it('tells of a revoked key on the timer, without a call', () => {
    find('a')
    change('a', { revokedAtMs: nowMs })
    nowMs += 500
    expect(keys.check()).toBe(true)
    expect(ended).toEqual([['a']])
  })

  it('treats a key whose row is gone or says something else as ended', () => {
    find('a')
    find('b')
    rows.delete(hashOf('a'))
    change('b', { principal: { type: 'User', id: 'mallory' } })
    nowMs += 500
    expect(find('a')).toBe('unknown')
    expect(ended).toEqual([['a', 'b']])
  })

  it('refuses an expired key at its time, and tells with the next check', () => {
    change('a', { expiresAtMs: nowMs + 700 })
    hasChanged = false
    expect(find('a')).toBe('known')
    nowMs += 699
    expect(find('a')).toBe('known')
    nowMs += 1
    expect(find('a')).toBe('expired')
    expect(ended).toEqual([])
    nowMs += 500
    keys.check()
    expect(ended).toEqual([['a']])
  })

  it('keeps what did not change when something else did', () => {
    find('a')
    change('c', {})
    nowMs += 500
    expect(find('a')).toBe('known')
    expect(ended).toEqual([])
  })

  it('looks remembered keys up again once for a change', () => {
    find('a')
    change('b', {})
    nowMs += 500
    find('a')
    expect(finds).toBe(2)
    nowMs += 500
    find('a')
    expect(finds).toBe(2)
  })

  it('knows nobody while the store does not answer, and everybody again when it does', () => {
    find('a')
    broken = true
    nowMs += 500
    expect(keys.find(tokenOf('a'))).toEqual({ kind: 'unavailable', cause: 'disk I/O error' })
    expect(keys.check()).toBe(false)
    broken = false
    expect(find('a')).toBe('known')
    expect(ended).toEqual([])
  })

  it('does not forget a change that the store broke down over', () => {
    find('a')
    change('a', { revokedAtMs: nowMs })
    nowMs += 500
    const { get } = rows
    rows.get = () => {
      throw new Error('disk I/O error')
    }
    expect(find('a')).toBe('unavailable')
    expect(find('a')).toBe('unavailable')
    rows.get = get
    expect(find('a')).toBe('revoked')
    expect(ended).toEqual([['a']])
  })

  it('does not put off a check when the clock was set back', () => {
    find('a')
    change('a', { revokedAtMs: nowMs })
    nowMs -= 86_400_000
    expect(find('a')).toBe('revoked')
  })

  it('remembers no more than its bound', () => {
    keys = create(2)
    for (const name of ['a', 'b']) find(name)
    rows.set(hashOf('c'), key('c'))
    find('c')
    expect(finds).toBe(3)
    find('c')
    find('b')
    expect(finds).toBe(3)
    find('a')
    expect(finds).toBe(4)
  })
})

function create(maxRemembered?: number): RememberedKeys {
  return new RememberedKeys({
    lookup: {
      find(tokenHash) {
        finds++
        if (broken) throw new Error('disk I/O error')
        return rows.get(tokenHash)
      },
      changed() {
        if (broken) throw new Error('disk I/O error')
        const answer = hasChanged
        hasChanged = false
        return answer
      },
    },
    now: () => nowMs,
    onRevoked: (names) => ended.push(names),
    ...(maxRemembered === undefined ? {} : { maxRemembered }),
  })
}

function find(name: string): string {
  return keys.find(tokenOf(name)).kind
}

function change(name: string, fields: Partial<KeyRecord>): void {
  rows.set(hashOf(name), { ...key(name), ...fields })
  hasChanged = true
}

function tokenOf(name: string): string {
  return formatApiKey(new Uint8Array(32).fill(name.charCodeAt(0)))
}

function hashOf(name: string): string {
  return hashApiKey(tokenOf(name))
}

function key(name: string): KeyRecord {
  return { name, principal: { type: 'User', id: name } }
}

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatApiKey, hashApiKey, isApiKey, secretBytes } from './api-key.ts'

const secret = fc.uint8Array({ minLength: secretBytes, maxLength: secretBytes })

describe('a key', () => {
  it('is pinned: scanners look for this form', () => {
    const token = formatApiKey(new Uint8Array(32))
    expect(token).toBe('tg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAc20b3f0f')
    expect(token).toMatch(/^tg_[A-Za-z0-9_-]{43}[0-9a-f]{8}$/)
  })

  it('is recognised', () => {
    fc.assert(fc.property(secret, (bytes) => isApiKey(formatApiKey(bytes))))
  })

  it('is not recognised with any one character changed, left out or added', () => {
    const characters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ \n='.split('')
    fc.assert(
      fc.property(secret, fc.nat(53), fc.constantFrom(...characters), (bytes, at, character) => {
        const token = formatApiKey(bytes)
        fc.pre(token[at] !== character)
        expect(isApiKey(token.slice(0, at) + character + token.slice(at + 1))).toBe(false)
        expect(isApiKey(token.slice(0, at) + token.slice(at + 1))).toBe(false)
        expect(isApiKey(token.slice(0, at) + character + token.slice(at))).toBe(false)
      }),
    )
  })

  it('has 32 random bytes, no fewer', () => {
    expect(() => formatApiKey(new Uint8Array(31))).toThrow(TypeError)
  })

  it('is looked up by its SHA-256', () => {
    expect(hashApiKey('tg_x')).toBe(createHash('sha256').update('tg_x').digest('base64url'))
  })
})

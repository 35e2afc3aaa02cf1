// The fuzzer itself: all it asks is asked here too, for a while, and it has to see a difference where there is one.

import { describe, expect, it, test } from 'vitest'
import { compare } from './case-difference.ts'
import { TARGETS, seedAt, targetAt } from './fuzz-targets.ts'
import { Oracle } from './official.ts'
import { randomCase } from './random-case.ts'
import { shrink } from './shrink.ts'

const SEED = Number(process.env['CEDAR_SEED'] ?? 1)

describe('both engines', () => {
  test.each(TARGETS)('agree on $name', ({ run }) => {
    const oracle = new Oracle()
    for (let index = 0; index < 12; index++) {
      expect(run(oracle, seedAt(SEED, index)).difference).toBeUndefined()
    }
    expect(oracle.restarts).toEqual([])
  })
})

/** Never allows anything. */
class Liar extends Oracle {
  override ask<T>(question: Parameters<typeof Oracle.prototype.ask<T>>[0]): T | undefined {
    const answer = super.ask(question)
    return JSON.parse(JSON.stringify(answer).replaceAll('"allow"', '"deny"')) as T
  }
}

describe('a difference', () => {
  it('is found, and shown by the smallest case', () => {
    const liar = new Liar()
    const reports: string[] = []
    for (let seed = 0; reports.length < 2; seed++) {
      const isTold = reports.length === 0
      const { difference } = compare(liar, randomCase(seed, { requests: 4, schema: isTold }))
      if (difference !== undefined) reports.push(difference)
    }
    for (const report of reports) {
      // One policy or template, without conditions.
      expect(report.match(/^(permit|forbid) \(/gm)).toEqual(['permit ('])
      expect(report).not.toMatch(/^(when|unless)/m)
      expect(report).toMatch(/^entities: \[\]$/m)
      expect(report).toContain('here: {"decision":"allow"')
      expect(report).toContain('official package: {"decision":"deny"')
      expect(report.length).toBeLessThan(1200)
    }
  })
})

describe('the targets of a run', () => {
  it('are all met, by their shares', () => {
    const met = new Map(TARGETS.map((target) => [target, 0]))
    for (let index = 0; index < 100; index++) met.set(targetAt(index), (met.get(targetAt(index)) ?? 0) + 1)
    expect([...met]).toEqual(TARGETS.map((target) => [target, target.share]))
  })
})

describe('shrinking', () => {
  it('leaves what is needed, in arrays, objects and texts', () => {
    const needed = (value: unknown): boolean => JSON.stringify(value).includes('needle')
    const hay = { a: [1, 2, { b: ['hay', 'some needle here', 'hay'], c: 1 }], d: { e: 'hay' } }
    const found = shrink(hay, needed)
    expect(JSON.stringify(found)).toMatch(/needle/)
    expect(JSON.stringify(found).length).toBeLessThan(30)
  })

  it('gives back what cannot be smaller', () => {
    expect(shrink(['a', 'b'], (value) => value.length === 2 && value.every((item) => item !== ''))).toEqual([
      'a',
      'b',
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { Gathering } from './gathering.ts'

describe('Gathering', () => {
  it('never waits when commits hold one entry or two', () => {
    expect(shareThatWaits((waited) => (waited ? 10 : 2))).toBe(0)
  })

  it('waits nearly always when that makes commits much larger', () => {
    expect(shareThatWaits((waited) => (waited ? 12 : 4))).toBeGreaterThan(0.9)
  })

  it('hardly ever waits when callers are all there already', () => {
    expect(shareThatWaits(() => 8)).toBeLessThan(0.05)
  })

  it('does not wait when many are there already', () => {
    const gathering = new Gathering()
    for (let commit = 0; commit < 100; commit++) {
      expect(gathering.shouldWait(24)).toBe(false)
      gathering.learn(24, false)
    }
  })

  it('stops waiting when the load has gone', () => {
    const gathering = new Gathering()
    run(gathering, 500, (waited) => (waited ? 12 : 4))
    run(gathering, 200, () => 1)
    expect(run(gathering, 500, () => 1)).toBe(0)
  })
})

/** The share of commits that waited, once it has learned; `sizeOf` tells how many entries a commit would hold. */
function shareThatWaits(sizeOf: (waited: boolean) => number): number {
  const gathering = new Gathering()
  run(gathering, 200, sizeOf)
  return run(gathering, 1000, sizeOf)
}

function run(gathering: Gathering, commits: number, sizeOf: (waited: boolean) => number): number {
  let waited = 0
  for (let commit = 0; commit < commits; commit++) {
    const hasWaited = gathering.shouldWait(1)
    if (hasWaited) waited++
    gathering.learn(sizeOf(hasWaited), hasWaited)
  }
  return waited / commits
}

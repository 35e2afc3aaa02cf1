import { describe, expect, it } from 'vitest'
import { official, tollgate } from '../../bench/engines.ts'
import { makeWorkload } from '../../bench/workload.ts'

describe('the workload of the benchmark', () => {
  it('has calls of every kind, and both engines agree on each', () => {
    const seen = { allow: 0, deny: 0, forbidden: 0 }
    const { policies, calls } = makeWorkload(300, 150)
    expect(policies).toHaveLength(300)
    const [ask, askOfficial] = [tollgate.prepare(policies), official.prepare(policies)]
    for (const call of calls) {
      const answer = tollgate.read(ask(call))
      expect(answer).toEqual(official.read(askOfficial(call)))
      expect(Object.keys(call.input)).toHaveLength(10)
      seen[answer.decision === 'allow' ? 'allow' : 'deny']++
      if (answer.decision === 'deny' && answer.determining.length > 0) seen.forbidden++
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10)
  })
})

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openProofLog } from '../store/proofs.ts'
import { type ProofLog, UsedProofs } from './used-proofs.ts'

const START = 1_800_000_000
let folder: string
let nowSeconds: number
let open: ReturnType<typeof openProofLog>[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-proofs-'))
  nowSeconds = START
  open = []
})
afterEach(() => {
  for (const log of open) log.close()
  rmSync(folder, { recursive: true })
})

/** As a process that starts now. */
function create(limits: { maxOfPrincipal?: number; maxOfAll?: number } = {}) {
  const openLog = () => {
    const log = openProofLog(folder)
    open.push(log)
    return log
  }
  return new UsedProofs({ open: openLog, now: () => nowSeconds * 1000, ...limits })
}

it('each is good once, for as long as its time would let it pass', () => {
  const used = create()
  for (const iat of [START - 299, START, START + 299]) {
    expect(used.use('ada', `${iat}`, iat)).toBe('first')
    nowSeconds = iat + 300
    expect(used.use('ada', `${iat}`, iat)).toBe('used')
    nowSeconds = START
  }
})

it('also in the next process, and in the one after', () => {
  for (const result of ['first', 'used', 'used']) expect(create().use('ada', 'a', START + 200)).toBe(result)
})

it('a share that is used up is not that of somebody else, and nothing is forgotten for it', () => {
  const used = create({ maxOfPrincipal: 2 })
  const results = ['a', 'b', 'c', 'a'].map((hash) => used.use('ada', hash, START))
  expect(results).toEqual(['first', 'first', 'too-many', 'used'])
  expect(used.use('bob', 'c', START)).toBe('first')
  nowSeconds += 60
  expect(used.use('ada', 'c', START + 60)).toBe('first')
})

it('there is an end for all together', () => {
  const used = create({ maxOfAll: 2 })
  expect(['a', 'b', 'c'].map((who) => used.use(who, 'x', START))).toEqual(['first', 'first', 'too-many'])
})

it('what is past is forgotten, on disk too, and a clock that is set back does not bring it back', () => {
  const used = create()
  used.use('ada', 'a', START)
  nowSeconds += 1000
  used.use('ada', 'b', START + 1000)
  expect([...(open[0] as ProofLog).all()].map(({ hash }) => hash)).toEqual(['b'])
  nowSeconds = START
  expect(used.use('ada', 'a', START)).toBe('used')
})

it('what cannot be kept is not used', () => {
  const used = create()
  used.use('ada', 'a', START)
  open[0]?.close()
  expect(() => used.use('ada', 'b', START)).toThrow(/not open|finalized/)
  open = []
})

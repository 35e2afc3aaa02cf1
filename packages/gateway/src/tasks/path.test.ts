import { expect, it } from 'vitest'
import { Paths, type Step } from './path.ts'

const step = (atMs: number, name: string, ...labels: string[]): Step => ({ atMs, name, labels })

it('keeps the first call that brought each label, and the last calls', () => {
  const paths = new Paths()
  paths.note([{ id: 'a' }], step(1, 'mail__read', 'untrusted'))
  for (let at = 2; at <= 50; at++) paths.note([{ id: 'a' }], step(at, 'files__read', 'untrusted', 'private'))
  const last = Array.from({ length: 20 }, (_, index) => index + 31)
  expect(paths.of('a').map(({ atMs }) => atMs)).toEqual([1, 2, ...last])
})

it('tells of each call once, oldest first', () => {
  const paths = new Paths()
  paths.note([{ id: 'a' }], step(1, 'files__list'))
  paths.note([{ id: 'a' }], step(2, 'mail__read', 'untrusted', 'private'))
  expect(paths.of('a').map(({ name }) => name)).toEqual(['files__list', 'mail__read'])
})

it('a call of a part is on the path of the whole, not the other way round', () => {
  const paths = new Paths()
  paths.note([{ id: 'part' }, { id: 'whole' }], step(1, 'mail__read', 'untrusted'))
  paths.note([{ id: 'whole' }], step(2, 'mail__send'))
  expect(paths.of('part')).toHaveLength(1)
  expect(paths.of('whole').map(({ name }) => name)).toEqual(['mail__read', 'mail__send'])
})

it('forgets the tasks that were used least recently', () => {
  const paths = new Paths()
  for (let id = 0; id < 10_000; id++) paths.note([{ id: String(id) }], step(id, 'a__b'))
  paths.note([{ id: '0' }], step(10_000, 'a__b'))
  paths.note([{ id: 'new' }], step(10_001, 'a__b'))
  expect(paths.of('1')).toEqual([])
  expect(paths.of('0')).toHaveLength(2)
})

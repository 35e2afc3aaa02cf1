import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { TaskGrant } from '../model/task.ts'
import { type NewTask, openTaskStore, type TaskStore } from './tasks.ts'

const GRANT: TaskGrant = {
  type: 'tollgate_task',
  purpose: 'Fix the failing date test',
  servers: ['files'],
  tools: { git__push: { remote: { const: 'origin' } } },
  other_arguments: 'allow',
  budget: { calls: 3 },
  expires_in: 3600,
  flow: 'strict',
}
const NOW = 1_800_000_000_000
const TASK: NewTask = { principal: { type: 'User', id: 'ada' }, agent: 'helper', grant: GRANT, nowMs: NOW }

let folder: string
let store: TaskStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tasks-'))
  store = open()
})
afterEach(() => {
  store.close()
  rmSync(folder, { recursive: true })
})

function open(): TaskStore {
  const opened = openTaskStore(folder)
  if (!opened.ok) throw new Error(opened.error)
  return opened.value
}

function start(task: Partial<NewTask> = {}) {
  const started = store.start({ ...TASK, ...task })
  if (!started.ok) throw new Error(started.error)
  return started.value
}

test('what was started is found by the next process, whole', () => {
  const started = start({ prompt: 'the tests fail since Monday', issuedBy: { type: 'User', id: 'bob' } })
  expect(started.id).toMatch(/^t-[a-z2-7]{16}$/)
  store.close()
  store = open()
  expect(store.find(started.id)).toEqual(started)
  expect(started).toMatchObject({ grant: GRANT, startedAtMs: NOW, expiresAtMs: NOW + 3_600_000 })
})

test('a part ends with the whole at the latest', () => {
  const whole = start()
  const grant = { ...GRANT, expires_in: 86_400 }
  expect(start({ parent: whole.id, grant, nowMs: NOW + 1000 }).expiresAtMs).toBe(whole.expiresAtMs)
})

test.each<[string, (id: string) => void, number]>([
  ['was ended', (id) => store.end(id, 'done', NOW + 1), NOW + 2],
  ['has expired', () => undefined, NOW + 3_600_000],
])('nothing can be a part of a task that %s', (_, finish, nowMs) => {
  const whole = start()
  finish(whole.id)
  expect(store.start({ ...TASK, parent: whole.id, nowMs }).ok).toBe(false)
})

test('it ends once: the first reason stays', () => {
  const { id } = start()
  store.end(id, 'done', NOW + 1)
  store.end(id, 'again', NOW + 2)
  expect(store.find(id)?.ended).toEqual({ atMs: NOW + 1, why: 'done' })
})

test('a change by another process is noticed, and one of its own', () => {
  const other = open()
  store.changed()
  expect(store.changed()).toBe(false)
  const { id } = start()
  expect(store.changed()).toBe(true)
  other.end(id, 'done', NOW)
  expect(store.changed()).toBe(true)
  other.close()
})

test('values are endorsed for a task, each once', () => {
  const { id } = start()
  const by = { type: 'User', id: 'bob' }
  store.endorse(id, 'eve@example.com', by, NOW)
  store.endorse(id, 'eve@example.com', by, NOW)
  expect(store.endorsedIn(id)).toEqual(['eve@example.com'])
})

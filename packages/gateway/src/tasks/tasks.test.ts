import { expect, test } from 'vitest'
import { createCaller } from '../model/caller.ts'
import type { JsonObject } from '../model/message.ts'
import type { TaskGrant, TaskRecord } from '../model/task.ts'
import { parseGrant } from './grant.ts'
import type { Task } from './task.ts'
import { Tasks } from './tasks.ts'

function record(id: string, more: Partial<TaskRecord> = {}): TaskRecord {
  const principal = { type: 'User', id: 'ada' }
  return { id, principal, grant: grantOf({}), startedAtMs: 0, expiresAtMs: 1000, ...more }
}

function grantOf(written: JsonObject): TaskGrant {
  const grant = parseGrant({ purpose: 'p', servers: ['files'], ...written })
  if (!grant.ok) throw new Error(grant.error.join())
  return grant.value
}

/** A store that somebody else can change, and that can break. */
class Store {
  readonly records = new Map<string, TaskRecord>()
  fault: string | undefined
  #isChanged = false

  put(...records: readonly TaskRecord[]): void {
    for (const each of records) this.records.set(each.id, each)
    this.#isChanged = true
  }

  find(id: string): TaskRecord | undefined {
    if (this.fault !== undefined) throw new Error(this.fault)
    return this.records.get(id)
  }

  endorsedIn(): readonly string[] {
    return []
  }

  changed(): boolean {
    const isChanged = this.#isChanged
    this.#isChanged = false
    return isChanged
  }
}

function start(...records: readonly TaskRecord[]) {
  const store = new Store()
  store.put(...records)
  /** Where paths lead; others are not there. */
  const places = new Map<string, string>([['/', '/']])
  const sight = { placeOf: (path: string) => places.get(path) }
  const tasks = new Tasks({ lookup: store, sight, valueKey: new Uint8Array(32), now: () => 1 })
  const bind = (task: string) =>
    tasks.bind(createCaller({ type: 'User', id: 'ada' }, {}, { method: 'api-key', task }))
  const taskOf = (id: string): Task => {
    const bound = bind(id)
    if (!bound.ok || bound.value === undefined) throw new Error(`${id} cannot be bound`)
    return bound.value
  }
  return { store, tasks, places, bind, taskOf }
}

test('a change that could not be read at first is read once it can be', () => {
  const { store, tasks, bind } = start(record('t-1'))
  expect(bind('t-1').ok).toBe(true)
  store.put(record('t-1', { ended: { atMs: 1, why: 'no more' } }))
  store.fault = 'disk I/O error'
  tasks.check()
  expect(bind('t-1')).toMatchObject({ ok: false, error: { reason: 'unavailable' } })
  store.fault = undefined
  tasks.check()
  expect(bind('t-1')).toMatchObject({ ok: false, error: { reason: 'unauthenticated' } })
})

test('the tasks of a chain share what they know, however many others there are', () => {
  const parts = ['p-1', 'p-2'].map((id) => record(id, { parent: 't-1' }))
  const others = Array.from({ length: 600 }, (_, index) => record(`o-${index}`))
  const { taskOf } = start(record('t-1'), ...parts, ...others)
  const { values } = taskOf('t-1')
  values.meet(false)
  values.remember({ structuredContent: { to: 'bo@example.com' } })
  expect(taskOf('p-1').values.has('bo@example.com')).toBe(true)
  for (const { id } of others) taskOf(id)
  expect(taskOf('p-2').values).toBe(taskOf('t-1').values)
  // It is asked about again, and may be learnt again.
  expect(values.has('bo@example.com')).toBe(false)
  values.remember({ structuredContent: { to: 'bo@example.com' } })
  expect(values.has('bo@example.com')).toBe(false)
  values.meet(false)
  values.remember({ structuredContent: { to: 'bo@example.com' } })
  expect(values.has('bo@example.com')).toBe(true)
})

test('a chain that had read what is untrusted learns nothing any more once it was forgotten', () => {
  const others = Array.from({ length: 600 }, (_, index) => record(`o-${index}`))
  const { taskOf } = start(record('t-1'), ...others)
  const { values } = taskOf('t-1')
  values.meet(false)
  for (const { id } of others) taskOf(id)
  taskOf('t-1').values.meet(true)
  expect(values.isListening).toBe(false)
})

test('what a chain in use has learnt is kept', () => {
  const others = Array.from({ length: 600 }, (_, index) => record(`o-${index}`))
  const { taskOf } = start(record('t-1'), ...others)
  const { values } = taskOf('t-1')
  values.meet(false)
  values.remember({ structuredContent: { to: 'bo@example.com' } })
  for (const { id } of others) {
    taskOf(id)
    taskOf('t-1')
  }
  expect(values.has('bo@example.com')).toBe(true)
})

test('a folder of a grant is where it led when its task was met, whatever is met, widened or called later', () => {
  const within = { within: ['/w/src'] }
  const read = { tools: { files__read: { path: within }, files__write: { path: { anyOf: [within] } } } }
  const whole = record('t-1', { grant: grantOf(read) })
  const part = record('p-1', { parent: 't-1', grant: grantOf(read) })
  const { store, tasks, places, taskOf } = start(whole, part)
  places.set('/w', '/w').set('/w/src', '/w/src')
  const fault = (id: string, tool: string) => {
    const input = { path: '/w/src/passwd' }
    const use = { kind: 'tool', server: 'files', name: `files__${tool}`, facts: {}, input } as const
    return taskOf(id).outside(use)?.message
  }
  expect(fault('t-1', 'read')).toBeUndefined()
  places.set('/w/src', '/etc').set('/w/src/passwd', '/etc/passwd')
  const elsewhere = /does not lead where it led/
  expect(fault('t-1', 'read')).toMatch(elsewhere)
  expect(fault('t-1', 'write')).toMatch(elsewhere) // called for the first time
  expect(fault('p-1', 'read')).toMatch(elsewhere) // met for the first time
  store.put({ ...whole, grant: grantOf({ ...read, servers: ['files', 'git'] }) })
  tasks.check()
  expect(fault('t-1', 'read')).toMatch(elsewhere) // widened
})

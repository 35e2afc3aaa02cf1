import { expect, test } from 'vitest'
import { createCaller } from '../model/caller.ts'
import { parseGrant } from '../tasks/grant.ts'
import { Task } from '../tasks/task.ts'
import { KnownValues } from '../tasks/values.ts'
import { standingOf } from './asked.ts'
import type { Gateway } from './gateway.ts'

test('a task is not taken for clean before the gateway has read what it did', () => {
  const grant = parseGrant({ purpose: 'p', servers: ['files'] })
  if (!grant.ok) throw new Error(grant.error.join())
  const principal = { type: 'User', id: 'ada' }
  const record = { id: 't-1', principal, grant: grant.value, startedAtMs: 0, expiresAtMs: 1000 }
  const values = new KnownValues(new Uint8Array(32))
  const task = new Task(
    { chain: [record], endorsed: [], values },
    { sightOf: () => ({ placeOf: () => undefined }) },
  )
  const caller = createCaller(principal, {}, { method: 'api-key', task: 't-1' })
  const standing = (fault: string | undefined, labels: readonly string[]) => {
    const ledger = { fault, labelsOf: () => new Set(labels), callsOf: () => 0, historyOf: () => undefined }
    return standingOf(caller, task, { ledger, now: () => 1 } as unknown as Gateway)
  }
  standing('what was counted before has not been read yet', [])
  expect([...(standing(undefined, ['untrusted']).task?.labels ?? [])]).toEqual(['untrusted'])
  expect(values.isListening).toBe(false)
})

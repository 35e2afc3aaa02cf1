import { beforeEach, describe, expect, test } from 'vitest'
import { createCaller } from '../model/caller.ts'
import { Handles } from './handles.ts'
import { Sessions } from './sessions.ts'

const key = { method: 'api-key', credential: 'k' } as const
const alice = createCaller({ type: 'User', id: 'alice' }, {}, key)
const aliceAgain = createCaller(
  { type: 'User', id: 'alice' },
  {},
  {
    method: 'api-key',
    credential: 'other',
  },
)
const aliceByAgent = createCaller({ type: 'User', id: 'alice' }, { agent: { type: 'Agent', id: 'bot' } }, key)
const bob = createCaller({ type: 'User', id: 'bob' }, {}, key)

let nowMs = 0
let closed: string[]
let sessions: Sessions

beforeEach(() => {
  nowMs = 1000
  closed = []
  let ids = 0
  sessions = new Sessions({
    maxSessionsPerCaller: 2,
    idleSeconds: 10,
    now: () => nowMs,
    randomId: () => `s${ids++}`,
  })
})

const open = (name: string, caller = alice, server = 'files') => {
  return sessions.open(server, caller, { close: () => closed.push(name) })
}

describe('a session', () => {
  test('is found by its caller on its server', () => {
    const session = open('a')
    expect(sessions.find(session.id, 'files', alice)).toEqual({ ok: true, value: session })
    expect(sessions.find(session.id, 'files', aliceAgain)).toEqual({ ok: true, value: session })
  })

  test.each([
    ['another principal', 'files', bob],
    ['another agent of the same principal', 'files', aliceByAgent],
    ['another server', 'db', alice],
  ])('does not exist for %s', (_name, server, caller) => {
    const { id } = open('a')
    const foreign = sessions.find(id, server, caller)
    const missing = sessions.find('nothing', server, caller)
    if (foreign.ok || missing.ok) throw new Error('expected a refusal')
    expect({ ...foreign.error, detail: '' }).toEqual({ ...missing.error, detail: '' })
  })

  test('ends once, with everything that is open under it', () => {
    const session = open('a')
    sessions.end(session)
    sessions.end(session)
    expect(closed).toEqual(['a'])
    expect(session.ended.signal.aborted).toBe(true)
    expect(sessions.find(session.id, 'files', alice).ok).toBe(false)
  })

  test('ends when it is idle', () => {
    open('a')
    const used = open('b')
    nowMs += 9000
    sessions.find(used.id, 'files', alice)
    nowMs += 2000
    sessions.endIdle()
    expect(closed).toEqual(['a'])
  })

  test('makes room for a new one of the same caller only', () => {
    open('bob', bob)
    open('a')
    nowMs += 1
    open('b')
    open('c')
    expect(closed).toEqual(['a'])
    expect(sessions.size).toBe(3)
  })
})

describe('a task handle', () => {
  test('belongs to the first caller it was given to', () => {
    const handles = new Handles()
    handles.bind('t', { caller: alice, server: 'files', tool: 'slow' })
    handles.bind('t', { caller: bob, server: 'files', tool: 'slow' })
    expect(handles.find('t', 'files', alice)).toMatchObject({ ok: true, value: { tool: 'slow' } })
    expect(handles.find('t', 'files', bob).ok).toBe(false)
    expect(handles.find('t', 'db', alice).ok).toBe(false)
    expect(handles.find(7, 'files', alice).ok).toBe(false)
  })
})

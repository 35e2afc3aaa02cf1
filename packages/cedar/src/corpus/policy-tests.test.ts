import { describe, expect, it } from 'vitest'
import { compile } from '../compile/compile.ts'
import { decide } from '../decide/decide.ts'
import { parsePolicies } from '../text/parse.ts'
import { isRecord } from '../values/values.ts'
import { policyTestFault, policyTestsFromJson } from './policy-tests.ts'

const asked = {
  request: {
    principal: 'User::"alice"',
    action: 'Action::"view"',
    resource: 'Photo::"a\\"b"',
    context: {
      input: { who: { __entity: { type: 'User', id: 'x' } }, n: 1.5 },
      at: { fn: 'ip', arg: '::1' },
    },
  },
  entities: [{ uid: { type: 'User', id: 'alice' }, attrs: { age: 7 }, parents: [] }],
  decision: 'allow',
  reason: ['p'],
  num_errors: 0,
}

function read(tests: unknown) {
  return policyTestsFromJson(JSON.stringify(tests, null, 1), { file: 't.json', plain: ['input'] })
}

describe('a file of policy tests', () => {
  it('is read', () => {
    const tests = read([asked, { ...asked, name: 'second', entities: 'e.json' }])
    if (!tests.ok) throw new Error(JSON.stringify(tests.errors))
    const [first, second] = tests.value
    expect(first).toMatchObject({ name: 'test 1', position: { file: 't.json', line: 2, column: 2 } })
    expect(first?.resource.id).toBe('a"b')
    expect(first?.entities).toBeInstanceOf(Map)
    expect(second).toMatchObject({ name: 'second', entities: 'e.json' })
  })

  it('keeps plain members of the context plain, and reads escapes elsewhere', () => {
    const context = {
      input: { who: { __entity: { type: 'User', id: 'x' } } },
      who: { __entity: { type: 'User', id: 'x' } },
    }
    const tests = read([{ ...asked, request: { ...asked.request, context } }])
    const read0 = tests.ok ? tests.value[0]?.context : undefined
    expect(isRecord(read0?.['who'])).toBe(false)
    expect(read0?.['input']).toEqual(context.input)
  })

  it.each([
    ['{}', 'a file of tests must be an array', 1],
    ['[\n{}]', 'a test needs "request"', 2],
    [JSON.stringify([{ ...asked, decision: 'Allow' }]), '"decision" must be "allow" or "deny"', 1],
    [JSON.stringify([{ ...asked, num_errors: -1 }]), '"num_errors" must be a number of errors', 1],
    [
      JSON.stringify([{ ...asked, request: { ...asked.request, context: {} }, entities: [{}] }]),
      'an entity needs "uid"',
      1,
    ],
    [
      JSON.stringify([{ ...asked, request: { ...asked.request, principal: 'alice' } }]),
      '"principal": expected',
      1,
    ],
    [JSON.stringify([{ ...asked, extra: 1 }]), 'a test has no member "extra"', 1],
  ])('%s is refused', (json, message, line) => {
    const tests = policyTestsFromJson(json)
    expect(tests.ok ? [] : tests.errors).toMatchObject([
      { file: 'tests.json', line, message: expect.stringContaining(message) },
    ])
  })

  it('reports every test that has an error', () => {
    const tests = read([{}, asked, { ...asked, decision: 'x' }])
    expect(tests.ok ? 0 : tests.errors.length).toBe(2)
  })
})

describe('the verdict of a test', () => {
  const policies = `@id("p") permit (principal == User::"alice", action, resource);
    @id("q") permit (principal, action, resource) when { principal.age > 5 };
    @id("f") forbid (principal, action, resource == Photo::"no");`

  it.each([
    [{}, undefined],
    [{ reason: [] }, undefined],
    [{ reason: ['p', 'q'] }, undefined],
    [{ reason: ['x'] }, 'expected "x" behind the allow, found "p", "q"'],
    [{ decision: 'deny' }, 'expected deny, got allow by "p", "q"'],
    [{ num_errors: 1 }, 'expected 1 policies that cannot be evaluated, found none'],
    [{ entities: [], num_errors: 1 }, undefined],
    [
      { entities: [] },
      'expected 0 policies that cannot be evaluated, found "q" (the entity User::"alice" does not exist',
    ],
  ])('%j', (over, fault) => {
    const tests = read([{ ...asked, ...over }])
    const parsed = parsePolicies(policies)
    const compiled = parsed.ok ? compile(parsed.value) : parsed
    const [test] = tests.ok ? tests.value : []
    if (!compiled.ok || test === undefined || typeof test.entities === 'string') throw new Error('not read')
    const found = policyTestFault(test, decide(compiled.value, test, test.entities))
    if (fault === undefined) expect(found).toBeUndefined()
    else expect(found).toContain(fault)
  })
})

import { describe, expect, it } from 'vitest'
import { compile } from '../compile/compile.ts'
import { couldApply } from './could-apply.ts'
import { decide } from './decide.ts'
import { entity, reference } from '../values/entity.ts'
import { parsePolicies } from '../text/parse.ts'
import { link } from '../policy/template.ts'
import { ALICE, FILE, READ, policySet, request, verdict } from '../testing/verdict.ts'

const ANY = '(principal, action, resource)'

describe('a decision', () => {
  it('is to deny when nothing permits', () => {
    expect(decide(policySet(''), request())).toEqual({ decision: 'deny', determining: [], errors: [] })
  })

  it('names every permit that holds, in source order', () => {
    const set =
      policySet(`permit ${ANY} when { false }; permit (principal, action, resource == File::"notes");
      permit (principal in Org::"corp", action in Action::"any", resource); permit ${ANY};`)
    expect(decide(set, request())).toEqual({
      decision: 'allow',
      determining: ['policy1', 'policy2', 'policy3'],
      errors: [],
    })
  })

  it('is to deny when a forbid holds, naming the forbids only', () => {
    const set = policySet(
      `permit ${ANY}; forbid ${ANY}; forbid (principal is User, action, resource) unless { false };`,
    )
    expect(decide(set, request())).toMatchObject({ decision: 'deny', determining: ['policy1', 'policy2'] })
  })

  it('skips a policy that errors, also a forbid, and reports it', () => {
    const set = policySet(
      `forbid ${ANY} when { context.a }; permit ${ANY}; permit ${ANY} when { 1 + "a" == 2 };`,
    )
    const { decision, determining, errors } = decide(set, request())
    expect({ decision, determining }).toEqual({ decision: 'allow', determining: ['policy1'] })
    expect(errors).toEqual([
      { policy: 'policy0', message: 'there is no attribute "a"' },
      { policy: 'policy2', message: 'type error: expected a Long, found a string' },
    ])
  })

  it('joins conditions from left to right', () => {
    const set = policySet(`permit ${ANY} when { true } unless { false } when { true };
      permit ${ANY} unless { true } when { context.missing }; permit ${ANY} when { context.missing } unless { true };`)
    const { determining, errors } = decide(set, request())
    expect(determining).toEqual(['policy0'])
    expect(errors.map(({ policy }) => policy)).toEqual(['policy2'])
  })

  it('looks up a principal given as a reference', () => {
    const set = policySet(
      'permit (principal in Group::"staff", action, resource) when { principal.age == 42 };',
    )
    const store = new Map([[ALICE.uid, ALICE]])
    const asked = { ...request(), principal: reference('User', 'alice') }
    expect(decide(set, asked, store).decision).toBe('allow')
    expect(decide(set, asked)).toEqual({ decision: 'deny', determining: [], errors: [] })
  })

  it('is made afresh for new objects of the same name', () => {
    const set = policySet('permit (principal in Group::"staff", action, resource);')
    const stranger = entity('User', 'alice')
    expect(decide(set, request()).decision).toBe('allow')
    expect(decide(set, { ...request(), principal: stranger }).decision).toBe('deny')
    expect(decide(set, request()).decision).toBe('allow')
  })

  it('sees arrays anew in each decision', () => {
    const set = policySet(`permit ${ANY} when { context.tags.contains("a") };`)
    const tags: string[] = []
    expect(decide(set, request({ tags })).decision).toBe('deny')
    tags.push('a')
    expect(decide(set, request({ tags })).decision).toBe('allow')
  })
})

describe('compiling', () => {
  it('refuses two policies of one id, naming both places', () => {
    const parsed = parsePolicies(`@id("x") permit ${ANY};\n@id("x") forbid ${ANY};`, { file: 'a.cedar' })
    const compiled = compile(parsed.ok ? parsed.value : [])
    expect(compiled).toMatchObject({ ok: false, errors: [{ file: 'a.cedar', line: 2, column: 1 }] })
    expect(!compiled.ok && compiled.errors[0]?.message).toContain('a.cedar:1:1')
  })

  it('does not let a policy write code', () => {
    const names = [
      '"];throw 1;["',
      '`${1}`',
      "');process.exit();('",
      '\\u2028',
      '*/',
      '\\"',
      '${x}',
      "$'",
      '$&',
    ]
    for (const name of names) {
      const literal = JSON.stringify(name.replaceAll('\\', '\\\\')).replaceAll('\\\\\\\\', '\\\\')
      const set = policySet(
        `permit ${ANY} when { context[${literal}] == ${literal} && context has ${literal} };`,
      )
      const [policy] = set.policies
      const [first] = policy?.conditions ?? []
      const key = first?.expression.kind === 'and' ? first.expression.operands[1] : undefined
      const attribute = key?.kind === 'has' ? (key.path[0] ?? '') : ''
      expect(decide(set, request({ [attribute]: attribute })).decision).toBe('allow')
      expect(decide(set, request({})).errors).toHaveLength(1)
    }
  })
})

describe('large conditions', () => {
  const nest = (open: string, close: string, times: number): string =>
    `${open.repeat(times)}true${close.repeat(times)}`
  it.each([
    ['a chain of ||', `false${' || context.no'.repeat(20_000)} || true`],
    ['a chain of &&', `true${' && context.yes'.repeat(20_000)}`],
    ['a large set', `[${Array.from({ length: 20_000 }, (_, n) => `${n}`).join()}].contains(19999)`],
    ['a large set that is not constant', `[${'context.yes, '.repeat(20_000)}].contains(true)`],
    ['conditionals in conditions', nest('(if ', ' then true else context.missing)', 90)],
    ['records in records', `${'{a: '.repeat(95)}context.yes${'}'.repeat(95)}${'.a'.repeat(95)}`],
    ['sets in sets', `${'['.repeat(190)}context.yes${']'.repeat(190)} != []`],
    ['paths', `{a: context} has ${'a.'.repeat(199)}a || true`],
    ['is within is', `context.yes${' && (principal is User in Group::"staff"'.repeat(90)}${')'.repeat(90)}`],
  ])('%s can be decided', (_, expression) => {
    expect(verdict(expression, { yes: true, no: false, a: {} })).toBe('true')
  })
})

describe('templates', () => {
  const parsed = parsePolicies(
    '@remedy("x") permit (principal in ?principal, action, resource is File in ?resource) when { principal.age > 40 };',
  )
  const [template] = parsed.ok ? parsed.value : []
  if (template === undefined) throw new Error('no template')

  it('cannot be compiled as they are', () => {
    expect(template.slots).toEqual(['principal', 'resource'])
    expect(compile([template])).toMatchObject({
      ok: false,
      errors: [{ message: expect.stringContaining('template') }],
    })
  })

  it('are policies once linked', () => {
    const linked = link(template, 'staff', {
      principal: reference('Group', 'staff'),
      resource: reference('Folder', 'home'),
    })
    const compiled = compile(linked.ok ? [linked.value] : [])
    if (!compiled.ok) throw new Error('not compiled')
    expect(decide(compiled.value, request()).determining).toEqual(['staff'])
    expect(compiled.value.get('staff')?.annotations.get('remedy')).toBe('x')
    const elsewhere = { ...request(), resource: entity('File', 'notes') }
    expect(decide(compiled.value, elsewhere).decision).toBe('deny')
  })

  it('need a value for each slot and no others', () => {
    expect(link(template, 'x', { principal: ALICE }).ok).toBe(false)
    const { value: [plain] = [] } = parsePolicies(`permit ${ANY};`) as { value?: [typeof template] }
    expect(plain && link(plain, 'x', { principal: ALICE }).ok).toBe(false)
    expect(plain && link(plain, 'x', {}).ok).toBe(true)
  })
})

describe('permits that could apply', () => {
  const set = policySet(`
    @id("all") permit ${ANY};
    @id("forbid") forbid ${ANY};
    @id("staff") permit (principal in Group::"staff", action, resource);
    @id("others") permit (principal in Group::"others", action, resource);
    @id("home") permit (principal, action, resource in Folder::"home");
    @id("away") permit (principal, action, resource in Folder::"away");
    @id("file") permit (principal, action == Action::"read", resource == File::"notes");
    @id("type") permit (principal, action, resource is File in Disk::"d") when { false };
    @id("write") permit (principal, action == Action::"write", resource);`)
  const ids = (query: Parameters<typeof couldApply>[1]): string[] =>
    couldApply(set, query).map(({ id }) => id)

  it('are those whose known parts match', () => {
    expect(ids({ principal: ALICE })).toEqual(['all', 'staff', 'home', 'away', 'file', 'type', 'write'])
    expect(ids({ principal: ALICE, action: READ, resource: FILE })).toEqual(['all', 'staff', 'home', 'file'])
    expect(ids({ principal: entity('User', 'eve'), resource: FILE })).toEqual([
      'all',
      'home',
      'file',
      'write',
    ])
  })

  it('take a resource known only by where it is', () => {
    const home = entity('Folder', 'home', { parents: [entity('Disk', 'd')] })
    expect(ids({ principal: ALICE, action: READ, resourceWithin: home })).toEqual([
      'all',
      'staff',
      'home',
      'type',
    ])
  })
})

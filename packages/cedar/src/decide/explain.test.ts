import { describe, expect, it, test } from 'vitest'
import { compile } from '../compile/compile.ts'
import type { PolicySet } from '../compile/compile.ts'
import { matchesConstraint } from '../compile/scope.ts'
import { link } from '../policy/template.ts'
import { loadOfficial } from '../testing/official.ts'
import { Random } from '../testing/random.ts'
import { randomContextPolicy, randomPolicy } from '../testing/random-policy.ts'
import { randomWorld } from '../testing/random-world.ts'
import type { World } from '../testing/random-world.ts'
import { ALICE, FILE, READ, policySet, request } from '../testing/verdict.ts'
import { parsePolicies } from '../text/parse.ts'
import { entity } from '../values/entity.ts'
import { parseIp } from '../values/ip.ts'
import { plain } from '../values/values.ts'
import type { RecordValue, Value } from '../values/values.ts'
import { decide } from './decide.ts'
import { Evaluation } from './evaluation.ts'
import { explain } from './explain.ts'
import type { Miss } from './explain.ts'
import { Interpreter } from './interpret.ts'
import { HOLDS } from './outcomes.ts'
import { firstMissed, partsOf } from './parts.ts'

const ANY = '(principal, action, resource)'
const CASES = Number(process.env['CEDAR_CASES'] ?? 150)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)

function nearest(text: string, context: RecordValue = {}): readonly Miss[] {
  return explain(policySet(text), request(context)).nearest
}

/** Of the one permit that there is. */
function missed(condition: string, context: RecordValue = {}): readonly [string | undefined, ...string[]] {
  const [miss] = nearest(`permit ${ANY} ${condition};`, context)
  return [miss?.text, ...(miss?.values ?? []).map(({ text, value }) => `${text} = ${value}`)]
}

describe('a refusal that nothing permits', () => {
  it('is explained by the first condition that was false, its place and its values', () => {
    const text = `@id("staff")\npermit (principal in Group::"staff", action, resource)\nwhen { principal.age >= 18 &&\n  context.limit <= 1000 && context.missing };`
    expect(explain(policySet(text), request({ limit: 5000 }))).toEqual({
      decision: 'deny',
      determining: [],
      failed: [],
      nearest: [
        {
          policy: 'staff',
          position: { file: 'policy.cedar', line: 1, column: 1 },
          missed: 'condition',
          text: 'context.limit <= 1000',
          at: { file: 'policy.cedar', line: 4, column: 3 },
          values: [{ text: 'context.limit', value: '5000' }],
          paths: [['limit']],
        },
      ],
    })
  })

  test.each<[string, readonly (string | undefined)[]]>([
    ['when { context has task }', ['context has task', 'context = { n: …, input: …, day: … }']],
    ['when { context.input has limit }', ['context.input has limit', 'context.input = { path: … }']],
    ['when { principal in Group::"x" }', ['principal in Group::"x"', 'principal = User::"alice"']],
    ['unless { context.n == 5 }', ['context.n != 5', 'context.n = 5']],
    ['unless { context.n < 4 || context.n > 4 }', ['context.n <= 4', 'context.n = 5']],
    ['when { !(context.n == 5) }', ['context.n != 5', 'context.n = 5']],
    [
      'when { !(context.n < 4 && context.n < 5) && !context.a }',
      ['!context.a', 'context = { n: …, input: …, day: … }'],
    ],
    [
      'when { context.n == 1 || context.n == context.day }',
      ['context.n == 1 || context.n == context.day', 'context.n = 5', 'context.day = 1'],
    ],
    [
      'when { context.n == 1 || (context.n == 2 && context.day == 1) }',
      ['context.n == 1 || context.n == 2 && context.day == 1', 'context.n = 5'],
    ],
    ['when { if context.n == 5 then context.day == 2 else false }', ['context.day == 2', 'context.day = 1']],
    ['when { if context.n == 5 then false else true }', ['context.n != 5', 'context.n = 5']],
    ['when { if context.n == 4 then true else false }', ['context.n == 4', 'context.n = 5']],
    [
      'unless { if context.n == 5 then context.day == 1 || context.a else false }',
      ['context.day != 1', 'context.day = 1'],
    ],
    [
      'when { principal.getTag("department") == "it" }',
      ['principal.getTag("department") == "it"', 'principal.getTag("department") = "sales"'],
    ],
    [
      'when { principal is Group in context.a }',
      ['principal is Group in context.a', 'principal = User::"alice"'],
    ],
    [
      'when { User::"x" == principal.manager }',
      ['User::"x" == principal.manager', 'principal.manager = User::"bob"'],
    ],
  ])('%s, by %j', (condition, expected) => {
    expect(missed(condition, { n: 5, input: { path: '/x' }, day: 1 })).toEqual(expected)
  })

  it('is explained by an error, with what the missing was looked for in', () => {
    const text = `permit ${ANY} when { context.input.limitt < 3 };`
    const found = explain(policySet(text), request({ input: { limit: 1 } }))
    expect(found.nearest).toMatchObject([
      {
        text: 'context.input.limitt < 3',
        error: 'there is no attribute "limitt"',
        values: [{ text: 'context.input', value: '{ limit: … }' }],
      },
    ])
    expect(found.failed).toEqual(found.nearest)
  })

  test.each<[string, readonly string[]]>([
    ['context.input.limit < 3', ['input.limit']],
    ['context.input has force.now', ['input']],
    ['!(context.input has limit)', ['input.limit']],
    ['!(context.input has options.deep)', ['input.options.deep']],
    ['context.input has options.no', ['input.options']],
    ['context.input.options.deep.no == 1', ['input.options.deep']],
    ['context.input.no has more', ['input']],
    ['context.input.options == {}', ['input.options']],
    ['context.input.nothing == 1', ['input.nothing']],
    ['context.input["two words"] == context.n', ['input.two words', 'n']],
    ['context.n == 1 && context.input.limit == 1', ['n']],
    ['context.n == 1 || context.input.limit == 1 || context.n == 2', ['n', 'input.limit']],
    ['principal.age == 1', []],
    ['context == {}', []],
  ])('names what is there of the context that was read: %s', (condition, paths) => {
    const context = { n: 5, input: { limit: 9, options: { deep: { a: 1 } }, nothing: null, 'two words': 1 } }
    const [miss] = nearest(`permit ${ANY} when { ${condition} };`, context)
    expect(miss?.paths.map((path) => path.join('.'))).toEqual(paths)
  })

  it('shows no values where only a name was looked for', () => {
    const context = { input: { token: 'secret', path: '/x' } }
    const names = ['context.input has limit', 'context.input.limit > 3', '!(context.input has path)']
    for (const condition of names) {
      const [miss] = nearest(`permit ${ANY} when { ${condition} };`, context)
      expect(miss?.values).toEqual([{ text: 'context.input', value: '{ token: …, path: … }' }])
    }
  })

  it('is explained by the part of a scope that did not match, but not by two', () => {
    const text = `permit (principal in Group::"admins", action, resource is File);
      permit (principal, action in [Action::"write", Action::"list"], resource);
      permit (principal, action, resource == File::"other") when { false };
      permit (principal is Group, action == Action::"write", resource);`
    expect(nearest(text).map(({ policy, missed: part, text: demand }) => [policy, part, demand])).toEqual([
      ['policy0', 'principal', 'principal in Group::"admins"'],
      ['policy1', 'action', 'action in [Action::"write", Action::"list"]'],
      ['policy2', 'resource', 'resource == File::"other"'],
    ])
    expect(nearest(text)[0]?.values).toEqual([{ text: 'principal', value: 'User::"alice"' }])
  })

  it('is explained by what misses least, then by what has the fewest conditions left, then in source order', () => {
    const text = `permit (principal is Group, action, resource);
      permit (principal is Group, action, resource) when { false };
      permit ${ANY} when { false && true && true };
      permit ${ANY} when { true && true && false };
      permit ${ANY} when { false && true && true };`
    const found = explain(policySet(text), request(), undefined, { most: 10 }).nearest
    expect(found.map(({ policy }) => policy)).toEqual(['policy3', 'policy2', 'policy4', 'policy0', 'policy1'])
    expect(nearest(text)).toEqual(found.slice(0, 3))
  })

  it('names a link, and the place of its template', () => {
    const parsed = parsePolicies(`permit (principal == ?principal, action, resource)\nwhen { false };`)
    const [template] = parsed.ok ? parsed.value : []
    const linked = template && link(template, 'for-bob', { principal: entity('User', 'bob') })
    if (linked?.ok !== true) throw new Error('not linked')
    const compiled = compile([linked.value])
    if (!compiled.ok) throw new Error('not compiled')
    expect(explain(compiled.value, request()).nearest).toMatchObject([
      { policy: 'for-bob', position: { line: 1 }, missed: 'principal', text: 'principal == User::"bob"' },
    ])
  })

  it('is not explained where there is no permit that comes near', () => {
    expect(nearest('')).toEqual([])
    expect(nearest(`forbid ${ANY} when { false };`)).toEqual([])
  })
})

describe('another decision', () => {
  it('to deny is explained by the conditions of the forbids that held', () => {
    const text = `permit ${ANY};\nforbid (principal is User, action, resource)\nwhen { context.n > 1 && principal.age == 42 } unless { context.a };\nforbid ${ANY};`
    const found = explain(policySet(text), request({ n: 5, a: false }))
    expect(found).toMatchObject({ decision: 'deny', failed: [], nearest: [] })
    expect(found.determining).toMatchObject([
      {
        policy: 'policy1',
        position: { line: 2, column: 1 },
        conditions: [
          { text: 'context.n > 1', values: [{ text: 'context.n', value: '5' }] },
          {
            text: 'principal.age == 42',
            at: { line: 3, column: 25 },
            values: [{ text: 'principal.age', value: '42' }],
          },
          { text: '!context.a', values: [{ text: 'context.a', value: 'false' }] },
        ],
      },
      { policy: 'policy2', conditions: [] },
    ])
  })

  it('to allow is explained by the permits that held, beside what failed', () => {
    const text = `permit ${ANY} when { context.n == 5 || context.a }; forbid ${ANY} when { context.a };`
    expect(explain(policySet(text), request({ n: 5 }))).toMatchObject({
      decision: 'allow',
      determining: [
        {
          policy: 'policy0',
          conditions: [{ text: 'context.n == 5 || context.a', values: [{ text: 'context.n', value: '5' }] }],
        },
      ],
      failed: [{ policy: 'policy1', missed: 'condition', error: 'there is no attribute "a"' }],
      nearest: [],
    })
  })
})

describe('a value in an explanation', () => {
  const shown = (value: Value): string | undefined => {
    const [miss] = nearest(`permit ${ANY} when { context.v == "no" };`, { v: value })
    return miss?.values[0]?.value
  }

  test.each<[string, Value, string]>([
    ['a string', 'a"\n', '"a\\"\\n"'],
    ['a Long', -5n, '-5'],
    ['a decimal', 1.5, 'decimal("1.5")'],
    ['an address', parseIp('10.0.0.0/8') ?? null, 'ip("10.0.0.0/8")'],
    ['an entity', ALICE, 'User::"alice"'],
    ['an array', [1, 'a', []], '[1, "a", []]'],
    ['a record', { a: 1, 'two words': {}, b: undefined }, '{ a: 1, "two words": {} }'],
    ['null', null, '(opaque: null)'],
    ['a fraction', 0.123456, '(opaque: 0.123456)'],
    ['a large integer', 10n ** 30n, '(opaque: an integer beyond 64 bits)'],
    ['something opaque inside', [null, { a: 1e300 }], '[(opaque: null), { a: (opaque: 1e+300) }]'],
    [
      'what policies would not take for an entity',
      plain({ __entity: { type: 'User', id: 'x' } }),
      '{ __entity: { type: "User", id: "x" } }',
    ],
    ['a deep value', [[[[1]]]], '[[[…]]]'],
    ['a long string', 'x'.repeat(5000), `"${'x'.repeat(100)}"… (5000 characters)`],
    [
      'a long string cut at a surrogate pair',
      `${'x'.repeat(99)}😀😀`,
      `"${'x'.repeat(99)}"… (103 characters)`,
    ],
    [
      'an entity with a long id',
      entity('User', 'y'.repeat(200)),
      `User::"${'y'.repeat(100)}"… (200 characters)`,
    ],
  ])('is written as Cedar or said to be opaque: %s', (_what, value, expected) => {
    expect(shown(value)).toBe(expected)
  })

  it('is shortened however many members it has', () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `member-${index}`)
    const record = Object.fromEntries(names.map((name) => [name, names]))
    expect(shown(names)).toMatch(/^\["member-0", .*, … \(10000 in all\)\]$/)
    expect(shown(record)?.length).toBeLessThan(500)
    const conditions = names.slice(0, 1000).map((name) => `context.v["${name}"] == ["${name}"]`)
    const whole = explain(
      policySet(`permit ${ANY} when { ${conditions.join(' || ')} };`),
      request({ v: record }),
    )
    expect(JSON.stringify(whole).length).toBeLessThan(10_000)
    const held = explain(
      policySet(`permit ${ANY} when { ${conditions.join(' && ')} };`.replaceAll('==', '!=')),
      request({ v: record }),
    )
    expect(held.decision).toBe('allow')
    expect(JSON.stringify(held).length).toBeLessThan(10_000)
  })
})

describe('the permits that miss one part of the scope', () => {
  it('are those of which all other parts match', () => {
    const set = policySet(Array.from({ length: 30 }, (_, seed) => randomPolicy(new Random(seed))).join('\n'))
    let seen = 0
    for (let seed = 0; seed < 200; seed++) {
      const { principal, action, resource } = randomWorld(new Random(seed)).request
      const parts = { principal, action, resource }
      for (const missing of ['principal', 'action', 'resource'] as const) {
        const expected = set.policies.filter(
          ({ effect, scope }) =>
            effect === 'permit' &&
            (['principal', 'action', 'resource'] as const).every(
              (part) => matchesConstraint(scope[part], parts[part]) !== (part === missing),
            ),
        )
        const found = set.permitsMissing(missing, parts).map(({ policy }) => policy)
        expect(new Set(found), `seed ${seed}, ${missing}`).toEqual(new Set(expected))
        seen += found.length
      }
    }
    expect(seen).toBeGreaterThan(500)
  })

  it('are found within bounds among very many', () => {
    const policies = Array.from(
      { length: 5000 },
      (_, index) => `permit (principal == User::"u${index}", action, resource);`,
    )
    const compiledSet = policySet(policies.join('\n'))
    expect(
      compiledSet.permitsMissing('principal', { principal: ALICE, action: READ, resource: FILE }),
    ).toHaveLength(32)
    expect(nearest(policies.join('\n')).map(({ policy }) => policy)).toEqual([
      'policy0',
      'policy1',
      'policy2',
    ])
  })
})

describe('explanations of random policies', () => {
  const official = loadOfficial()
  const alone = (condition: string): string => `permit ${ANY} when { ${condition} };`

  /** What conditions come to when each stands alone. */
  const mine = (conditions: readonly string[], { request: asked, entities }: World): readonly string[] => {
    const text = conditions.map((condition, number) => `@id("${number}") ${alone(condition)}`).join('\n')
    const { determining, errors } = decide(policySet(text), asked, entities)
    const failed = errors.map(({ policy }) => policy)
    return conditions.map((_, number) =>
      failed.includes(`${number}`) ? 'fails' : determining.includes(`${number}`) ? 'holds' : 'is false',
    )
  }
  const theirs = (
    conditions: readonly string[],
    { official: { entities, ...asked } }: World,
  ): readonly string[] => {
    const staticPolicies = Object.fromEntries(
      conditions.map((condition, number) => [number, alone(condition)]),
    )
    const answer = official.isAuthorized({ ...asked, entities, policies: { staticPolicies } })
    if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
    const { reason, errors } = answer.response.diagnostics
    const failed = errors.map(({ policyId }) => policyId)
    return conditions.map((_, number) =>
      failed.includes(`${number}`) ? 'fails' : reason.includes(`${number}`) ? 'holds' : 'is false',
    )
  }
  const anyPolicy = (random: Random): string =>
    random.chance(0.5) ? randomPolicy(random) : randomContextPolicy(random)

  it('name the first condition that is false or fails when it stands alone, and values that are true', {
    timeout: 60 * CASES + 60_000,
  }, () => {
    const seen = { holds: 0, 'is false': 0, fails: 0 }
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 5_000_011 + index)
      const set: PolicySet = policySet(Array.from({ length: 4 }, () => anyPolicy(random)).join('\n'))
      const world = randomWorld(random)
      const found = explain(set, world.request, world.entities)
      const { decision, determining } = decide(set, world.request, world.entities)
      expect(found.decision).toBe(decision)
      expect(found.determining.map(({ policy }) => policy)).toEqual(determining.slice(0, 3))
      expect(explain(set, world.request, world.entities)).toEqual(found)
      const held = found.determining.flatMap(({ conditions }) => conditions)
      const misses = [...found.nearest, ...found.failed].filter((miss) => miss.missed === 'condition')
      const readings = [...misses, ...held].flatMap(({ values }) => values)
      const expected = [
        ...held.map(({ text }) => [text, 'holds'] as const),
        ...misses.map(({ text, error }) => [text, error === undefined ? 'is false' : 'fails'] as const),
        ...readings.map(({ text, value }) => [`${text} == ${value}`, 'holds'] as const),
      ].filter(([text]) => !text.includes('…'))
      const texts = expected.map(([text]) => text)
      const answers = expected.map(([, answer]) => answer)
      expect(mine(texts, world), texts.join('\n')).toEqual(answers)
      expect(theirs(texts, world), texts.join('\n')).toEqual(answers)
      for (const answer of answers) seen[answer]++
    }
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(CASES / 10)
  })

  it('come after conditions that all hold', () => {
    let held = 0
    for (let index = 0; index < 400; index++) {
      const random = new Random(SEED * 3_000_017 + index)
      const [policy] = policySet(anyPolicy(random)).policies
      const { request: asked, entities } = randomWorld(random)
      const interpreter = new Interpreter(new Evaluation(asked, entities))
      const parts = policy === undefined ? [] : partsOf(policy)
      const miss = firstMissed(interpreter, parts)
      for (const part of parts.slice(0, miss?.held)) {
        expect(interpreter.truth(part)).toBe(HOLDS)
        held++
      }
    }
    expect(held).toBeGreaterThan(100)
  })
})

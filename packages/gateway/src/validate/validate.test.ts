/** What is said about policies, and where. The schema is one as the gateway generates them. */
import { parsePolicies, parseSchema } from '@tollgate/cedar'
import { beforeAll, describe, expect, it } from 'vitest'
import { ValidationCache } from './cache.ts'
import { validatePolicies } from './validate.ts'

const SCHEMA = `
entity Group;
entity User in [Group] tags String;
entity Server;
entity Tool in [Server] = { name: String, readOnly: Bool, reads: Set<String> };
entity Resource in [Server] = { uri: String };
action "tools/call";
action "files__read_file" in ["tools/call"] appliesTo {
  principal: [User], resource: [Tool],
  context: { input: { path: String, limit?: Long, tail?: Long, options?: { deep?: Bool, "if"?: Bool, kind: String } }, source: { ip?: ipaddr, transport: String }, score: decimal }
};
action "files__write_file" in ["tools/call"] appliesTo {
  principal: [User], resource: [Tool],
  context: { input: { path: String, content: String }, source: { ip?: ipaddr, transport: String }, score: decimal }
};
action "git__log" in ["tools/call"] appliesTo {
  principal: [User], resource: [Tool],
  context: { input: {}, source: { ip?: ipaddr, transport: String }, score: decimal }
};
entity Prompt in [Server];
action "prompts/get" appliesTo { principal: [User], resource: [Prompt], context: { input: { pth?: String } } };
action "resources/read" appliesTo {
  principal: [User], resource: [Resource], context: { source: { ip?: ipaddr, transport: String } }
};`
const READ = '@id("p") permit (principal, action == Action::"files__read_file", resource)'

/** Reads in this line are known to be guarded. */
const GUARDED_LINE = 77

const cache = new ValidationCache()

async function validate(text: string) {
  const policies = parsePolicies(text, { file: 'a.cedar' })
  const fragment = parseSchema(SCHEMA)
  if (!policies.ok || !fragment.ok) throw new Error(JSON.stringify([policies, fragment]))
  return validatePolicies({
    checks: [{ fragment: fragment.value, policies: policies.value }],
    cache,
    limitSeconds: 60,
    signal: new AbortController().signal,
    unknown: (action, [first]) =>
      action === 'git__log' && first === 'input' ? 'takes what it likes' : undefined,
    mayBeAbsent: ({ line }) => line !== GUARDED_LINE,
    assumed: (action, [first]) => action === 'prompts/get' && first === 'input',
  })
}

async function check(text: string) {
  const { findings, problems } = await validate(text)
  expect(problems).toEqual([])
  return findings.map(({ line, column, severity, message, suggestion }) => {
    const kind = severity === 'error' ? '' : 'warning: '
    return `${line}:${column}: ${kind}${message}${suggestion === undefined ? '' : `; ${suggestion}`}`
  })
}

/** What is said about the conditions of a policy for files__read_file, which begin at 2:1. */
const conditions: readonly (readonly [title: string, text: string, expected: string])[] = [
  [
    'a misspelt attribute',
    'when { context.input.pth == "a" }',
    '2:22: context.input has no attribute `pth` for Action::"files__read_file"; did you mean `path`?',
  ],
  [
    'an attribute like no other',
    'when { context.input.zebra == "a" }',
    '2:22: context.input has no attribute `zebra` for Action::"files__read_file"; there are `limit`, `options`, `path` and `tail`',
  ],
  [
    'in the middle of a path',
    'when { context.inptu.path == "a" }',
    '2:16: context has no attribute `inptu` for Action::"files__read_file"; did you mean `input`?',
  ],
  [
    'in brackets',
    'when { context["input"]["pth"] == "a" }',
    '2:24: context.input has no attribute `pth` for Action::"files__read_file"; did you mean `path`?',
  ],
  [
    'of an entity',
    'when { resource.readonly }',
    '2:17: resource has no attribute `readonly` (Tool); did you mean `readOnly`?',
  ],
  [
    'after characters of several bytes',
    'when { "ü😀" == context.input.pth }',
    '2:31: context.input has no attribute `pth` for Action::"files__read_file"; did you mean `path`?',
  ],
  [
    'a misspelt set that is searched',
    'when { resource.raeds.contains("private") }',
    '2:17: resource has no attribute `raeds` (Tool); did you mean `reads`?',
  ],
  [
    'in parentheses, with a method after it',
    'when { (context . source) . ipp.isLoopback() }',
    '2:29: context.source has no attribute `ipp` for Action::"files__read_file"; did you mean `ip`?',
  ],
  [
    'an unguarded optional attribute',
    'when { context.input.limit < 5 }',
    '2:22: `limit` of context.input is optional for Action::"files__read_file": where it is absent this policy is an error, and refuses the call; write `context.input has limit && …`',
  ],
  [
    'one with a method after it',
    'when { !context.source.ip.isLoopback() }',
    '2:24: `ip` of context.source is optional for Action::"files__read_file": where it is absent this policy is an error, and refuses the call; write `context.source has ip && …`',
  ],
  [
    'one that is a reserved word',
    'when { context.input has options && context.input.options["if"] }',
    '2:58: `if` of context.input.options is optional for Action::"files__read_file": where it is absent this policy is an error, and refuses the call; write `context.input.options has "if" && …`',
  ],
  [
    'one in an optional record',
    'when { context.input has options && context.input.options.deep }',
    '2:59: `deep` of context.input.options is optional for Action::"files__read_file": where it is absent this policy is an error, and refuses the call; write `context.input.options has deep && …`',
  ],
  [
    'an unguarded tag',
    'when { principal.getTag("team") == "x" }',
    '2:8: principal need not have the tag "team": where it is absent this policy is an error, and refuses the call; write `principal.hasTag("team") && …`',
  ],
  [
    'text for a number',
    'when { context.input has limit && context.input.limit == "5" }',
    '2:35: `context.input.limit == "5"` compares a Long and a String, which are never equal; write `5` instead of `"5"`',
  ],
  [
    'a number for text',
    'when { 5 == context.input.path }',
    '2:8: `5 == context.input.path` compares a Long and a String, which are never equal; write `"5"` instead of `5`',
  ],
  [
    'text for an address',
    'when { context.source has ip && context.source.ip != "10.0.0.1" }',
    '2:33: `context.source.ip != "10.0.0.1"` compares a String and a ipaddr, which are never equal; write `ip("10.0.0.1")` instead of `"10.0.0.1"`'.replace(
      'a ipaddr',
      'an ipaddr',
    ),
  ],
  [
    'an element for a set',
    'when { resource.reads == "private" }',
    '2:8: `resource.reads == "private"` compares a String and a Set<String>, which are never equal; write `resource.reads.contains("private")`',
  ],
  [
    'an order of texts',
    'when { context.input.path < 5 }',
    '2:8: `context.input.path` is a String where a Long is needed; strings are compared with == and like',
  ],
  [
    'an order of decimals',
    'when { context.score >= 3 }',
    '2:8: `context.score` is a decimal where a Long is needed; write `context.score.greaterThanOrEqual(decimal("3.0"))`',
  ],
  [
    'a method that strings lack',
    'when { context.input.path.lessThan(decimal("1.0")) }',
    '2:8: `context.input.path` is a String where a decimal is needed; strings are compared with == and like',
  ],
  [
    'a search in what is no set',
    'when { context.input has limit && context.input.limit.contains(7) }',
    '2:35: `context.input.limit` is a Long where a Set is needed; write `context.input.limit == 7`',
  ],
  [
    'a truth for text',
    'when { context.input.path == true }',
    '2:8: `context.input.path == true` compares a Bool and a String, which are never equal; write `"true"` instead of `true`',
  ],
  [
    'an entity for text',
    'when { context.input.path == Tool::"files__read_file" }',
    '2:8: `context.input.path == Tool::"files__read_file"` compares a String and a Tool, which are never equal; write a value that is a String instead of `Tool::"files__read_file"`',
  ],
  [
    'two attributes of different types',
    'when { context.input has limit && context.input.limit == context.input.path }',
    '2:35: `context.input.limit == context.input.path` compares a Long and a String, which are never equal; all have to be of one type',
  ],
  [
    'a misspelt name that is no identifier',
    'when { context.input["pa th"] == "a" }',
    '2:21: context.input has no attribute `pa th` for Action::"files__read_file"; did you mean `path`?',
  ],
  [
    'text for a condition',
    'when { context.input.path }',
    '2:8: `context.input.path` is a String where a Bool is needed; write `context.input.path == "…"`',
  ],
  [
    'like for a set',
    'when { resource.reads like "priv*" }',
    '2:8: `resource.reads` is a Set<String> where a String is needed; write `resource.reads.contains("…")`',
  ],
  [
    'in for a set',
    'when { resource.name in resource.reads }',
    '2:8: `resource.name` is a String where an entity is needed; write `resource.reads.contains(resource.name)`',
  ],
  [
    'a name for an entity',
    'when { principal == "alice" }',
    '2:8: `principal == "alice"` compares a String and a User, which are never equal; write `User::"alice"` instead of `"alice"`',
  ],
  [
    'a name for a group',
    'when { principal in "staff" }',
    '2:21: `"staff"` is a String where a Set<entity> or an entity is needed; write `Group::"staff"` instead of `"staff"`',
  ],
  [
    'names for groups',
    'when { principal in ["staff", "board"] }',
    '2:21: `["staff", "board"]` is a Set<String> where a Set<entity> or an entity is needed; write `[Group::"staff", Group::"board"]` instead of `["staff", "board"]`',
  ],
  [
    'a record of other attributes',
    'when { context.input has options && context.input.options == {deep: true, king: "x"} }',
    '2:37: `context.input.options == {deep: true, king: "x"}` compares a {deep?: Bool,if?: Bool,kind: String} and a {deep: Bool,king: String}, which are never equal; compare their attributes one by one',
  ],
  [
    'an order of addresses',
    'when { ip("10.0.0.1") < ip("10.0.0.9") }',
    '2:8: `ip("10.0.0.1")` is an ipaddr where a datetime, a duration or a Long is needed; addresses are tested with ==, isInRange, isIpv4, isIpv6, isLoopback and isMulticast',
  ],
  [
    'an address that is none',
    'when { ip("300.1.1.1").isIpv4() }',
    '2:8: "300.1.1.1" is no IP address; valid IP strings are IPv4/IPv6 addresses or CIDR ranges like `127.0.0.1`, `127.0.0.1/24`, or `ffee::/64`',
  ],
  [
    'a set of nothing',
    'when { resource.reads == [] }',
    '2:26: empty set literals are forbidden in policies; ask whether a set is empty with `.isEmpty()`',
  ],
  [
    'letters that look alike',
    'when { context.input.path == "say \u0441hangе" }',
    '2:30: warning: string `"say \u0441hangе"` contains mixed scripts',
  ],
]

const policies: readonly (readonly [title: string, text: string, expected: readonly string[]])[] = [
  [
    'an unknown action',
    'permit (principal,\n  action == Action::"files__red_file", resource);',
    ['2:13: there is no action Action::"files__red_file"; did you mean `Action::"files__read_file"`?'],
  ],
  [
    'a tool without its server',
    'permit (principal, action in [Action::"git__log", Action::"write_file"], resource);',
    ['1:51: there is no action Action::"write_file"; did you mean `Action::"files__write_file"`?'],
  ],
  [
    'an unknown group',
    'permit (principal, action in Action::"tool/calls", resource);',
    ['1:30: there is no action Action::"tool/calls"; did you mean `Action::"tools/call"`?'],
  ],
  [
    'an unknown action in a condition',
    'permit (principal, action, resource) when { action == Action::"resource/read" };',
    ['1:55: there is no action Action::"resource/read"; did you mean `Action::"resources/read"`?'],
  ],
  [
    'an unknown type',
    'permit (principal is Usr, action, resource in Sever::"files");',
    [
      '1:22: there is no entity type Usr; did you mean User?',
      '1:47: there is no entity type Sever; did you mean Server?',
    ],
  ],
  [
    'a condition that never holds',
    `${READ} when { false };`,
    ['1:1: warning: this policy never applies: no request makes its conditions true'],
  ],
  [
    'a scope that fits no action',
    'permit (principal in Server::"files", action, resource);',
    [
      '1:9: no request for Action::"files__read_file", Action::"files__write_file", Action::"git__log" and 2 more has such a principal; a principal is a User there',
    ],
  ],
  [
    'a group for a principal',
    '@doc("permit (a, b)") permit ( // who, and what\n  principal == Group::"staff", action == Action::"git__log", resource);',
    ['2:3: no request for Action::"git__log" has such a principal; write `principal in Group::"staff"`'],
  ],
  [
    'a server for a resource',
    'forbid (principal, action in [Action::"git__log", Action::"files__read_file"], resource == Server::"git");',
    [
      '1:80: no request for Action::"files__read_file" and Action::"git__log" has such a resource; write `resource in Server::"git"`',
    ],
  ],
  [
    'a group for an action',
    'forbid (principal, action == Action::"tools/call", resource);',
    [
      '1:20: Action::"tools/call" is a group of actions, and no request is for a group; write `action in Action::"tools/call"`',
    ],
  ],
  [
    'a principal and a resource that no action has together',
    'forbid (principal, action == Action::"git__log", resource is Prompt);',
    ['1:50: no request for Action::"git__log" has such a resource; a resource is a Tool there'],
  ],
  [
    'a misspelt name that is tested',
    `${READ} when { context.input has pth && context.input.pth == "" };`,
    ['1:102: context.input never has an attribute `pth`; did you mean `path`?'],
  ],
  [
    'one of any action, where a prompt could have what nothing has',
    'forbid (principal, action in [Action::"files__read_file", Action::"prompts/get"], resource) when { context.input has pth };',
    ['1:118: warning: context.input never has an attribute `pth`; did you mean `path`?'],
  ],
  [
    'one that is not known to be misspelt',
    'forbid (principal, action in [Action::"files__read_file", Action::"git__log"], resource) when { context.input has pth || resource.readOnly };',
    [],
  ],
  [
    'one of several tests',
    `${READ} when { context.input has pth || resource.readOnly };`,
    ['1:102: warning: context.input never has an attribute `pth`; did you mean `path`?'],
  ],
]

beforeAll(async () => {
  // One trip to the engine for all; what it said is then known.
  const texts = [...conditions.map(([, text]) => `${READ}\n${text};`), ...policies.map(([, text]) => text)]
  await check(texts.join('\n'))
})

describe('policies against the schema', () => {
  it.each(conditions)('%s', async (_title, text, expected) => {
    expect((await check(`${READ}\n${text};`))[0]).toBe(expected)
  })

  it.each(policies)('%s', async (_title, text, expected) => {
    expect(await check(text)).toEqual(expected)
  })

  it('says once what holds for several actions, and asks for a guard where others have the attribute', async () => {
    const some =
      'permit (principal, action in [Action::"files__read_file", Action::"files__write_file"], resource)'
    expect(await check(`${some}\nwhen { context.input.limit == 1 };`)).toEqual([
      '2:22: context.input has no attribute `limit` for Action::"files__write_file"; write `context.input has limit && …`, or name in the scope what has it',
    ])
    expect(
      await check('permit (principal, action, resource is Tool)\nwhen { context.sourc.transport == "tcp" };'),
    ).toEqual([
      '2:16: context has no attribute `sourc` for Action::"files__read_file", Action::"files__write_file" and Action::"git__log"; did you mean `source`?',
    ])
  })

  it('warns where the schema does not know what a tool takes', async () => {
    expect(
      await check(
        'permit (principal, action == Action::"git__log", resource)\nwhen { context.input.author == "me" };',
      ),
    ).toEqual([
      '2:22: warning: whether context.input has `author` cannot be checked: git__log takes what it likes; write `context.input has author && …`',
    ])
  })

  it('warns where only the engine does not see that an attribute is there', async () => {
    const text = 'when { !(context.input has limit) || context.input.limit < 5 };'
    expect(await check(`${READ}${'\n'.repeat(GUARDED_LINE - 1)}${text}`)).toEqual([
      '77:52: warning: `limit` of context.input is optional for Action::"files__read_file", and Cedar’s validator does not see that it is there when this is read; write `if context.input has limit then … else …`',
    ])
  })

  it('finds nothing wrong with what is right', async () => {
    const right = `${READ} when { context.input has limit && context.input.limit <= 9007199254740993 && resource.readOnly }
      unless { context.source has ip && context.source.ip.isLoopback() };`
    expect(await check(right)).toEqual([])
  })

  it('names policies in files with several by their own lines, and by their ids', async () => {
    const { findings } = await validate(
      `${READ};\n\n// é\n@id("q")\npermit (principal, action, resource)\n  when { principal.nick == "x" };`,
    )
    expect(findings).toMatchObject([
      { file: 'a.cedar', line: 6, column: 20, length: 4, policy: 'q', rule: 'attribute' },
    ])
  })
})

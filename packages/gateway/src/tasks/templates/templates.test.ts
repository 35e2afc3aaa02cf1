import fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import { compileConstraints } from '../constraints/compile.ts'
import { lintTemplate } from './lint.ts'
import type { Template } from './template.ts'
import { fillTemplate, parseTemplate } from './templates.ts'

const WRITTEN = {
  description: 'Change code in one repository',
  parameters: {
    repo: { type: 'path', description: 'The repository' },
    team: { type: 'text', default: 'team@example.com' },
    pushes: { type: 'number', default: 1 },
    where: { type: 'choice', choices: ['staging', 'production'], default: 'staging' },
  },
  grant: {
    purpose: '{{purpose}} in {{repo}} for {{where}}',
    servers: ['files'],
    tools: {
      files__write_file: { path: { within: ['{{repo}}/src', '{{ repo }}'] } },
      git__push: { branch: { pattern: '^fix/{{team}}$' } },
      mail__send: { to: { enum: ['{{team}}'] } },
    },
    budget: { calls: 200, calls_per_tool: { git__push: '{{pushes}}' } },
  },
}

function parsed(written: unknown): Template {
  const template = parseTemplate('code-change', '1f0c2a9b', written)
  if (!template.ok) throw new Error(JSON.stringify(template.error))
  return template.value
}

describe('filling', () => {
  test('puts values in, numbers as numbers, and says where the grant came from', () => {
    const filled = fillTemplate(parsed(WRITTEN), { repo: '/srv/shop/', purpose: 'Fix it', pushes: '2' })
    expect(filled).toMatchObject({
      ok: true,
      value: {
        purpose: 'Fix it in /srv/shop for staging',
        template: 'code-change@1f0c2a9b',
        tools: {
          files__write_file: { path: { within: ['/srv/shop/src', '/srv/shop'] } },
          git__push: { branch: { pattern: '^fix/team@example\\.com$' } },
          mail__send: { to: { enum: ['team@example.com'] } },
        },
        budget: { calls: 200, calls_per_tool: { git__push: 2 } },
      },
    })
  })

  test('the description is the purpose where nobody gives one', () => {
    const filled = fillTemplate(parsed(WRITTEN), { repo: '/' })
    expect(filled).toMatchObject({
      ok: true,
      value: { purpose: 'Change code in one repository in / for staging' },
    })
    expect(filled.ok && filled.value.tools['files__write_file']).toEqual({ path: { within: ['/src', '/'] } })
  })

  test.each<[string, Record<string, unknown>, string, string]>([
    ['a parameter that is missing', {}, 'parameters.repo', 'is missing'],
    [
      'one that does not exist',
      { repo: '/w', rebo: '/w' },
      'parameters',
      'has no "rebo"; did you mean repo?',
    ],
    ['a relative path', { repo: 'src' }, 'parameters.repo', 'must be an absolute path'],
    ['a path that climbs', { repo: '/w/../etc' }, 'parameters.repo', 'without "." and ".."'],
    ['a path with a NUL', { repo: '/w\0' }, 'parameters.repo', 'none of them invisible'],
    [
      'text with an override of direction',
      { repo: '/w', team: 'a\u202eb' },
      'parameters.team',
      'none of them invisible',
    ],
    ['no number', { repo: '/w', pushes: 'many' }, 'parameters.pushes', 'must be a number'],
    ['no choice', { repo: '/w', where: 'prod' }, 'parameters.where', 'must be staging or production'],
    ['a list', { repo: ['/w'] }, 'parameters.repo', 'must be text'],
    [
      'a number that makes no grant',
      { repo: '/w', pushes: 1.5 },
      'grant.budget.calls_per_tool.git__push',
      '',
    ],
  ])('%s is refused, with its place', (_, given, path, message) => {
    const filled = fillTemplate(parsed(WRITTEN), given)
    expect(filled.ok).toBe(false)
    const [fault] = filled.ok ? [] : filled.error
    expect(fault?.path.join('.')).toBe(path)
    expect(fault?.message).toContain(message)
  })

  test('a purpose that the template says itself cannot be given', () => {
    const grant = { ...WRITTEN.grant, purpose: 'Only this, in {{repo}} and {{where}}' }
    const filled = fillTemplate(parsed({ ...WRITTEN, grant }), { repo: '/w', purpose: 'Something else' })
    expect(filled).toMatchObject({ ok: false, error: [{ path: ['grant', 'purpose'] }] })
  })

  test('a value that is empty or a star makes no limit wider than the template wrote it', () => {
    const template = parsed({
      description: 'One tenant',
      parameters: { tenant: { type: 'text' }, suffix: { type: 'text', default: '' } },
      grant: {
        tools: {
          files__read: { path: { within: ['/srv/{{tenant}}{{suffix}}'] } },
          web__fetch: { url: { hosts: ['{{tenant}}.example.com'] } },
        },
      },
    })
    const checksOf = (tenant: string) => {
      const filled = fillTemplate(template, { tenant })
      if (!filled.ok) return [filled.error[0]?.message]
      return Object.values(filled.value.tools).map((constraints) => {
        const check = compileConstraints(constraints, {
          others: 'refuse',
          sight: { placeOf: () => undefined },
        })
        return check.ok ? check.value : check.error
      })
    }
    expect(checksOf('')).toEqual(['must not be empty'])
    for (const tenant of ['*', '*.a', 'a.*', 'a/../..', '..', '.', 'evil.com/', 'a@evil.com', 'evil.com:80'])
      expect(checksOf(tenant), tenant).toContainEqual(expect.any(String))
    const [within, hosts] = checksOf('acme')
    if (typeof within !== 'function' || typeof hosts !== 'function') throw new Error('a tenant is fine')
    expect([within({ path: '/srv/acme/a' }), hosts({ url: 'https://acme.example.com/' })]).toEqual([
      undefined,
      undefined,
    ])
    expect([within({ path: '/srv/other/a' }), hosts({ url: 'https://other.example.com/' })]).not.toContain(
      undefined,
    )
  })

  test('what is put into a pattern matches itself alone, and can become nothing else', () => {
    const template = parsed({
      description: 'One branch',
      parameters: { name: { type: 'text' } },
      grant: {
        tools: {
          git__push: {
            branch: { pattern: '^{{name}}$', const: { pattern: '{{name}}' } },
            // Arguments may be called like keywords: what is in them is a schema nonetheless.
            const: { pattern: '^[{{name}}]$' },
            enum: { properties: { default: { pattern: '^{{name}}$' } } },
          },
        },
      },
    })
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom(...Array.from('a-z^$.*+?()[]{}|/\\-]&~ \n')) }),
      fc.constantFrom('.*', '$|^.*', 'a|b', '{{name}}', '{{purpose}}', '$&', '$1', '\\Q', '(?i)a'),
    )
    fc.assert(
      fc.property(text, text, (name, other) => {
        const filled = fillTemplate(template, { name })
        if (!filled.ok) {
          expect(JSON.stringify(filled.error)).toMatch(name === '' ? 'must not be empty' : 'invisible')
          return
        }
        const { branch, const: one, enum: inner } = filled.value.tools['git__push'] ?? {}
        expect(branch?.['const']).toEqual({ pattern: name })
        const patterns = [
          branch?.['pattern'],
          (inner as typeof WRITTEN.grant.tools & { properties: { default: { pattern: string } } }).properties
            .default.pattern,
        ]
        for (const pattern of patterns) {
          for (const matches of [RE2JS.compile(String(pattern)), new RegExp(String(pattern), 'u')]) {
            const accepts = (tried: string) =>
              matches instanceof RegExp ? matches.test(tried) : matches.matcher(tried).find()
            expect(accepts(name)).toBe(true)
            expect(accepts(other)).toBe(other === name)
          }
        }
        const members = new Set(name)
        if (members.size > 0) {
          const oneOf = new RegExp(String(one?.['pattern']), 'u')
          for (const each of 'b^]\\-') expect(oneOf.test(each)).toBe(members.has(each))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('values never become placeholders, keys or structure', () => {
    const template = parsed(WRITTEN)
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('{}purose: "\'\n[]&*!')) }), (team) => {
        const filled = fillTemplate(template, { repo: '/w', team })
        if (filled.ok) expect(filled.value.tools['mail__send']).toEqual({ to: { enum: [team] } })
      }),
    )
  })
})

describe('reading', () => {
  const { grant, parameters } = WRITTEN
  test.each<[string, object, string, string]>([
    ['a key that is misspelt', { ...WRITTEN, parameter: {} }, 'parameter', 'did you mean parameters?'],
    ['no description', { grant, parameters }, 'description', 'must be a sentence'],
    ['no grant', { description: 'x' }, 'grant', 'must be the grant'],
    [
      'another type',
      { ...WRITTEN, parameters: { repo: { type: 'pth' } } },
      'parameters.repo.type',
      'did you mean path?',
    ],
    [
      'a choice without choices',
      { ...WRITTEN, parameters: { repo: { type: 'choice' } } },
      'parameters.repo.choices',
      '',
    ],
    [
      'a default of another type',
      { ...WRITTEN, parameters: { ...parameters, repo: { type: 'path', default: 'src' } } },
      'parameters.repo.default',
      'absolute',
    ],
    [
      'a parameter that nothing uses',
      { ...WRITTEN, parameters: { ...parameters, more: { type: 'text' } } },
      'parameters.more',
      'is used nowhere',
    ],
    [
      'a placeholder that is not declared',
      { ...WRITTEN, grant: { ...grant, purpose: '{{repp}} {{repo}} {{where}}' } },
      'grant.purpose',
      'did you mean repo?',
    ],
    [
      'half a placeholder',
      { ...WRITTEN, grant: { ...grant, purpose: '{{repo}} {{where' } },
      'grant.purpose',
      'no placeholder',
    ],
    [
      'a placeholder in a key',
      { ...WRITTEN, grant: { ...grant, tools: { ...grant.tools, '{{repo}}__x': {} } } },
      'grant.tools.{{repo}}__x',
      'in a key',
    ],
    ['its own name', { ...WRITTEN, grant: { ...grant, template: 'x' } }, 'grant.template', 'remove it'],
    ['a grant that is none', { ...WRITTEN, grant: { ...grant, flow: 'loose' } }, 'grant.flow', ''],
  ])('%s is a fault at its place', (_, written, path, message) => {
    const template = parseTemplate('t', '00000000', written)
    expect(template.ok).toBe(false)
    const faults = template.ok ? [] : template.error
    expect(faults.map((fault) => fault.path.join('.'))).toContain(path)
    expect(faults.find((fault) => fault.path.join('.') === path)?.message).toContain(message)
  })
})

describe('the lint', () => {
  const known = new Map([
    [
      'files',
      new Map([
        ['read', { readOnly: true, reads: ['private'] }],
        ['write_file', { destructive: true }],
      ]),
    ],
    ['git', new Map([['push', { sends: true }]])],
    ['web', new Map([['fetch', { readOnly: true, reads: ['untrusted'], sends: true }]])],
    [
      'mail',
      new Map([
        ['send', { sends: true }],
        ['read', { readOnly: true, reads: ['untrusted', 'private'] }],
      ]),
    ],
    ['none', new Map()],
  ])
  const lint = (grant: object) =>
    lintTemplate(parsed({ description: 'x', grant: { budget: { calls: 1 }, ...grant } }), known).map(
      ({ severity, rule, path }) => `${severity} ${rule} ${path.slice(1).join('.')}`,
    )

  test('says nothing of a template that needs no second look', () => {
    expect(lint({ servers: ['files'], tools: { git__push: { branch: { pattern: '^fix/' } } } })).toEqual([])
  })

  test.each<[string, object, string]>([
    [
      'untrusted input, private data and a way out, by tools',
      { tools: { mail__read: {}, git__push: { branch: { const: 'x' } } } },
      'warning untrusted-private-way-out ',
    ],
    [
      'the same by servers alone',
      { servers: ['files', 'web'], other_arguments: 'refuse' },
      'warning untrusted-private-way-out ',
    ],
    [
      'the same with nothing between them',
      { servers: ['files', 'web'], flow: 'off' },
      'error untrusted-private-way-out ',
    ],
    ['a server that is not there', { servers: ['fils'] }, 'error unknown-server servers.0'],
    [
      'a tool of a server that is not there',
      { tools: { gti__push: {} } },
      'error unknown-server tools.gti__push',
    ],
    ['a tool that nothing is known of', { tools: { git__pull: {} } }, 'warning unknown-tool tools.git__pull'],
    ['a server without read-only tools', { servers: ['none'] }, 'warning nothing-read-only servers.0'],
    [
      'an open argument',
      { tools: { mail__send: { to: { type: 'string' } } } },
      'warning open-argument tools.mail__send.to',
    ],
    ['a way out that takes any argument', { servers: ['web'] }, 'warning open-argument servers'],
    [
      'a pattern that matches parts',
      { tools: { git__push: { branch: { pattern: 'fix' } } } },
      'warning pattern-without-anchor tools.git__push.branch.pattern',
    ],
    ['no flow', { servers: ['files'], flow: 'off' }, 'warning flow-off flow'],
    ['no budget', { servers: ['files'], budget: {} }, 'warning no-budget budget'],
  ])('flags %s', (_, grant, finding) => {
    expect(lint(grant)).toContain(finding)
  })

  test.each([
    ['untrusted', { servers: ['files'], tools: { git__push: { branch: { const: 'x' } } } }],
    ['private', { servers: ['web'], other_arguments: 'refuse' }],
    ['a way out', { servers: ['mail', 'files'] }],
  ])('does not flag two of the three: no %s', (_, grant) => {
    expect(lint(grant)).toEqual([])
  })
})

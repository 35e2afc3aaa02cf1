import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parsePolicies, parseSchema } from '@tollgate/cedar'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { policyKey, schemaKeyOf, ValidationCache } from './cache.ts'
import { validatePolicies } from './validate.ts'

const FILE = 'validation-cache.json'
const said = { severity: 'error', message: 'no', help: null, start: 0, end: 3 } as const

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tg-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('what the engine said', () => {
  it('is kept in a file that only its owner reads', () => {
    const cache = new ValidationCache(folder)
    cache.set('a', [said])
    cache.set('b', [])
    cache.save()
    expect(readdirSync(folder)).toEqual([FILE])
    expect(statSync(join(folder, FILE)).mode & 0o777).toBe(0o600)
    const again = new ValidationCache(folder)
    expect([again.get('a'), again.get('b'), again.get('c')]).toEqual([[said], [], undefined])
  })

  it.each([
    ['garbage', '{"format":1,"entries":[[["a'],
    ['something else', '[1,2]'],
    ['nothing', 'null'],
    ['another format', JSON.stringify({ format: 2, entries: [['a', []]] })],
    [
      'entries of the wrong shape',
      JSON.stringify({ format: 1, entries: [['a', [{ ...said, start: -1 }]], ['a'], 7, [1, []]] }),
    ],
  ])('is asked anew when the file holds %s', (_title, text) => {
    writeFileSync(join(folder, FILE), text)
    const cache = new ValidationCache(folder)
    expect(cache.get('a')).toBeUndefined()
    cache.set('a', [said])
    cache.save()
    expect(new ValidationCache(folder).get('a')).toEqual([said])
  })

  it('is bounded, and forgets first what was not used for longest', () => {
    const cache = new ValidationCache(folder)
    cache.set('first', [])
    for (let index = 0; index < 19_999; index++) cache.set(`${index}`, [])
    cache.get('first')
    cache.set('one more', [])
    expect([cache.get('first'), cache.get('0'), cache.get('1')]).toEqual([[], undefined, []])
  })

  it('stays in memory where there is no folder', () => {
    const cache = new ValidationCache(join(folder, 'missing'))
    cache.set('a', [said])
    cache.save()
    expect(cache.get('a')).toEqual([said])
    expect(readdirSync(folder)).toEqual([])
  })

  it('is known by engine, schema and policy, and by no other split of the same letters', () => {
    const keys = [
      policyKey(schemaKeyOf('e', 's'), 'p'),
      policyKey(schemaKeyOf('e', 'sp'), ''),
      policyKey(schemaKeyOf('es', ''), 'p'),
      policyKey(schemaKeyOf('e2', 's'), 'p'),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('keeps the engine from being asked again, whatever the policy is called and wherever it stands', async () => {
    const fragment = parseSchema(
      'entity U; action a appliesTo { principal: U, resource: U, context: { n: Long } };',
    )
    if (!fragment.ok) throw new Error('not read')
    const validate = async (text: string, limitSeconds = 60) => {
      const parsed = parsePolicies(text, { file: 'p.cedar' })
      if (!parsed.ok) throw new Error('not parsed')
      const checks = [{ fragment: fragment.value, policies: parsed.value }]
      const signal = new AbortController().signal
      const cache = new ValidationCache(folder)
      return validatePolicies({
        checks,
        cache,
        limitSeconds,
        signal,
        unknown: () => undefined,
        assumed: () => false,
        mayBeAbsent: () => true,
      })
    }
    const policy = 'permit (principal, action, resource) when { context.m == 1 };'
    const outOfTime = await validate(policy, 0)
    expect(outOfTime).toMatchObject({ findings: [], asked: 1 })
    expect(outOfTime.problems).toEqual([
      expect.stringMatching(/^the time limit of 0 s was over before 1 of 1 policies/),
    ])
    expect(await validate(`${policy}\n${policy}`)).toMatchObject({ asked: 1, problems: [] })
    const again = await validate(`// first\n${policy}\n${policy}`, 0)
    expect(again).toMatchObject({ asked: 0, problems: [] })
    expect(again.findings.map(({ line, column, policy: id }) => [line, column, id])).toEqual([
      [2, 53, 'policy0'],
      [3, 53, 'policy1'],
    ])
    expect(readFileSync(join(folder, FILE), 'utf8')).not.toContain('principal')
  })
})

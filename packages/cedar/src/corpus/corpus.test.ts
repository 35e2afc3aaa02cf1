import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { CorpusRunner } from './corpus.ts'

const PACKAGE = path.resolve(import.meta.dirname, '../..')
const CORPUS = path.join(PACKAGE, 'corpus')
const folder = mkdtempSync(path.join(tmpdir(), 'corpus-'))
afterAll(() => rmSync(folder, { recursive: true }))

function run(...args: readonly string[]): { status: number | null; lines: string[]; stderr: string } {
  // On the sources, so that no build is needed.
  const words = ['--conditions=@tollgate/source', path.join(PACKAGE, 'bin/cedar.ts'), ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n'), stderr }
}

/** A test file of the corpus, changed and written elsewhere. */
function changed(name: string, from: string, to: string): string {
  const text = readFileSync(path.join(CORPUS, 'tests', name), 'utf8')
  expect(text).toContain(from)
  const file = path.join(folder, name)
  writeFileSync(file, text.replace(from, to))
  return file
}

describe('the command', () => {
  it('passes all tests of a folder', () => {
    const { status, lines } = run('test', '--root', CORPUS, CORPUS)
    expect(lines).toEqual(['not tests, so not run: 4 JSON files', '40 passed, 0 failed'])
    expect(status).toBe(0)
  })

  it('takes files, folders and patterns, here or in the root', () => {
    const passed = (...targets: string[]) => run('test', '--root', `${CORPUS}/`, ...targets).lines.at(-1)
    expect(passed('tests')).toBe('40 passed, 0 failed')
    expect(passed('tests/*.json')).toBe('40 passed, 0 failed')
    expect(passed(path.join(CORPUS, '**/errors.json'), 'tests/errors.json')).toMatch(/^\d+ passed, 0 failed$/)
    expect(run('test', '--root', CORPUS, 'tests/nothing*.json')).toMatchObject({
      status: 1,
      lines: ['FAILED tests/nothing*.json: there is no such file', '0 passed, 1 failed'],
    })
  })

  it('passes over files that are no tests, also when they are named', () => {
    const named = ['tests/values.json', 'entities/shop.json', 'shop.cedarschema.json'].map((name) =>
      path.join(CORPUS, name),
    )
    expect(run('test', '--root', CORPUS, ...named)).toMatchObject({
      status: 0,
      lines: ['not tests, so not run: 2 JSON files', '5 passed, 0 failed'],
    })
  })

  it('passes over what is not even JSON, unless it is a test or named', () => {
    const mixed = path.join(folder, 'mixed')
    mkdirSync(mixed)
    writeFileSync(path.join(mixed, 'settings.json'), '{ // a comment')
    writeFileSync(path.join(mixed, 'test.json'), '{"requests": [')
    const wrong = `FAILED ${mixed}/test.json: ${mixed}/test.json:1:15: expected a JSON value`
    expect(run('test', mixed).lines).toEqual([
      wrong,
      'not tests, so not run: 1 JSON files',
      '0 passed, 1 failed',
    ])
    expect(run('test', path.join(mixed, 'settings.json')).lines.at(-1)).toBe('0 passed, 1 failed')
  })

  it('names what failed, and fails', () => {
    const file = changed('decisions.json', '"deny"', '"allow"')
    const { status, lines } = run('test', '--root', CORPUS, file, path.join(CORPUS, 'tests/errors.json'))
    expect(lines).toEqual([
      `FAILED ${file}: "nothing permits": expected allow, reason none, errors none; got deny, reason none, errors none`,
      '11 passed, 1 failed',
    ])
    expect(status).toBe(1)
  })

  it('asks the official validator where it is told to', () => {
    const file = changed('values.json', '"shouldValidate": false', '"shouldValidate": true')
    const { status, lines } = run('test', '--validate', '--root', CORPUS, CORPUS, file)
    const wrong = `FAILED ${file}: the policies should be valid; policy0: for policy \`policy0\`, unable to guarantee`
    expect(lines).toEqual([
      expect.stringContaining(wrong),
      'not tests, so not run: 4 JSON files',
      'validations: 8 as expected, 1 not',
      '45 passed, 0 failed',
    ])
    expect(status).toBe(1)
  })

  it('fails where there is no test', () => {
    expect(run('test', '--root', CORPUS, path.join(CORPUS, 'policies'))).toMatchObject({
      status: 1,
      lines: ['not tests, so not run: 1 JSON files', '0 passed, 0 failed'],
      stderr: 'cedar: no test found\n',
    })
    expect(run('test', path.join(folder, 'none.json'))).toMatchObject({ status: 1 })
  })

  test.each([[[]], [['test']], [['prove', 'x']], [['test', '--rot', 'x', 'y']]])(
    'called as %j explains itself',
    (args) => {
      const { status, stderr } = run(...args)
      expect(status).toBe(2)
      expect(stderr).toContain('test [--root FOLDER]')
    },
  )
})

describe('a test that is wrong', () => {
  const runner = new CorpusRunner((name) =>
    name === 'gone' ? undefined : readFileSync(path.join(CORPUS, name), 'utf8'),
  )
  const failuresOf = (name: string, from: string, to: string): unknown => {
    const text = readFileSync(path.join(CORPUS, 'tests', name), 'utf8')
    expect(text).toContain(from)
    return runner.run(text.replace(from, to), 't.json')?.failures
  }

  test.each([
    ['"reason": ["policy0"]', '"reason": ["policy1"]', 'got allow, reason policy0, errors none'],
    ['"errors": ["policy2"]', '"errors": []', 'expected deny, reason none, errors none; got deny'],
    ['"policies/documents.cedar"', '"gone"', 'gone:1:1: there is no such file'],
    ['"documents.cedarschema"', '"gone"', 'gone:1:1: there is no such file'],
    [
      '"entities/documents.json"',
      '"policies/documents.cedar"',
      'policies/documents.cedar:1:1: expected a JSON value',
    ],
    ['"decision": "deny"', '"decision": "maybe"', '"decision" must be "allow" or "deny"'],
    ['"shouldValidate"', '"shouldWork"', 'a test has no member "shouldWork"'],
    ['"shouldValidate": false', '"schemaFormat": "yaml"', '"schemaFormat" must be "cedar" or "json"'],
    ['"requests": [', '"requests": [1,', 't.json:6:16: a request must be an object'],
  ])('%s as %s', (from, to, message) => {
    expect(failuresOf('decisions.json', from, to)).toEqual([expect.stringContaining(message)])
  })

  test.each([
    ['"Shop::Customer"', '"Shop::Order"', 'the action applies to a principal of type Shop::Customer'],
    ['"from":', '"form":', 'context needs "from"; context.form is not in the schema; did you mean from?'],
    ['"Shop::Action"', '"Action"', 'the schema does not declare the action Action::"view"'],
  ])('%s as %s does not conform to the schema', (from, to, message) => {
    expect(failuresOf('implicit-values.json', from, to)).toEqual([expect.stringContaining(message)])
  })

  it('is no failure where requests are not validated', () => {
    expect(failuresOf('unchecked-requests.json', '"Shop::Team"', '"Shop::Tame"')).toEqual([])
  })

  it('whose entities do not conform to the schema is not run', () => {
    const schema = readFileSync(path.join(CORPUS, 'shop.cedarschema'), 'utf8')
    const files = (name: string): string =>
      name === 'shop.cedarschema'
        ? schema.replace('homes:', 'addresses:')
        : readFileSync(path.join(CORPUS, name), 'utf8')
    const text = readFileSync(path.join(CORPUS, 'tests/implicit-values.json'), 'utf8')
    expect(new CorpusRunner(files).run(text, 't.json')).toEqual({
      passed: 0,
      failures: [
        'entities/shop.json:4:14: attrs needs "addresses"',
        'entities/shop.json:7:16: attrs.homes is not in the schema',
        'entities/shop.json:16:14: attrs needs "addresses"',
        'entities/shop.json:19:16: attrs.homes is not in the schema',
      ],
      validation: undefined,
    })
  })

  it('is not one at all', () => {
    for (const text of ['[]', '{"uid": 1}', '{"Shop": {"entityTypes": {}, "actions": {}}}', '1'])
      expect(runner.run(text, 't.json')).toBeUndefined()
    expect(runner.run('x', 't.json')?.failures).toEqual(['t.json:1:1: expected a JSON value'])
  })
})

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { isCorpusTest, runCorpusTest } from './corpus.ts'

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
    expect(lines).toEqual([
      'not tests, so not run: 2 JSON files',
      'schemas are not read: 4 validations not checked',
      '20 passed, 0 failed',
    ])
    expect(status).toBe(0)
  })

  it('names what failed, and fails', () => {
    const file = changed('decisions.json', '"deny"', '"allow"')
    const { status, lines } = run('test', '--root', CORPUS, file, path.join(CORPUS, 'tests/errors.json'))
    expect(lines).toEqual([
      `FAILED ${file}: "nothing permits": expected allow, reason none, errors none; got deny, reason none, errors none`,
      'schemas are not read: 2 validations not checked',
      '11 passed, 1 failed',
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
  const read = (name: string): string | undefined =>
    name === 'gone' ? undefined : readFileSync(path.join(CORPUS, name), 'utf8')
  const text = readFileSync(path.join(CORPUS, 'tests/decisions.json'), 'utf8')

  test.each([
    ['"reason": ["policy0"]', '"reason": ["policy1"]', 'got allow, reason policy0, errors none'],
    ['"errors": ["policy2"]', '"errors": []', 'expected deny, reason none, errors none; got deny'],
    ['"policies/documents.cedar"', '"gone"', 'gone:1:1: there is no such file'],
    [
      '"entities/documents.json"',
      '"policies/documents.cedar"',
      'policies/documents.cedar:1:1: expected a JSON value',
    ],
    ['"decision": "deny"', '"decision": "maybe"', '"decision" must be "allow" or "deny"'],
    ['"shouldValidate"', '"shouldWork"', 'a test has no member "shouldWork"'],
  ])('%s as %s', (from, to, message) => {
    expect(text).toContain(from)
    const { failures } = runCorpusTest(text.replace(from, to), 't.json', read)
    expect(failures).toEqual([expect.stringContaining(message)])
  })

  it('is not one at all', () => {
    expect(isCorpusTest(text)).toBe(true)
    expect(isCorpusTest('[]')).toBe(false)
    expect(isCorpusTest('{"uid": 1}')).toBe(false)
    expect(isCorpusTest('x')).toBe(false)
  })
})

// The examples of the README run, and print what the README says they print.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const PACKAGE = path.resolve(import.meta.dirname, '..')
const readme = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8')
const examples = [...readme.matchAll(/^## (.*)$|^```ts\n([\s\S]*?)^```$/gm)]
  .reduce<{ title: string; text: string }[]>((all, [, heading, text]) => {
    const title = heading ?? all.at(-1)?.title ?? 'the beginning'
    return [...all, { title, text: text ?? '' }]
  }, [])
  .filter(({ text }) => text !== '')

/** What an example says it prints: the comments that follow a line with console.log. */
function promised(text: string): string {
  const blocks = text.matchAll(/^ *(?:for .*)?console\.log\(.*\n((?: *\/\/.*\n)+)/gm)
  return [...blocks].map(([, comments = '']) => comments.replace(/^ *\/\/ ?/gm, '')).join('')
}

/** What the compiler says of the examples in a strict project that has the package installed. */
function typeErrors(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'readme-'))
  const modules = path.resolve(PACKAGE, '../../node_modules')
  const options = {
    ...{
      strict: true,
      module: 'nodenext',
      target: 'es2024',
      noEmit: true,
      customConditions: ['@tollgate/source'],
    },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, allowImportingTsExtensions: true },
    ...{ typeRoots: [path.join(modules, '@types')], types: ['node'] },
  }
  try {
    mkdirSync(path.join(folder, 'node_modules/@tollgate'), { recursive: true })
    symlinkSync(PACKAGE, path.join(folder, 'node_modules/@tollgate/cedar'), 'junction')
    writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))
    for (const [at, { text }] of examples.entries()) writeFileSync(path.join(folder, `${at}.ts`), text)
    const words = [path.join(modules, 'typescript/bin/tsc'), '-p', folder]
    return spawnSync(process.execPath, words, { encoding: 'utf8' }).stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('an example of the README', () => {
  it('is there', () => {
    expect(examples.length).toBeGreaterThan(3)
  })

  it('has the types it needs', () => {
    expect(typeErrors()).toBe('')
  })

  it.each(examples)('prints what it says: $title', ({ text }) => {
    const words = ['--conditions=@tollgate/source', '--input-type=module-typescript']
    // In the package, so that its own name leads to its sources.
    const options = { cwd: PACKAGE, input: text, encoding: 'utf8' } as const
    const { stdout, stderr, status } = spawnSync(process.execPath, words, options)
    expect(stderr).toBe('')
    expect(stdout).toBe(promised(text))
    expect(stdout).not.toBe('')
    expect(status).toBe(0)
  })
})

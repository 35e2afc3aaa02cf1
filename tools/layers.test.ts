/** Runs the linter, with the repository's own configuration, on a small tree of good and bad files. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** A file under packages/, its text, and what the linter must say of it. */
const bad = table(`
gateway/src/policy/a.ts | import '../upstream/a.ts' | policy/ must not import upstream/: siblings of row 2 meet only in pipeline.ts
gateway/src/admin/a.ts | import '../oauth/a.ts' | admin/ must not import oauth/: siblings of row 3 meet only in server/
gateway/src/mcp/a.ts | export type { A } from '../pipeline.ts' | mcp/ must not import pipeline.ts: imports point down, and row 3 is above row 2
gateway/src/audit/a.ts | export const a = import('../store/a.ts') | audit/ must not import store/: nothing below imports row 4; declare a port
gateway/src/store/a.ts | import '../cli/a.ts' | store/ must not import cli/: in row 4 only these import each other
gateway/src/tasks/a.ts | export type A = import('../index.ts').A | tasks/ must not import index.ts: imports point down, and row 5 is above row 2
gateway/src/other/a.ts | import '../model/a.ts' | other/ must not import model/: every folder of src needs a row
gateway/src/policy/b.ts | import '../../../cedar/src/a.ts' | policy/ must not import packages/cedar: other packages are imported by name
gateway/src/policy/c.ts | import '../../../../test/a.ts' | policy/ must not import test/a.ts: other packages are imported by name, tests and tools never
gateway/src/model/a.ts | import 'zod' | model/ must not import zod: row 1 imports only row 0 and itself
gateway/src/authn/a.ts | import 'undici' | authn/ must not import undici: connections to servers are made in upstream/ only
gateway/src/vault/a.ts | import 'node:fs/promises' | vault/ must not import node:fs/promises: only row 4 (server, cli, store, validate) touches
gateway/src/upstream/a.ts | import 'child_process' | upstream/ must not import child_process: only row 4
gateway/src/exposure/c.ts | export { isIP, connect } from 'node:net' | exposure/ must not import node:net: only row 4
gateway/src/authn/d.ts | import os from 'node:os'; os.hostname() | authn/ must not import node:os: only row 4
cedar/src/a.ts | import 'node:fs' | packages/cedar must not import node:fs: only row 4
cedar/src/b.ts | import 'zod' | packages/cedar must not import zod: packages of row 0 have no dependencies
cedar/src/c.ts | import './testing/a.ts' | packages/cedar must not import packages/cedar/src/testing/a.ts: other packages are imported by name, tests and tools never
tlog/src/a.ts | import '@tollgate/cedar' | packages/tlog must not import @tollgate/cedar: packages of row 0 have no dependencies
gateway/src/config/a.ts | export const a = process.env['HOME'] | config/ must not use process: only row 4
gateway/src/authn/b.ts | export const a = Date.now() | authn/ must not use Date.now: only row 4
gateway/src/authn/c.ts | export const a = new Date() | authn/ must not use new Date(): only row 4
gateway/src/mcp/b.ts | export { randomUUID } from 'node:crypto' | mcp/ must not use randomUUID: only row 4
gateway/src/mcp/c.ts | export const a = Math.random() | mcp/ must not use Math.random: only row 4
gateway/src/exposure/a.ts | export const a = fetch('http://localhost') | exposure/ must not use fetch: only row 4
gateway/src/upstream/b.ts | import { mintPermit } from '../model/permit.ts'; mintPermit() | upstream/ must not import mintPermit: only pipeline.ts mints, after the decision is recorded
gateway/src/server/a.ts | import * as a from '../model/permit.ts'; a.mintPermit() | server/ must not import mintPermit: only pipeline.ts mints
gateway/src/index.ts | export { mintPermit } from './model/permit.ts' | index.ts must not import mintPermit: only pipeline.ts mints
`)

/** A file under packages/ and its text, to which no layer rule may object. */
const good = table(`
gateway/src/pipeline.ts | import { mintPermit } from './model/permit.ts'; import './policy/a.ts'; mintPermit()
gateway/src/policy/d.ts | import './a.ts'; import '../model/a.ts'; import '@tollgate/cedar'; import 'zod'
gateway/src/vault/b.ts | export { createHash } from 'node:crypto'; export type { Socket } from 'node:net'
gateway/src/upstream/c.ts | import 'undici'; export { Permit } from '../model/permit.ts'
gateway/src/exposure/b.ts | export { BlockList, isIP } from 'node:net'; export type O = import('node:os').CpuInfo
gateway/src/cli/a.ts | import '../server/a.ts'; import '../store/a.ts'; export const now = Date.now()
gateway/src/config/b.ts | export const a = (process: { env: object }, at: number) => [process.env, new Date(at)]
cedar/src/testing/a.ts | import 'node:module'; import 'zod'; import '../a.ts'
gateway/src/upstream/c.test.ts | import 'node:fs'; export { mintPermit } from '../model/permit.ts'
`)

function table(text: string): readonly (readonly [file: string, text: string, message: string])[] {
  const lines = text.trim().split('\n')
  return lines
    .map((line) => line.split(' | '))
    .map(([file = '', source = '', message = '']) => [file, source, message])
}

const root = path.resolve(import.meta.dirname, '..')
const tree = mkdtempSync(path.join(tmpdir(), 'layers-'))
let report: readonly { readonly code: string; readonly filename: string; readonly message: string }[] = []

beforeAll(() => {
  for (const [file, text] of [...bad, ...good]) {
    mkdirSync(path.join(tree, 'packages', path.dirname(file)), { recursive: true })
    writeFileSync(path.join(tree, 'packages', file), `${text}\n`)
  }
  mkdirSync(path.join(tree, 'tools'))
  const setUp = ['.oxlintrc.json', 'tools/layers.ts', 'tools/lint-layers.ts']
  for (const file of setUp) copyFileSync(path.join(root, file), path.join(tree, file))
  symlinkSync(path.join(root, 'node_modules'), path.join(tree, 'node_modules'))
  const linter = spawnSync('node_modules/.bin/oxlint', ['-f', 'json', 'packages'], {
    cwd: tree,
    encoding: 'utf8',
  })
  expect(linter.status, linter.stderr).toBe(1)
  report = (JSON.parse(linter.stdout) as { diagnostics: typeof report }).diagnostics
})
afterAll(() => rmSync(tree, { recursive: true }))

function layerMessages(file: string): string[] {
  const about = report.filter((each) => each.filename === `packages/${file}`)
  return about.filter((each) => each.code.startsWith('layers(')).map((each) => each.message)
}

describe('the layer rule', () => {
  it.each(bad)('refuses %s: %s', (file, _text, message) => {
    expect(layerMessages(file)).toEqual([expect.stringContaining(message)])
    expect(layerMessages(file)[0]).toMatch(/ \(ARCHITECTURE\.md, layers\)$/)
  })
  it.each(good)('accepts %s: %s', (file) => expect(layerMessages(file)).toEqual([]))
})

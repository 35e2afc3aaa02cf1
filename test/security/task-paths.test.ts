/** `within`: 20,000 spellings of paths, and a server that opens what it gets, in every way it can be read (A12). */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SIGHT } from '../../packages/gateway/src/server/sight.ts'
import {
  type ArgumentCheck,
  compileConstraints,
} from '../../packages/gateway/src/tasks/constraints/compile.ts'
import { startTestGateway } from '../fixtures/gateway.ts'
import { connectClient } from '../fixtures/sdk-clients.ts'
import { startTrusting, TRUSTING_SERVER, type TrustingProcess } from '../fixtures/trusting-process.ts'

const base = realpathSync(mkdtempSync(join(tmpdir(), 'paths-')))
const root = join(base, 'work/src')
const SECRET = 'TOP-SECRET'

for (const folder of [
  'work/src/sub/deep',
  'work/src/.config',
  'work/src/100%',
  'work/srcs',
  'work/src2',
  'outside/x',
  'plain/sub',
])
  mkdirSync(join(base, folder), { recursive: true })
for (const file of [
  'work/src/a.ts',
  'work/src/sub/b c.ts',
  'work/src/.config/x.yml',
  'work/src/ünï.txt',
  'work/src/a%20b.txt',
  'plain/sub/a.ts',
])
  writeFileSync(join(base, file), 'fine')
for (const file of [
  'secret.txt',
  'outside/secret.txt',
  'work/secret.txt',
  'work/srcs/secret.txt',
  'work/src2/secret.txt',
  'sub/secret.txt',
])
  try {
    writeFileSync(join(base, file), SECRET)
  } catch {
    mkdirSync(join(base, file, '..'), { recursive: true })
    writeFileSync(join(base, file), SECRET)
  }
for (const [link, target] of [
  ['out', '../../outside'],
  ['away', join(base, 'outside')],
  ['file', '../../outside/secret.txt'],
  ['inside', 'sub'],
  ['nowhere', '../../outside/new.txt'],
  ['round', 'round'],
  ['sub/up', '../..'],
  ['sub/deep/twice', '../../out'],
] as const)
  symlinkSync(target, join(root, link))

let server: TrustingProcess
let check: ArgumentCheck
let checkRelative: ArgumentCheck
beforeAll(() => {
  server = startTrusting(join(base, 'plain'))
  check = compiled({ path: { within: [root] } })
  checkRelative = compiled({ path: { within: ['.'] } })
})
afterAll(() => {
  server.close()
  rmSync(base, { recursive: true })
})

function compiled(constraints: Parameters<typeof compileConstraints>[0]): ArgumentCheck {
  const result = compileConstraints(constraints, { others: 'refuse', sight: SIGHT })
  if (!result.ok) throw new Error(result.error)
  return result.value
}

const UP = [
  '..',
  '%2e%2e',
  '%2E.',
  '.%2e',
  '%252e%252e',
  '%25252e%25252e',
  '%%32%65%%32%65',
  '%c0%ae%c0%ae',
  '%e0%80%ae.',
  '%f0%80%80%ae.',
  '%u002e%u002e',
  '%ef%bc%8e%ef%bc%8e',
  '．．',
  '․․',
  '‥',
  '﹒﹒',
  '.\u200b.',
  '..\u200d',
  '\ufeff..',
  '.\u00ad.',
  '..\u034f',
  '..\ufe0f',
  '..;',
  '..;x',
  '.. ',
  ' ..',
  '... ',
  '...',
  '..%00',
  '..\0',
  '..%0a',
  '..\n',
  '..\t',
  '\u001b..',
  '&#46;&#46;',
  '&#x2e;&period;',
  '\\u002e.',
  '\\x2e\\x2e',
  '..\u0301',
  '..%20',
  '．%2e',
  '％2e％2e',
  '..%EF%BC%8F',
  '%252e.',
  '..?',
  '..#',
  '..?x',
  '..:x',
  '..&x',
  '..|x',
  "'..'",
  '".."',
  '(..)',
  '+..',
  '..%',
  '..\ud800',
  'ĮĮ',
  '.Į',
  '。。',
  '.｡',
]
const BY = [
  '/',
  '/',
  '/',
  '//',
  '/./',
  '\\',
  '%2f',
  '%5c',
  '%252f',
  '%255c',
  '%c0%af',
  '%c1%9c',
  '%e0%80%af',
  '／',
  '＼',
  '∕',
  '⁄',
  '⧸',
  '∖',
  '%ef%bc%8f',
  '%u2215',
  '%u002f',
  '%%32%66',
  '&sol;',
  '&#47;',
  '&bsol;',
  '\\u002f',
  '\\x2f',
  ';/',
  '/\u200b',
  '\u0338/',
  '\0/',
  '/ ',
  '%2F',
  '％2f',
  'į',
]
const HONEST = [
  'a.ts',
  'sub',
  'sub/deep',
  'sub/b c.ts',
  '.config/x.yml',
  'new.txt',
  'ünï.txt',
  'a%20b.txt',
  '100%/x',
  'inside/b c.ts',
  'x (1).txt',
  "it's.md",
  'a+b=c@d,e.f',
  '数据/文件.txt',
  'node_modules/@scope/x/index.d.ts',
  '.gitignore',
  'v1..v2.diff',
  'sub/',
  'deep/er/still',
  'emoji-😀.txt',
  'a&b.txt',
  'x;y.txt',
  'it costs $5.txt',
  '#draft#',
  'what?.md',
  '~tmp',
  'a:b.txt',
  '[id].tsx',
]
const TARGETS = [
  'outside/secret.txt',
  'secret.txt',
  'work/secret.txt',
  'etc/passwd',
  'work/srcs/secret.txt',
  '',
]
const LINKS = [
  'out/secret.txt',
  'away/secret.txt',
  'file',
  'nowhere',
  'round',
  'round/x',
  'sub/up/secret.txt',
  'sub/deep/twice/secret.txt',
  'out',
  'inside/up/srcs/secret.txt',
  'out/not/there/yet',
  'inside/../../secret.txt',
]
const BESIDE = [
  's/secret.txt',
  '2/secret.txt',
  '/../srcs/secret.txt',
  '.',
  '..',
  '/..',
  '%2f..',
  '\\..\\..',
  '/.',
  '\0',
  ' ',
  '/ ',
  ' /../../secret.txt',
  '/a.ts/../../secret.txt',
  '//../secret.txt',
  '/;/../..',
  '/.../secret.txt',
]

const of = <T>(...all: readonly T[]) => fc.constantFrom(...all)
const climb = fc
  .tuple(fc.array(fc.tuple(of(...UP), of(...BY)), { minLength: 1, maxLength: 7 }), of(...TARGETS), of(...BY))
  .map(([steps, target, by]) => steps.map((step) => step.join('')).join('') + target.replaceAll('/', by))
const below = (top: string) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(of('', '/sub', '/not', '/sub/deep', '/.'), of(...BY), climb)
        .map(([more, by, rest]) => top + more + by + rest),
    },
    { weight: 2, arbitrary: of(...LINKS).map((link) => `${top}/${link}`) },
    { weight: 2, arbitrary: of(...BESIDE).map((suffix) => top + suffix) },
    { weight: 2, arbitrary: of(...HONEST).map((name) => `${top}/${name}`) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }).map((name) => `${top}/${name}`) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }).map((name) => `${top}/${name}`) },
  )
/** The whole spelt in another way. */
const disguises: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => path,
  (path) => path,
  (path) => encodeURIComponent(path.toWellFormed()),
  (path) => encodeURI(path.toWellFormed()),
  (path) => path.replaceAll('.', '%2e'),
  (path) => path.replaceAll('/', '%2F'),
  (path) => path.normalize('NFD'),
  (path) => `file://${path}`,
  (path) => `file:${path}`,
  (path) => `/${path}`,
  (path) => ` ${path}`,
  (path) => `${path} `,
  (path) => path.toUpperCase(),
  (path) => path.replace('work', 'WORK'),
  (path) => path.replaceAll('/', '\\'),
  (path) => `\\\\?\\${path}`,
  (path) => `C:${path}`,
  (path) => `~${path}`,
  (path) => `${path}\0.ts`,
  (path) => `${path}%00.ts`,
  (path) => path.replace('/', '／'),
  (path) => `/proc/self/root${path}`,
  (path) => `/proc/self/cwd/../..${path}`,
]
const disguised = (paths: fc.Arbitrary<string>) =>
  fc.tuple(of(...disguises), paths).map(([disguise, path]) => disguise(path))
const RELATIVE = fc.oneof(
  climb,
  of(
    '~/x',
    '~root/x',
    '$HOME/x',
    '${HOME}/x',
    '%HOME%/x',
    'file:///etc/passwd',
    'file:/etc/passwd',
    'C:\\x',
    'C:x',
    '-',
    './../x',
  ),
  of('sub', './sub').chain(below),
)

const sample = (paths: fc.Arbitrary<string>, count: number) =>
  fc.sample(paths, { numRuns: count, seed: 20_261_123 })

/** Where the server gets with each path that `accepts` lets through, outside of `top`. */
async function escapes(paths: readonly string[], accepts: (path: string) => boolean, top: string) {
  const accepted = [...new Set(paths.filter(accepts))]
  const opened = await Promise.all(
    accepted.map(async (path) => ({ path, ...(await server.call('open', { path })) })),
  )
  const escaped = opened.flatMap(({ path, reached }) =>
    reached
      .filter(({ place, content }) => content === SECRET || (place !== top && !place.startsWith(`${top}/`)))
      .map(({ reading, place }) => ({ path, reading, place })),
  )
  return { accepted, escaped }
}

describe('paths of a task', () => {
  const absolute = sample(disguised(below(root)), 16_000)
  const relative = sample(disguised(RELATIVE), 4000)

  test('none of 16,000 leads out of the folder', async () => {
    const { accepted, escaped } = await escapes(absolute, (path) => check({ path }) === undefined, root)
    expect(escaped.slice(0, 5)).toEqual([])
    expect(accepted.length).toBeGreaterThan(100)
  })

  test('none of 4,000 relative ones leads out of where they start', async () => {
    const accepts = (path: string) => checkRelative({ path }) === undefined
    const { accepted, escaped } = await escapes(relative, accepts, join(base, 'plain'))
    expect(escaped.slice(0, 5)).toEqual([])
    expect(accepted.length).toBeGreaterThan(30)
  })

  test('nor does any way up alone, however the rest is written', async () => {
    const ups = UP.flatMap((up) =>
      BY.flatMap((by) => [
        `${root}/${up}${by}secret.txt`,
        `${root}/sub${by}${up}/${up}${by}secret.txt`,
        `${root}/${up}${by}${up}${by}secret.txt`,
      ]),
    )
    const { escaped } = await escapes(ups, (path) => check({ path }) === undefined, root)
    expect(escaped.slice(0, 5)).toEqual([])
    const fromHere = await escapes(
      ups.map((path) => `sub/${path.slice(root.length + 1)}`),
      (path) => checkRelative({ path }) === undefined,
      join(base, 'plain'),
    )
    expect(fromHere.escaped.slice(0, 5)).toEqual([])
  })

  test('a comparison of beginnings would let some out, and so would one of normalised paths', async () => {
    const naive = await escapes(absolute.slice(0, 400), (path) => path.startsWith(root), root)
    expect(naive.escaped.length).toBeGreaterThan(100)
    const normalised = (path: string) => path.startsWith('/') && resolve(path).startsWith(`${root}/`)
    const lexical = await escapes(absolute.slice(0, 1500), normalised, root)
    const readings = new Set(lexical.escaped.map(({ reading }) => reading))
    expect(readings.size).toBeGreaterThan(10)
    expect(readings).toContain('as it is') // by links
  })

  test.each(HONEST)('%s is let through', async (name) => {
    const path = `${root}/${name}`
    expect(check({ path })).toBeUndefined()
    const { reached } = await server.call('open', { path })
    expect(reached[0]?.place.startsWith(`${root}/`)).toBe(true)
  })

  test.each(['..%20', '..%3b', '%22..%22', '..%25%32%30'])(
    '%s is a way up for whoever decodes it, and minds no blanks and marks',
    (up) => {
      expect(check({ path: `${root}/${up}/secret.txt` })?.message).toMatch(/percent-encoding/)
      expect(checkRelative({ path: `sub/${up}/secret.txt` })?.message).toMatch(/percent-encoding/)
    },
  )

  test('a link that appears, and a folder that becomes one, are noticed', async () => {
    const constraints = { path: { within: [join(root, 'later')] } }
    const compiledOnce = compiled(constraints)
    const path = join(root, 'later/x')
    const later = async () => {
      await nextTurn() // as of a call that arrives now
      return compiledOnce({ path })?.message
    }
    expect(await later()).toBeUndefined()
    symlinkSync('../../outside', join(root, 'later'))
    expect(await later()).toMatch(/does not lead where it led/)
    rmSync(join(root, 'later'))
    mkdirSync(join(root, 'later'))
    expect(await later()).toBeUndefined()
    symlinkSync('../../../outside', join(root, 'later/x'))
    expect(await later()).toMatch(/symbolic link/)
    rmSync(join(root, 'later'), { recursive: true })
  })

  test('links lead out of relative folders as well, where the gateway knows what those are relative to', async () => {
    const command = JSON.stringify([process.execPath, TRUSTING_SERVER, base])
    const config = `servers:\n  files: { command: ${command}, cwd: ${JSON.stringify(join(base, 'work'))} }\n`
    const policies = '@id("all") permit (principal, action, resource);'
    const gateway = await startTestGateway({ config, policies, within: base })
    const { key } = gateway.task({ tools: { files__open: { path: { within: ['src'] } } } })
    const client = await connectClient('v2 legacy', gateway.url('files'), { key })
    const open = async (path: string) =>
      (await client.callTool({ name: 'open', arguments: { path } })).isError
    try {
      for (const path of ['src/a.ts', './src/sub', 'src/inside/b c.ts', 'src/new.txt'])
        expect(await open(path), path).toBeFalsy()
      for (const path of ['src/out/secret.txt', './src/file', 'src/nowhere', 'src/round/x', 'src/away/new'])
        expect(await open(path), path).toBe(true)
    } finally {
      await client.close()
      await gateway.close()
    }
  })

  test('what the gateway forwards is what it looked at', async () => {
    const config = `servers:\n  files:\n    command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(TRUSTING_SERVER)}, ${JSON.stringify(base)}]\n`
    const policies = '@id("all") permit (principal, action, resource);'
    const gateway = await startTestGateway({ config, policies, within: base })
    const { key } = gateway.task({ tools: { files__open: { path: { within: [root] } } } })
    const client = await connectClient('v2 legacy', gateway.url('files'), { key })
    try {
      let through = 0
      for (const path of [
        ...absolute.slice(0, 300).filter((each) => each.isWellFormed()),
        ...HONEST.map((name) => `${root}/${name}`),
      ]) {
        const result = await client.callTool({ name: 'open', arguments: { path } })
        const isFine = check({ path }) === undefined
        expect(result.isError === true, path).toBe(!isFine)
        if (isFine) through++
        expect(JSON.stringify(result)).not.toContain(SECRET)
      }
      expect(through).toBeGreaterThan(HONEST.length)
    } finally {
      await client.close()
      await gateway.close()
    }
  })
})

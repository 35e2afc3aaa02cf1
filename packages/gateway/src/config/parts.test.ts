/** The small parsers of the configuration, each by a table. */
import { describe, expect, it } from 'vitest'
import { showEntity } from '../model/caller.ts'
import { parseEntity } from './entity.ts'
import { configPlaces, findConfig } from './find.ts'
import { closest } from './hints.ts'
import { parseListen } from './listen.ts'
import { parseSecret, parseSecretOrValue } from './secret.ts'

describe('an entity', () => {
  it.each([
    ['User::"alice"', 'User', 'alice'],
    ['Corp::Team::User::"a b/é"', 'Corp::Team::User', 'a b/é'],
    ['User::"a\\"b\\\\c"', 'User', 'a"b\\c'],
  ])('%s is read, and shown again as written', (text, type, id) => {
    expect(parseEntity(text)).toEqual({ ok: true, value: { type, id } })
    expect(showEntity({ type, id })).toBe(text)
  })
  it.each(
    [
      'alice',
      'User::alice',
      'User::""',
      '::"a"',
      'User:: "a"',
      'User::"a" ',
      'User::"a\\n"',
      'User::"a\nb"',
      'in::"a"',
      'A::if::"a"',
    ].concat(['User::"a"b"', 'User::"\ud800"', `User::"${'a'.repeat(1000)}"`]),
  )('%j is refused', (text) => expect(parseEntity(text).ok).toBe(false))
})

describe('an address', () => {
  it.each([
    ['127.0.0.1:7070', { kind: 'tcp', host: '127.0.0.1', port: 7070 }],
    ['[::1]:0', { kind: 'tcp', host: '::1', port: 0 }],
    ['gate.example.com:443', { kind: 'tcp', host: 'gate.example.com', port: 443 }],
    ['unix:/run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
    ['unix:x.sock', { kind: 'unix', path: 'x.sock' }],
  ])('%s', (text, value) => expect(parseListen(text)).toEqual({ ok: true, value }))
  it.each([
    '',
    ':7070',
    '7070',
    '127.0.0.1',
    '127.0.0.1:',
    '::1:7070',
    'http://x:1',
    'x:1/',
    'unix:',
    'x:99999',
    'unix:a\0b',
  ])('%j is refused', (text) => expect(parseListen(text).ok).toBe(false))
})

describe('a secret', () => {
  it.each([
    ['env:TOKEN', { kind: 'env', name: 'TOKEN' }],
    ['file:/run/secrets/token', { kind: 'file', path: '/run/secrets/token' }],
  ])('%s', (text, value) => expect(parseSecret(text)).toEqual({ ok: true, value }))
  it.each([
    '',
    'hunter2',
    'env:',
    'env:A-B',
    'env: A',
    'file:',
    'file:~/a',
    'keychain:a',
    'vault:a',
    'ENV:A',
  ])('%j is refused, and not repeated', (text) =>
    expect(parseSecret(text)).toEqual({ ok: false, error: expect.not.stringContaining('hunter2') as string }),
  )
})

describe('a value of the environment', () => {
  it.each([
    ['warn', { kind: 'value', value: 'warn' }],
    ['', { kind: 'value', value: '' }],
    ['env:TOKEN', { kind: 'env', name: 'TOKEN' }],
    ['value:file:./dev.db', { kind: 'value', value: 'file:./dev.db' }],
  ])('%j', (text, value) => expect(parseSecretOrValue(text)).toEqual({ ok: true, value }))
  it.each(['keychain:a', 'env:A-B', 'a\0b'])('%j is refused', (text) =>
    expect(parseSecretOrValue(text).ok).toBe(false),
  )
})

describe('the configuration is looked for', () => {
  const at = (...there: string[]) => ({ cwd: '/w', exists: (path: string) => there.includes(path) })
  it.each([
    [
      '--config first',
      { asked: 'a.yaml', env: { TOLLGATE_CONFIG: 'b.yaml' }, ...at('/w/tollgate.yaml') },
      'a.yaml',
    ],
    ['then $TOLLGATE_CONFIG', { env: { TOLLGATE_CONFIG: 'b.yaml' }, ...at('/w/tollgate.yaml') }, 'b.yaml'],
    [
      'then the working directory',
      { env: { HOME: '/h' }, ...at('/w/tollgate.yaml', '/h/.config/tollgate/tollgate.yaml') },
      '/w/tollgate.yaml',
    ],
    [
      'then XDG',
      { env: { HOME: '/h', XDG_CONFIG_HOME: '/x' }, ...at('/x/tollgate/tollgate.yaml') },
      '/x/tollgate/tollgate.yaml',
    ],
    [
      'which is ~/.config by default',
      { env: { HOME: '/h' }, ...at('/h/.config/tollgate/tollgate.yaml') },
      '/h/.config/tollgate/tollgate.yaml',
    ],
    ['then /etc', { env: {}, ...at('/etc/tollgate/tollgate.yaml') }, '/etc/tollgate/tollgate.yaml'],
    ['and may be nowhere', { env: {}, ...at() }, undefined],
  ])('%s', (_title, options, found) => expect(findConfig(options)).toBe(found))
  it('in places that can be named', () => {
    expect(configPlaces({ env: { HOME: '/h' }, cwd: '/w' })).toEqual([
      '/w/tollgate.yaml',
      '/h/.config/tollgate/tollgate.yaml',
      '/etc/tollgate/tollgate.yaml',
    ])
  })
})

describe('a misspelt word', () => {
  const words = ['listen', 'limits', 'servers', 'allowedHosts']
  it.each([
    ['lisetn', 'listen'],
    ['Listen', 'listen'],
    ['server', 'servers'],
    ['allowed_hosts', 'allowedHosts'],
    ['colour', undefined],
    ['x', undefined],
  ])('%s was meant to be %s', (word, meant) => expect(closest(word, words)).toBe(meant))
})

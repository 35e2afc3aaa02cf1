import { parsePolicies } from '@tollgate/cedar'
import { describe, expect, it } from 'vitest'
import { checkNames, type KnownTools } from './names.ts'

const known: KnownTools = new Map([
  ['files', new Set(['read', 'write'])],
  ['silent', undefined],
])

function check(text: string) {
  const parsed = parsePolicies(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors))
  return checkNames(parsed.value, known).map(({ line, column, length, message, suggestion }) =>
    [`${line}:${column}+${length}: ${message}`, ...(suggestion === undefined ? [] : [suggestion])].join('; '),
  )
}

describe('names in policies', () => {
  it.each<[string, string, string[]]>([
    [
      'all there',
      'permit (principal, action, resource in Server::"files") when { resource == Tool::"files__read" };',
      [],
    ],
    [
      'a server',
      '@id("x")\npermit (principal, action,\n  resource in Server::"fiels");',
      ['3:15+15: there is no server "fiels"; did you mean `Server::"files"`?'],
    ],
    [
      'a tool',
      'permit (principal, action, resource == Tool::"files__raed");',
      ['1:40+19: there is no tool "files__raed"; did you mean `Tool::"files__read"`?'],
    ],
    [
      'a tool like no other',
      'permit (principal, action, resource == Tool::"nothing__like_it");',
      ['1:40+24: there is no tool "nothing__like_it"; tollgate policy schema lists those there are'],
    ],
    [
      'a tool without its server',
      'permit (principal, action, resource) when { resource == Tool::"write" };',
      ['1:57+13: there is no tool "write"; did you mean `Tool::"files__write"`?'],
    ],
    [
      'in a list',
      'permit (principal, action, resource) when { resource in [Server::"x", Server::"files"] };',
      ['1:58+11: there is no server "x"; there are files and silent'],
    ],
    [
      'after is',
      'permit (principal, action, resource is Tool in Server::"nowhere");',
      ['1:48+17: there is no server "nowhere"; there are files and silent'],
    ],
    [
      'written in an unusual way',
      'permit (principal, action, resource in Server :: "fi\\u{6c}s");',
      ['1:28+33: there is no server "fils"; did you mean `Server::"files"`?'],
    ],
    [
      'that a comment has too',
      '@why("Server::\\"fils\\"") permit (principal, // Server::"fils"\naction, resource in Server::"fils");',
      ['2:21+14: there is no server "fils"; did you mean `Server::"files"`?'],
    ],
    [
      'a tool beside the action of another',
      'permit (principal, action in [Action::"files__read"], resource == Tool::"files__write");',
      [
        '1:55+32: Tool::"files__write" is not the resource of Action::"files__read"; write `resource == Tool::"files__read"`',
      ],
    ],
    [
      'a tool of a server that could not be asked',
      'permit (principal, action, resource == Tool::"silent__any");',
      [],
    ],
    ['anything else', 'permit (principal == User::"Server", action, resource == Resource::"files__x");', []],
  ])('%s', (_title, text, expected) => {
    expect(check(text)).toEqual(expected)
  })
})

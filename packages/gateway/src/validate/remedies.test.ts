/** What is said of a forbid whose remedy would not lift it. */
import { parsePolicies } from '@tollgate/cedar'
import { expect, test } from 'vitest'
import { checkRemedies } from './remedies.ts'

function found(text: string): readonly string[] {
  const parsed = parsePolicies(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors))
  return checkRemedies(parsed.value).map(
    ({ line, message, suggestion }) => `${line}: ${message}; ${suggestion}`,
  )
}

const forbid = (remedy: string, rest = '') =>
  `@id("f") @remedy("${remedy}") forbid (principal, action, resource) ${rest};`

test.each([
  forbid('approval', 'unless { context has approval }'),
  forbid('approval', 'when { !(context has approval) && context.input has a }'),
  forbid('approval', 'unless { context has approval && context.approval.approvers.contains(User::"lea") }'),
  forbid('approval', 'unless { context has approval.approvers }'),
  forbid('task', 'unless { context has task && context.task.purpose like "x*" }'),
  forbid('Ask the data team.'),
  '@remedy("approval") permit (principal, action, resource);',
  'forbid (principal, action, resource);',
])('nothing of %s', (text) => expect(found(text)).toEqual([]))

test.each([
  [forbid('approval'), 'approval'],
  [forbid('approval', 'when { context.input.approval }'), 'approval'],
  [forbid('approval', 'unless { context has task }'), 'approval'],
  [forbid('approval', 'unless { principal has approval }'), 'approval'],
  [forbid('task', 'unless { context has approval }'), 'task'],
])('%s', (text, remedy) =>
  expect(found(text)).toEqual([
    `1: @remedy("${remedy}") says what lifts this forbid, and its condition does not look for one; write \`unless { context has ${remedy} }\``,
  ]),
)

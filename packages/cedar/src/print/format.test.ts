import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { policyToJson } from '../json/est-write.ts'
import { loadOfficial } from '../testing/official.ts'
import { randomExpression } from '../testing/random-expression.ts'
import { randomGaps } from '../testing/random-gaps.ts'
import { Random } from '../testing/random.ts'
import { randomPolicy, randomTemplate } from '../testing/random-policy.ts'
import { parsePolicies } from '../text/parse.ts'
import { expressionToText } from './expression.ts'
import { format } from './format.ts'

const official = loadOfficial()

const CASES = Number(process.env['CEDAR_CASES'] ?? 500)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)
const TIMEOUT_MS = 30 * CASES + 60_000

function formatted(text: string, width?: number): string {
  const result = format(text, width === undefined ? {} : { width })
  if (!result.ok) throw new Error(`${JSON.stringify(result.errors)}\n${text}`)
  return result.value
}

function trees(text: string): string[] {
  const parsed = parsePolicies(text)
  if (!parsed.ok) throw new Error(`${JSON.stringify(parsed.errors)}\n${text}`)
  return parsed.value.map(policyToJson)
}

function officialFormat(text: string): string {
  const answer = official.formatPolicies({ policyText: text, lineWidth: 80 })
  if (answer.type === 'failure') throw new Error(`${JSON.stringify(answer.errors)}\n${text}`)
  return answer.formatted_policy
}

function randomText(random: Random): string {
  const expression = (): string => expressionToText(randomExpression(random, 4))
  const one = (): string =>
    random.pick([
      () => randomPolicy(random),
      () => `@id("x")${randomTemplate(random)}`,
      () => `@a@in("x")permit(principal,action in [Action::"a",],resource,)when{(${expression()})};`,
      () => `forbid(principal,action,resource)unless{[${expression()},{a:1,},].contains(${expression()})};`,
    ])()
  return [one(), ...random.some(2, one)].join('')
}

describe('formatting', () => {
  it(`keeps trees and comments, and is stable, in ${CASES} random texts`, { timeout: TIMEOUT_MS }, () => {
    let kept = 0
    for (let index = 0; index < CASES; index++) {
      const random = new Random(SEED * 43_000_003 + index)
      const { text, comments } = randomGaps(random, randomText(random))
      const width = random.pick([1, 20, 40, 80, 200])
      const result = formatted(text, width)
      expect(formatted(result, width), text).toBe(result)
      expect(trees(result), text).toEqual(trees(text))
      expect(commentsOf(result), text).toEqual(comments)
      expect(result).not.toMatch(/[ \t]\n|\n\n\n|^\n|\n\n$/)
      kept += comments.length
    }
    expect(kept).toBeGreaterThan(CASES)
  })

  it(`agrees with the official formatter on most of ${CASES} random policies`, {
    timeout: TIMEOUT_MS,
  }, () => {
    let same = 0
    for (let index = 0; index < CASES; index++) {
      const text = randomPolicy(new Random(SEED * 47_000_003 + index))
      if (formatted(text) === officialFormat(text)) same++
    }
    expect(same).toBeGreaterThan(CASES * 0.6)
  })

  it('agrees with the official formatter on our own policies, but for an empty line that it drops', () => {
    const folder = new URL('../../../../examples/quickstart/policies/', import.meta.url)
    const text = readFileSync(new URL('quickstart.cedar', folder), 'utf8')
    expect(formatted(text)).toBe(officialFormat(text).replace('wins.\n', 'wins.\n\n'))
  })

  it('breaks what does not fit', () => {
    const text = `@id("x") @advice("y") permit(principal in Group::"a long name of a group", action in [Action::"first", Action::"second", Action::"the third of them all"], resource)
      when { context.input.limit < 100 && (principal.clearance >= resource.sensitivity || principal in resource.owners) }
      unless { if context has approvals then context.approvals.containsAll([User::"alice", User::"bob"]) else resource.path like "a/*" };`
    expect(formatted(text)).toBe(`@id("x")
@advice("y")
permit (
  principal in Group::"a long name of a group",
  action in
    [Action::"first", Action::"second", Action::"the third of them all"],
  resource
)
when
{
  context.input.limit < 100 &&
  (principal.clearance >= resource.sensitivity || principal in resource.owners)
}
unless
{
  if
    context has approvals
  then
    context.approvals.containsAll([User::"alice", User::"bob"])
  else
    resource.path like "a/*"
};
`)
    expect(
      formatted('permit(principal,action,resource)when{[{a:first(1)}]};'.replace('first', 'ip'), 12),
    ).toBe(`permit (
  principal,
  action,
  resource
)
when
{
  [{
     a:
       ip(1)
   }]
};
`)
  })

  it('leaves comments with what they are about', () => {
    const text = `  // about the file


// about the first
@id("first") // why this name
// about the effect
permit (principal, // anyone
  action in [Action::"a", // one
    // about two
    Action::"b",],
  resource) // behind the scope
when { context.a // behind a
  // about b
  && context.b // behind b
  && { x: 1, // behind x
    // last in the record
  }.x == 1
  // last in the condition
}; // behind the first
// below the first

// about the second
forbid (principal, action, resource)
unless { context.x // deep
  .y };
// at the end

// at the very end`
    expect(formatted(text)).toBe(`// about the file

// about the first
@id("first") // why this name
// about the effect
permit (
  principal, // anyone
  action in
    [Action::"a", // one
     // about two
     Action::"b"],
  resource
) // behind the scope
when
{
  context.a && // behind a
  // about b
  context.b && // behind b
  {
    x: 1 // behind x
    // last in the record
  }.x == 1
  // last in the condition
}; // behind the first
// below the first

// about the second
forbid (principal, action, resource)
unless
{
  context.x // deep
    .y
};
// at the end

// at the very end
`)
  })

  it('keeps single empty lines between comments, operands and items, and puts one between policies', () => {
    const text = `permit (principal, action, resource);
permit (principal, action, resource) when {

context.a


&& context.b &&

["the first one",

"second",
"3"].contains(1)

};`
    expect(formatted(text, 20).replaceAll(/permit \([^)]*\)/g, 'permit')).toBe(`permit;

permit
when
{
  context.a &&

  context.b &&

  ["the first one",

   "second",
   "3"].contains(1)
};
`)
  })

  it('leaves the inside of strings alone, whatever it looks like', () => {
    const text =
      '@note("a // b\n\n  c  \n")\npermit (principal, action, resource)\nwhen { "//" like "*\\u{2a}//" };\n'
    expect(formatted(text)).toBe(text)
  })

  it('writes line feeds only', () => {
    expect(formatted('// a\r\npermit (principal, action, resource); // b\r// c\r\n')).toBe(
      '// a\npermit (principal, action, resource); // b\n// c\n',
    )
  })

  it('leaves a file without policies what it is', () => {
    expect(formatted('')).toBe('')
    expect(formatted(' \n\t\n')).toBe('')
    expect(formatted('\n\n// nothing yet  ')).toBe('// nothing yet\n')
  })

  it('holds chains and lists of any length', () => {
    const chain = Array.from({ length: 30_000 }, (_, index) => `context.a${index}`).join(' && ')
    const list = Array.from({ length: 30_000 }, (_, index) => index).join(',')
    const text = `permit(principal,action,resource)when{${chain}&&[${list}].contains(1)};`
    const result = formatted(text)
    expect(formatted(result)).toBe(result)
    expect(trees(result)).toEqual(trees(text))
  })

  it('refuses what does not parse', () => {
    const text =
      'permit (principal, action, resource);\n// why\npermit (principal, action, resource) when { 1 + };'
    expect(format(text, { file: 'a.cedar' })).toEqual({
      ok: false,
      errors: [{ message: expect.stringContaining('expected'), file: 'a.cedar', line: 3, column: 49 }],
    })
  })
})

function commentsOf(text: string): string[] {
  const found = text.matchAll(/"(?:\\.|[^"\\])*"|\/\/[^\n]*/g)
  return Array.from(found, ([match]) => match).filter((match) => match.startsWith('//'))
}

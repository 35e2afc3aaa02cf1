import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyFromJson } from '../json/est-read.ts'
import { policyToJson } from '../json/est-write.ts'
import type { Expression } from '../policy/syntax.ts'
import { loadOfficial } from '../testing/official.ts'
import { randomExpression } from '../testing/random-expression.ts'
import { Random } from '../testing/random.ts'
import { randomPolicy } from '../testing/random-policy.ts'
import { parsePolicies } from '../text/parse.ts'
import { expressionToText } from './expression.ts'

const official = loadOfficial()

const CASES = Number(process.env['CEDAR_CASES'] ?? 1000)
const SEED = Number(process.env['CEDAR_SEED'] ?? 1)

const when = (expression: string): string => `permit (principal, action, resource) when { ${expression} };`

function parsed(text: string): Expression {
  const policies = parsePolicies(when(text))
  const [policy] = policies.ok ? policies.value : []
  if (policy?.conditions[0] === undefined) throw new Error(`${JSON.stringify(policies)}\n${text}`)
  return policy.conditions[0].expression
}

/** The tree without its places. */
function json(expression: Expression): string {
  const policies = parsePolicies(when('true'))
  const [policy] = policies.ok ? policies.value : []
  if (policy === undefined) throw new Error('no policy')
  return policyToJson({ ...policy, conditions: [{ kind: 'when', expression }] })
}

describe('an expression as text', () => {
  it(`is read back as the same tree, in ${CASES} random policies`, () => {
    for (let index = 0; index < CASES; index++) {
      const policies = parsePolicies(randomPolicy(new Random(SEED * 23_000_003 + index)))
      if (!policies.ok) throw new Error(JSON.stringify(policies.errors))
      for (const { expression } of policies.value.flatMap(({ conditions }) => conditions)) {
        const text = expressionToText(expression)
        expect(json(parsed(text)), text).toBe(json(expression))
        expect(expressionToText(parsed(text))).toBe(text)
      }
    }
  })

  it(`has only parentheses without which it would be another tree, in ${CASES} random trees`, () => {
    let dropped = 0
    for (let index = 0; index < CASES; index++) {
      const expression = randomExpression(new Random(SEED * 29_000_003 + index), 4)
      const text = expressionToText(expression)
      expect(json(parsed(text)), text).toBe(json(expression))
      for (const shorter of withoutOnePair(text)) {
        const policies = parsePolicies(when(shorter))
        const other = policies.ok ? policies.value[0]?.conditions[0]?.expression : undefined
        if (other !== undefined) expect(json(other), `${text}\n${shorter}`).not.toBe(json(expression))
        dropped++
      }
    }
    expect(dropped).toBeGreaterThan(CASES / 2)
  })

  it(`is read by the official engine as the same tree, in ${CASES} random trees`, () => {
    for (let index = 0; index < CASES; index++) {
      const expression = randomExpression(new Random(SEED * 31_000_003 + index), 4)
      const text = expressionToText(expression)
      const answer = official.policyToJson(when(text))
      if (answer.type === 'failure') throw new Error(`${JSON.stringify(answer.errors)}\n${text}`)
      // Through JavaScript the official engine rounds integers.
      expect(comparable(answer.json), text).toEqual(comparable(JSON.parse(json(expression))))
    }
  })

  it('holds every string and every name', () => {
    const strings = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(strings, strings, (value, name) => {
        const at = 0
        const context: Expression = { kind: 'variable', at, name: 'context' }
        const subject: Expression = { kind: 'attribute', at, object: context, name }
        const record: Expression = {
          kind: 'record',
          at,
          members: [{ name, value: { kind: 'string', at, value } }],
        }
        for (const expression of [
          subject,
          record,
          { kind: 'has', at, object: context, path: [name] } as const,
          { kind: 'like', at, subject, pattern: [value, `|${name}`, ''] } as const,
        ]) {
          const text = expressionToText(expression)
          expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u)
          expect(json(parsed(text)), text).toBe(json(expression))
          expect(official.checkParsePolicySet({ staticPolicies: when(text) }).type, text).toBe('success')
        }
      }),
      { numRuns: 200 },
    )
  })

  // Left: as somebody writes it. Right: as it is written here; the same where it is left out.
  const rows: readonly (readonly [text: string, written?: string])[] = [
    ['(true && false) || true && (false || true)', 'true && false || true && (false || true)'],
    ['(true && true) && (true && true)', 'true && true && (true && true)'],
    ['(1 + 2) - (3 - 4) * 5 == -6', '1 + 2 - (3 - 4) * 5 == -6'],
    ['(1 == 2) == ((3) < 4)', '(1 == 2) == (3 < 4)'],
    ['!(principal has a) && !(!context.x)', '!(principal has a) && !!context.x'],
    ['!!!!(!!!true)'],
    ['-(5) == -5'],
    ['-(-5) == - - 5', '--5 == --5'],
    ['(-9223372036854775808).x == 9007199254740993 - -1'],
    ['-(context.a + 1) < -context.a'],
    ['if (if true then true else false) then 1 else if false then 2 else 3'.replaceAll(/[()]/g, '')],
    ['(if true then 1 else 2) == 1'],
    ['true && (if true then true else false)'],
    [
      '[(if true then 1 else 2), {"a": (1 == 1), "if": 2}]',
      '[if true then 1 else 2, { a: 1 == 1, "if": 2 }]',
    ],
    ['[] == {}'],
    ['context["a b"]["ok"]["then"]', 'context["a b"].ok["then"]'],
    ['(context has a.b.c) == (context has "a")', '(context has a.b.c) == (context has a)'],
    [
      '(principal is A::B in User::"a\\"b") || (principal) is User',
      'principal is A::B in User::"a\\"b" || principal is User',
    ],
    ['context.s like "\\**\\\\*\\u{2a}"', 'context.s like "\\**\\\\*"'],
    ['ip("10.0.0.1").isInRange((ip("10.0.0.0/8")))', 'ip("10.0.0.1").isInRange(ip("10.0.0.0/8"))'],
    ['decimal("1.5").lessThan(decimal("2.5")) && principal.getTag("t").isEmpty()'],
    ['(principal in resource).contains(1)'],
    ['"tab\\t null\\0 \\u{202e}\\u{feff} 😀 \\x41"', '"tab\\t null\\0 \\u{202e}\\u{feff} 😀 A"'],
  ]
  it.each(rows.map(([text, written]) => ({ text, written: written ?? text })))(
    '$text',
    ({ text, written }) => {
      expect(expressionToText(parsed(text))).toBe(written)
    },
  )

  it('says as a chain of tests what only JSON can say in one', () => {
    const policy = policyFromJson(
      `{"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"},
        "conditions": [{"kind": "when", "body":
          {"!": {"arg": {"has": {"left": {"Var": "context"}, "attr": ["a", "b c", "if"]}}}}}]}`,
      'p',
    )
    const expression = policy.ok ? policy.value.conditions[0]?.expression : undefined
    expect(expression && expressionToText(expression)).toBe(
      '!(context has a && context.a has "b c" && context.a["b c"] has "if")',
    )
  })

  it('goes on several lines where it does not fit the width it is given', () => {
    const expression = parsed(
      'context.limit <= 1000 && (principal.clearance >= 3 || principal in resource.owners)',
    )
    expect(expressionToText(expression, { width: 40 })).toBe(
      `context.limit <= 1000 &&
(principal.clearance >= 3 ||
 principal in resource.owners)`,
    )
    expect(expressionToText(expression, { width: 200 })).toBe(expressionToText(expression))
  })

  it('may be a chain of any length', () => {
    const text = Array.from({ length: 30_000 }, () => 'true').join(' || ')
    expect(expressionToText(parsed(text))).toBe(text)
  })
})

/** The text without one pair of parentheses, for each pair that is neither a call's nor within quotes. */
function withoutOnePair(text: string): string[] {
  const open: number[] = []
  const shorter: string[] = []
  for (const { 0: found, index } of text.matchAll(/"(?:\\.|[^"\\])*"|[()]/g)) {
    if (found === '(') open.push(index)
    if (found !== ')') continue
    const start = open.pop() ?? 0
    if (/\w$/.test(text.slice(0, start)) && !/(?:then|else|if|in|has|is) ?$/.test(text.slice(0, start)))
      continue
    shorter.push(`${text.slice(0, start)} ${text.slice(start + 1, index)} ${text.slice(index + 1)}`)
  }
  return shorter
}

function comparable(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(/"Wildcard"(,"Wildcard")+/g, '"Wildcard"'))
}

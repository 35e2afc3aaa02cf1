// For tests: cases about what extension types read, and how what was read compares: texts that are right, or nearly.

import { BAD_TEXTS, DATETIMES, DECIMALS, DURATIONS, IPS } from './edge-values.ts'
import type { Case } from './random-case.ts'
import type { Json } from './random-world.ts'
import { Random } from './random.ts'

/** For each function its texts, and what is asked of two values it made. */
const FUNCTIONS = [
  [
    'decimal',
    DECIMALS,
    ['A.lessThan(B)', 'A.lessThanOrEqual(B)', 'A.greaterThan(B)', 'A.greaterThanOrEqual(B)'],
  ],
  ['ip', IPS, ['A.isInRange(B)', 'A.isIpv4()', 'A.isIpv6()', 'A.isLoopback()', 'A.isMulticast()']],
  [
    'datetime',
    DATETIMES,
    [
      'A < B',
      'A.durationSince(B).toMilliseconds() < context.n',
      'A.toDate() == B.toDate()',
      'A.toTime().toMilliseconds() <= context.n',
      'A.offset(duration("1d")) > B',
    ],
  ],
  [
    'duration',
    DURATIONS,
    [
      'A < B',
      'A.toMilliseconds() <= context.n',
      'A.toSeconds() < context.n',
      'A.toMinutes() == B.toMinutes()',
      'A.toHours() >= context.n',
      'A.toDays() == B.toDays()',
      'datetime("1970-01-01").offset(A) <= datetime("1970-01-01").offset(B)',
    ],
  ],
] as const
const CHARACTERS = Array.from('0123456789.:/-+TZdhms abcdefF٣\u0000９')
const PARTIES = {
  principal: { type: 'User', id: 'x' },
  action: { type: 'Action', id: 'x' },
  resource: { type: 'File', id: 'x' },
}

/** The same seed gives the same case. */
export function extensionCase(seed: number, requests: number): Case {
  const random = new Random(seed)
  const [name, texts, questions] = random.pick(FUNCTIONS)
  const conditions = ['A == A', 'A == B', ...questions].map((question) =>
    question.replaceAll('A', `${name}(context.a)`).replaceAll('B', `${name}(context.b)`),
  )
  const policies = conditions.map((text, index): [string, Json] => [
    `p${index}`,
    `permit (principal, action, resource) when { ${text} };`,
  ])
  const text = (): string =>
    random.chance(0.1) ? random.pick(BAD_TEXTS) : mutateText(random, random.pick<string>(texts))
  const n = (): number => random.pick([0, 1, -1, 43_200_000, 999, random.below(86_400_000)])
  return {
    policies: { staticPolicies: Object.fromEntries(policies), templates: {}, templateLinks: [] },
    entities: [],
    requests: Array.from({ length: requests }, () => ({
      ...PARTIES,
      context: { a: text(), b: text(), n: n() },
    })),
  }
}

/** With up to three characters dropped, doubled or replaced. */
function mutateText(random: Random, text: string): string {
  const characters = Array.from(text)
  for (let count = random.below(4); count > 0; count--) {
    const at = random.below(characters.length + 1)
    const put = random.pick([[], [random.pick(CHARACTERS)], [characters[at] ?? '0', characters[at] ?? '0']])
    characters.splice(at, random.below(2), ...put)
  }
  return characters.join('')
}

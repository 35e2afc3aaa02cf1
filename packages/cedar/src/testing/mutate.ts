// For tests: texts that are nearly policies.

import { tokenize } from '../text/tokens.ts'
import type { Random } from './random.ts'

const PUNCTUATION = '( ) [ ] { } , ; : :: . == != < <= > >= = && || ! - + * / % @ #'.split(' ')
const WORDS =
  'in has like is if then else true false principal action resource context permit forbid when unless User Action ip decimal isIpv4 contains isEmpty a id __cedar ?principal ?resource ?x'.split(
    ' ',
  )
const NUMBERS = '0 1 007 9223372036854775807 9223372036854775808 18446744073709551616'.split(' ')
const STRINGS = [
  '"a"',
  '"\\*"',
  '"\\u{41}"',
  '"\\x7f"',
  '"\\x80"',
  '"\\u{d800}"',
  '"\\u{1_2}"',
  '"\\u{_1}"',
  '"\\q"',
]
const SPACES = ['// c\n', '\r\n', '\u00a0', '\u0085', '\ufeff', '"a\rb"', '"a\r\nb"', '"a\nb"', '"unfinished']
/** Tokens that can stand anywhere, and what is nearly one. */
export const ANY_TOKENS = [...PUNCTUATION, ...STRINGS, ...SPACES]
const POLICY_TOKENS = [...ANY_TOKENS, ...WORDS, ...NUMBERS]

/** The text with one or two tokens dropped, doubled, exchanged or replaced by some of the pool. */
export function mutate(random: Random, text: string, pool: readonly string[] = POLICY_TOKENS): string {
  const tokens = tokenize(text)
    .slice(0, -1)
    .map((token) => token.text)
  for (let count = 1 + random.below(2); count > 0; count--) {
    const at = random.below(tokens.length)
    const [token = ''] = tokens.splice(at, 1)
    random.pick([
      () => {},
      () => tokens.splice(at, 0, random.pick(pool)),
      () => tokens.splice(at, 0, token, random.pick(pool)),
      () => tokens.splice(at, 0, token, token),
      () => tokens.splice(random.below(tokens.length), 0, token),
    ])()
  }
  return tokens.join(random.chance(0.9) ? ' ' : '')
}

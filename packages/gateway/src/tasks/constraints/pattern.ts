/** Regular expressions that take time in proportion to the text, whatever the expression. */
import { RE2JS } from 're2js'
import { err, ok, type Result } from '../../model/result.ts'
import { type Translation, translate, Untranslatable } from './pattern-syntax.ts'

export interface Pattern {
  test(text: string): boolean
  /** The expression as written. */
  toString(): string
}

/** What one check may still cost, in characters looked at. */
export interface Work {
  left: number
}

const MAX_PATTERN_CHARACTERS = 1000
const MAX_PROGRAM = 5000
/** Up to here the engine that goes back and tries again is the quicker one: about a tenth of a millisecond at worst. */
const FEW_STEPS = 50_000

/** The error completes "the pattern … ". What it costs is taken from `work`; when nothing is left, nothing matches. */
export function compilePattern(written: string, work: Work): Result<Pattern, string> {
  if (written.length > MAX_PATTERN_CHARACTERS)
    return err(`is longer than ${MAX_PATTERN_CHARACTERS} characters`)
  let native: RegExp
  try {
    native = new RegExp(written, 'u')
  } catch (problem) {
    return err(`is not a regular expression: ${messageOf(problem)}`)
  }
  try {
    const translation = translate(written)
    const linear = RE2JS.compile(translation.re2)
    const size = linear.programSize()
    if (size > MAX_PROGRAM) return err('repeats too much')
    const quickUpTo = mostCharacters(translation)
    return ok({
      test: (text) => {
        const isQuick = text.length <= quickUpTo
        work.left -= isQuick ? text.length : text.length * size
        if (work.left < 0) return false
        return isQuick ? native.test(text) : linear.test(text)
      },
      toString: () => written,
    })
  } catch (problem) {
    const why =
      problem instanceof Untranslatable ? problem.message : `RE2 does not take it (${messageOf(problem)})`
    return err(`cannot be matched in linear time: ${why}`)
  }
}

/** The longest text for which trying every way takes no more than a few steps; below 0 where none is short enough. */
function mostCharacters({ ways, runs, length }: Translation): number {
  const steps = (characters: number) => ways * (characters + 1) ** runs * (length + 1)
  let most = -1
  for (let step = 2 ** 20; step >= 1; step /= 2) if (steps(most + step) <= FEW_STEPS) most += step
  return most
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem)
}

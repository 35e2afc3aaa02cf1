// For tests: the same tokens with other spaces, line breaks and comments between them.

import { tokenize } from '../text/tokens.ts'
import type { Random } from './random.ts'

const SPACES = [' ', '  ', '\n', '\t', '\r\n', '\n\n', '\n \n\n', '\u00a0', '\r']
const BODIES = ['', ' why', ' "quoted', ' permit (', '/ a third', ' é😀', ' ends with a bracket {', ' ;']

/** The text with other gaps between its tokens, and the comments in them, each of which stands nowhere else. */
export function randomGaps(random: Random, text: string): { text: string; comments: string[] } {
  const comments: string[] = []
  const density = random.pick([0, 0.02, 0.1, 0.5])
  const gap = (): string => {
    let between = random.pick(SPACES)
    while (random.chance(density)) {
      const comment = `// ${comments.length}${random.pick(BODIES)}`
      comments.push(comment)
      between +=
        comment +
        random.pick(['\n', '  \n', '\r\n', '\r', '\n\n', '\t\n   \n\n']) +
        random.pick(['', ...SPACES])
    }
    return between
  }
  const changed = tokenize(text).map((token) => gap() + (token.kind === 'end' ? '' : token.text))
  return { text: changed.join(''), comments }
}

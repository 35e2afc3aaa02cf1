/** Labels of what tools read: any word may be one, but for those that only look like the words that have a meaning. */
import { suggest } from '@tollgate/cedar'

const MEANT = ['untrusted', 'private', 'trusted']

/** What is wrong with a label: one that is misspelt would hold nothing against any call, and nobody would know. */
export function labelFault(word: string): string | undefined {
  if (MEANT.includes(word)) return undefined
  const meant = suggest(word, MEANT)
  return meant === undefined
    ? undefined
    : `${JSON.stringify(word)} looks like "${meant}"; write that, or a word that is less like it`
}

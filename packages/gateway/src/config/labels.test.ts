import { expect, it } from 'vitest'
import { labelFault } from './labels.ts'

it.each(['untrusted', 'private', 'trusted', 'public', 'pii', 'secret', 'customer:eu'])(
  '%s is a label',
  (word) => {
    expect(labelFault(word)).toBeUndefined()
  },
)

it.each([
  ['Untrusted', 'untrusted'],
  ['untrusted.', 'untrusted'],
  ['untrused', 'untrusted'],
  ['PRIVATE', 'private'],
  ['trused', 'trusted'],
])('%s is taken for a slip', (word, meant) => {
  expect(labelFault(word)).toContain(`looks like "${meant}"`)
})

/** Snippets in documents come from files that run: a marked block must stand in the file it names, line by line. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]
const marked = /<!-- from (\S+) -->\n```\w*\n([\s\S]*?)```/g
const snippets = documents.flatMap((document) =>
  [...readFileSync(join(root, document), 'utf8').matchAll(marked)].map(([, file = '', text = '']) => ({
    document,
    file,
    text,
  })),
)

test('the documents have snippets to check', () => {
  expect(snippets.length).toBeGreaterThan(0)
})

test.each(snippets)('the snippet of $document stands in $file', ({ file, text }) => {
  expect(readFileSync(join(root, file), 'utf8')).toContain(text)
})

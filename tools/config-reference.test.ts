import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { showConfigError } from '../packages/gateway/src/config/config.ts'
import { parseConfig } from '../packages/gateway/src/config/load.ts'
import { configSchema } from '../packages/gateway/src/config/schema.ts'
import { generatedFiles } from './config-reference.ts'

const root = path.resolve(import.meta.dirname, '..')

describe('the configuration reference', () => {
  it.each([...generatedFiles()])('%s is what `npx node tools/config-reference.ts` writes', (file, text) => {
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})

/** Blocks of YAML that begin a line with a key of the configuration, with the line they stand on. */
function configurationsIn(file: string): [where: string, text: string][] {
  const text = readFileSync(path.join(root, file), 'utf8')
  if (file.endsWith('.yaml')) return [[file, text]]
  const isConfiguration = new RegExp(`^(${Object.keys(configSchema.shape).join('|')}):`, 'm')
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)]
    .filter(([, block = '']) => isConfiguration.test(block))
    .map(({ index, 1: block = '' }) => [`${file}:${text.slice(0, index).split('\n').length + 1}`, block])
}

describe('every configuration shown in the documentation is valid', () => {
  const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'examples/*/*.yaml'], { cwd: root })
  const shown = pages.filter((file) => !file.includes('node_modules')).flatMap(configurationsIn)
  it.each(shown)('%s', (where, text) => {
    const result = parseConfig(where, text)
    const errors = result.ok ? [] : result.error.map(showConfigError)
    // A part without servers speaks of those that stand elsewhere.
    const isPart = !/^servers:/m.test(text)
    expect(errors.filter((error) => !isPart || !error.endsWith('there is no such server'))).toEqual([])
  })
})

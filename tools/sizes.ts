/** Keeps source files short enough to read: a warning above 300 lines, a failure above 500 (tools: 100). */
import { globSync, readFileSync } from 'node:fs'

const sources = [
  'packages/*/src/**/*.{ts,tsx}',
  'packages/*/bin/*',
  'test/**/*.ts',
  'examples/**/*.ts',
  'tools/*.ts',
]
/** Installed, built and generated files, and texts that come from elsewhere. */
const isForeign = /(^|\/)(node_modules|dist|generated|vectors)\//

function limits(file: string): { warnAbove: number; failAbove: number } {
  return file.startsWith('tools/') ? { warnAbove: 100, failAbove: 100 } : { warnAbove: 300, failAbove: 500 }
}

const files = globSync(sources).filter((file) => !isForeign.test(file))
const lengths = files.map((file) => ({
  file,
  lines: readFileSync(file, 'utf8').trimEnd().split('\n').length,
}))
const long = lengths.filter(({ file, lines }) => lines > limits(file).warnAbove)
const tooLong = long.filter(({ file, lines }) => lines > limits(file).failAbove)

for (const each of long.toSorted((a, b) => b.lines - a.lines)) {
  console.log(`${tooLong.includes(each) ? 'too long' : 'long'}: ${each.file}, ${each.lines} lines`)
}
const median =
  lengths.map(({ lines }) => lines).toSorted((a, b) => a - b)[Math.floor(lengths.length / 2)] ?? 0
console.log(`${files.length} files, median ${median} lines, ${long.length} long, ${tooLong.length} too long`)
process.exitCode = tooLong.length > 0 ? 1 : 0

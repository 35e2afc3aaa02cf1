/** `npm run --silent replay -- <files…>`: plays sequences of calls and tells what was stopped, refused and asked. */
import { isUtf8 } from 'node:buffer'
import { globSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { readSequences } from './read.ts'
import { play } from './play.ts'
import { reportOf, type SequenceReport, showSequence, showTotal, totalOf } from './report.ts'

const USAGE = `npm run --silent replay -- [--json] [files…]
  files     sequences of calls as JSON lines (test/scenarios/flow/README.md); of a folder, its *.jsonl;
            without any, those of this repository
  --json    one JSON document on stdout instead of text
Exit status: 0 as expected, 1 something was not, 2 the files cannot be read.
`

process.exitCode = await main()

async function main(): Promise<0 | 1 | 2> {
  const asked = options()
  if (typeof asked === 'string') {
    process.stderr.write(asked)
    return 2
  }
  const { files, json, help } = asked
  if (help) {
    process.stdout.write(USAGE)
    return 0
  }
  const read = files.flatMap(filesAt).map(readOne)
  const errors = read.flatMap((each) => each.errors)
  if (errors.length > 0) {
    process.stderr.write(`${errors.join('\n')}\n`)
    return 2
  }
  const reports: SequenceReport[] = []
  let unplayed = 0
  for (const sequence of read.flatMap((each) => each.sequences)) {
    try {
      const report = reportOf(sequence, await play(sequence))
      reports.push(report)
      if (!json) console.log(showSequence(report))
    } catch (problem) {
      const why = problem instanceof Error ? problem.message : String(problem)
      process.stderr.write(`${sequence.file}:${sequence.line}: ${sequence.name} cannot be played: ${why}\n`)
      unplayed++
    }
  }
  const total = totalOf(reports)
  console.log(json ? JSON.stringify({ total, sequences: reports }, undefined, 2) : showTotal(total, unplayed))
  if (unplayed > 0) return 2
  return total.unexpected === 0 ? 0 : 1
}

function options(): { files: readonly string[]; json: boolean; help: boolean } | string {
  try {
    const { values, positionals } = parseArgs({
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    return { ...values, files: positionals.length === 0 ? ownFiles() : positionals }
  } catch (problem) {
    return `${problem instanceof Error ? problem.message : String(problem)}\n${USAGE}`
  }
}

function ownFiles(): readonly string[] {
  const folder = join(import.meta.dirname, 'sequences')
  return globSync('*.jsonl', { cwd: folder })
    .toSorted()
    .map((name) => relative(process.cwd(), join(folder, name)))
}

/** A folder stands for the files in it, a pattern that no shell has resolved for those that it matches. */
function filesAt(path: string): readonly string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  const found = stat?.isDirectory()
    ? globSync('*.jsonl', { cwd: path }).map((name) => join(path, name))
    : stat === undefined && /[*?[{]/.test(path)
      ? globSync(path)
      : [path]
  return found.length === 0 ? [path] : found.toSorted()
}

function readOne(file: string): ReturnType<typeof readSequences> {
  try {
    const bytes = readFileSync(file)
    if (isUtf8(bytes)) return readSequences(file, bytes.toString('utf8'))
    return { sequences: [], errors: [`${file}: is not UTF-8; save it so`] }
  } catch (problem) {
    return { sequences: [], errors: [`${file}: cannot be read: ${reasonOf(problem)}`] }
  }
}

function reasonOf(problem: unknown): string {
  const code = problem instanceof Error && 'code' in problem ? problem.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'a folder, and there is no *.jsonl in it'
  return problem instanceof Error ? problem.message : String(problem)
}

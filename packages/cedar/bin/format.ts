// `npm run --silent cedar -- format …`: lays out policy files.
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { format } from '@tollgate/cedar'

export const FORMAT_USAGE = `npm run --silent cedar -- format [--check] [--width N] <files or folders…>
  Lays out policies much as the official formatter does, keeps every comment, and names the files it changed.
  --check     change nothing; name the files that are not formatted
  --width N   how long lines may be where they can be broken; default: 80
  Of a folder all .cedar files are formatted, at any depth; \`-\` formats standard input to standard output.
  Exit status: 0 when all went well, 1 when a file cannot be read or parsed, or with --check is not formatted, 2 when
  called wrongly.
`

interface Options {
  readonly check: boolean
  readonly width: number
}

/** Runs the command with what stands behind its name; the exit status. */
export function formatCommand(args: readonly string[]): number {
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        check: { type: 'boolean', default: false },
        width: { type: 'string', default: '80' },
        help: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    return misused(error instanceof Error ? error.message : String(error))
  }
  const { check, width, help } = parsed.values
  if (help) {
    process.stdout.write(FORMAT_USAGE)
    return 0
  }
  if (!/^[1-9]\d{0,5}$/.test(width)) return misused(`--width needs a number of characters, not ${width}`)
  if (parsed.positionals.length === 0) return misused('no file to format')
  const options = { check, width: Number(width) }
  const results = parsed.positionals.flatMap(filesOf).map((file) => formatFile(file, options))
  return results.every(Boolean) ? 0 : 1
}

function misused(message: string): number {
  process.stderr.write(`cedar: ${message}\n${FORMAT_USAGE}`)
  return 2
}

/** A file is what was named; of a folder, the policy files. */
function filesOf(target: string): string[] {
  if (target === '-' || statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) return [target]
  return globSync('**/*.cedar', { cwd: target })
    .sort()
    .map((name) => path.join(target, name))
}

/** Whether all is well with a file. */
function formatFile(file: string, { check, width }: Options): boolean {
  const fail = (message: string): boolean => {
    process.stderr.write(`${message}\n`)
    return false
  }
  const failed = (error: unknown): boolean =>
    fail(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  let text
  try {
    // Strictly, since what is not UTF-8 could not be written back.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      readFileSync(file === '-' ? 0 : file),
    )
  } catch (error) {
    return failed(error)
  }
  const result = format(text, { file, width })
  if (!result.ok) {
    return fail(
      result.errors
        .map((error) => `${error.file}:${error.line}:${error.column}: ${error.message}`)
        .join('\n'),
    )
  }
  if (file === '-' && !check) process.stdout.write(result.value)
  else if (result.value !== text) {
    process.stdout.write(`${file}\n`)
    if (check) return false
    try {
      writeFileSync(file, result.value)
    } catch (error) {
      return failed(error)
    }
  }
  return true
}

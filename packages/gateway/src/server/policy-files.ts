/** Reads the files of policies: UTF-8, with a mark of its byte order or without. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { err, ok, type Result } from '../model/result.ts'
import type { PolicyText } from '../policy/policies.ts'

/** The `*.cedar` files of a folder, by name; else sentences that say what is wrong. */
export async function readPolicies(
  directory: string,
): Promise<Result<readonly PolicyText[], readonly string[]>> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch {
    return err([`${directory}: the folder of policies cannot be read; make it and put *.cedar files in it`])
  }
  const files = names.filter((name) => name.endsWith('.cedar')).toSorted()
  const read = await Promise.all(files.map((name) => readPolicy(join(directory, name))))
  const errors = read.flatMap((each) => (each.ok ? [] : each.error))
  return errors.length > 0 ? err(errors) : ok(read.flatMap((each) => (each.ok ? each.value : [])))
}

async function readPolicy(path: string): Promise<Result<PolicyText, string>> {
  const file = relative(process.cwd(), path) || path
  try {
    const bytes = await readFile(path)
    const text = decode(bytes)
    return text === undefined ? err(`${file}:${placeOfFault(bytes)}: ${NOT_UTF8}`) : ok({ file, text })
  } catch (problem) {
    return err(`${file}: cannot be read: ${problem instanceof Error ? problem.message : String(problem)}`)
  }
}

/** Read with replacements, a name in another encoding would be one that nothing is called: what forbids would not. */
const NOT_UTF8 = 'this is not UTF-8; save the file in that encoding'

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** `line:column` of the first byte that is no UTF-8. */
function placeOfFault(bytes: Buffer): string {
  const before = (bytes.toString('utf8').split('\ufffd')[0] ?? '').split('\n')
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`
}

/** JSON as editors and MCP clients write it: with comments and trailing commas. */
import { err, ok, type Result } from '../model/result.ts'

/** A string, a comment, or a comma with nothing but blanks and comments before the closing bracket. */
const TOKEN = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[}\]])/g

/** The value; the error says where the text stops making sense. */
export function parseJsonc(text: string): Result<unknown, string> {
  const withoutMark = text.replace(/^\uFEFF/, '')
  // What goes away leaves blanks, so that positions in errors stay those of the file.
  const strict = withoutMark.replace(TOKEN, (token) =>
    token.startsWith('"') ? token : token.replace(/[^\n]/g, ' '),
  )
  try {
    return ok(JSON.parse(strict) as unknown)
  } catch (error) {
    return err((error as SyntaxError).message)
  }
}

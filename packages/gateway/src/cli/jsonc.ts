/** JSON as editors and MCP clients write it: with comments and trailing commas. */
import { err, ok, type Result } from '../model/result.ts'

const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g
const STRING_OR_LAST_COMMA = /"(?:[^"\\\n]|\\.)*"|(?<=["\]}\w]\s*),(?=\s*[}\]])/g

/** The value; the error says where the text stops making sense. */
export function parseJsonc(text: string): Result<unknown, string> {
  // What goes away leaves blanks, so that positions in errors stay those of the file.
  const blank = (part: string) => (part.startsWith('"') ? part : part.replace(/[^\n]/g, ' '))
  const strict = text
    .replace(/^\uFEFF/, '')
    .replace(STRING_OR_COMMENT, blank)
    .replace(STRING_OR_LAST_COMMA, blank)
  try {
    return ok(JSON.parse(strict) as unknown)
  } catch (error) {
    return err((error as SyntaxError).message)
  }
}

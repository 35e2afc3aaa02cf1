/**
 * JSON.parse, but for names that are spelled with an escape. V8 (seen in 13.6) guesses a member's name from objects
 * parsed before: once one had the name `\`, it reads `"\n"` as `\`, and after `p\u0` it reads `"p\u0061th"` as that.
 * Whoever sends both could show the gateway another name than the caller reads in the same text. Only names spelled
 * with an escape are guessed wrong, so a text that has one is read here a second time, by what it says.
 */

/**
 * The value of a JSON text: what JSON.parse gives, and always what the text says.
 *
 * @throws SyntaxError when the text is not JSON.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return hasEscapedName(text) ? readValid(text) : value
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b
const CLOSE_OBJECT = 0x7d
const CLOSE_ARRAY = 0x5d

/** Offset after a string of valid JSON whose opening quote is at `start`. */
export function afterString(text: string, start: number): number {
  let from = start + 1
  for (;;) {
    const end = text.indexOf('"', from)
    if (end < 0) throw new SyntaxError('a string of valid JSON has no end')
    let back = end - 1
    while (text.charCodeAt(back) === BACKSLASH) back--
    if ((end - back) % 2 === 1) return end + 1
    from = end + 1
  }
}

/** The text of a string with its quotes, read alone: there is nothing to guess from. */
export function unescaped(raw: string): string {
  return raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1)
}

/** Steps from string to string: most texts with escapes have them in values only. */
function hasEscapedName(text: string): boolean {
  let escape = text.indexOf('\\')
  if (escape < 0) return false
  for (let start = text.indexOf('"'); start >= 0; start = text.indexOf('"', start)) {
    const end = afterString(text, start)
    if (escape < end) {
      if (text.charCodeAt(afterSpace(text, end)) === COLON) return true
      escape = text.indexOf('\\', end)
      if (escape < 0) return false
    }
    start = end
  }
  return false
}

type Holder = unknown[] | Record<string, unknown>

/** Reads JSON that is known to be valid; without recursion, as deep as JSON.parse can. */
function readValid(text: string): unknown {
  const root: unknown[] = []
  const open: Holder[] = [root]
  let name = ''
  for (let at = afterSpace(text, 0); at < text.length; at = afterSpace(text, at)) {
    const holder = open.at(-1) ?? root
    const code = text.charCodeAt(at)
    if (code === COMMA) {
      at++
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      open.pop()
      at++
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      const inner: Holder = code === OPEN_ARRAY ? [] : {}
      put(holder, name, inner)
      open.push(inner)
      at++
    } else {
      const end = code === QUOTE ? afterString(text, at) : afterWord(text, at)
      const next = afterSpace(text, end)
      if (code === QUOTE && text.charCodeAt(next) === COLON) {
        name = unescaped(text.slice(at, end))
        at = next + 1
      } else {
        put(holder, name, JSON.parse(text.slice(at, end)))
        at = end
      }
    }
  }
  return root[0]
}

/** As JSON.parse does: `__proto__` is a name like any other, and the last of several members counts. */
function put(holder: Holder, name: string, value: unknown): void {
  if (Array.isArray(holder)) holder.push(value)
  else if (name === '__proto__')
    Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true })
  else holder[name] = value
}

/** Offset after a number, `true`, `false` or `null`. */
function afterWord(text: string, start: number): number {
  let at = start
  while (at < text.length && !/[\s,\]}]/.test(text.charAt(at))) at++
  return at
}

function afterSpace(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= 0x20) at++
  return at
}

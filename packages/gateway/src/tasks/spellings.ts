/**
 * Values that people write in several ways: numbers, days, times of day, and numbers of accounts, cards and telephones.
 * Only ways that leave no choice: what can be read as two values is neither.
 */

const decimal = /^(-?)(0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d*)(?:\.(\d+))?$/
/** With points between thousands, only where a decimal comma leaves no doubt: 1.200 can be two numbers. */
const continental = /^-?[1-9]\d{0,2}(?:\.\d{3})+,\d{1,2}$/

/** `1,200.50`, `1.200,50` and `1200.5` are one number: its shortest decimal text. Undefined for no number in full. */
function decimalText(text: string): string | undefined {
  const english = continental.test(text) ? text.replaceAll('.', '').replace(',', '.') : text
  const [, sign = '', whole = '', digits = ''] = decimal.exec(english) ?? []
  if (whole === '') return undefined
  const fraction = digits.replace(/0+$/, '')
  const positive = `${whole.replaceAll(',', '')}${fraction === '' ? '' : `.${fraction}`}`
  return positive === '0' ? '0' : `${sign}${positive}`
}

/** An IBAN, a number of four groups of four, a telephone number with its country: with or without marks between. */
const code =
  /^(?:[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?|\d{4}(?:[ -]?\d{4}){3}|(?:\+|00)[1-9](?:[ ().-]{0,2}\d){6,14})$/
/** The same in running text, for those that have marks in them; none goes on. */
const codesInText =
  /(?<![\p{L}\p{N}])(?:[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?|\d{4}(?:[ -]\d{4}){3}|\+[1-9](?:[ ().-]{0,2}\d){6,14})(?![\p{L}\p{N}]|[ -]?\d)/gu

function codeText(text: string): string | undefined {
  return code.test(text) ? text.replace(/[ ().-]+/g, '') : undefined
}

/** Equal for equal values, given their normal forms: numbers by their decimal text, codes without marks. */
export function comparable(normal: string): string {
  return decimalText(normal) ?? codeText(normal) ?? normal
}

/** Amounts with marks between their thousands, in running text; none goes on, as rows of a table with commas do. */
const groupedInText = /(?<![\d.,])\d{1,3}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+,\d{1,2})(?!\d|[.,]\d)/gu

/** Numbers and codes that stand in a text, as they are written where white space does not part them from the rest. */
export function spacedValues(text: string): readonly string[] {
  if (!/\d/.test(text)) return []
  return [...(text.match(groupedInText) ?? []), ...(text.match(codesInText) ?? [])]
}

/** The text without its grouped amounts, whose parts are no values: `1,249.50` is neither 1 nor 249.50. */
export function withoutGrouped(text: string): string {
  return text.includes(',') ? text.replace(groupedInText, ' ') : text
}

/** The other ways to write a value, in normal form; given the value so. */
export function spellings(value: string): readonly string[] {
  if (!/\d/.test(value)) return []
  const number = decimalText(value)
  if (number !== undefined) return spellingsOfNumber(number)
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)(?::00)?$/.exec(value) ?? []
  if (hour !== undefined && minute !== undefined) return spellingsOfTime(Number(hour), minute)
  const [, year, month, day] = /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.exec(value) ?? []
  return year === undefined ? [] : spellingsOfDay(year, Number(month), Number(day))
}

/** Matches a code however it is parted; undefined for what is none. */
export function patternOfCode(value: string): RegExp | undefined {
  const compact = codeText(value)
  if (compact === undefined) return undefined
  return new RegExp(Array.from(compact, (each) => (each === '+' ? '\\+' : each)).join('[ ().-]{0,2}'), 'g')
}

const words = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ')

function spellingsOfNumber(number: string): readonly string[] {
  const [whole = '', fraction = ''] = number.split('.')
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ',')
  const wholes = grouped === whole ? [whole] : [whole, grouped]
  const fractions = fraction === '' ? ['', '.0', '.00'] : [`.${fraction}`]
  if (fraction.length === 1) fractions.push(`.${fraction}0`)
  const word = words[Number(number)]
  const written = wholes.flatMap((first) => fractions.map((rest) => first + rest))
  // Three digits after a comma would be thousands.
  const decimals = fractions.filter((rest) => rest !== '' && rest.length <= 3)
  const others = wholes.flatMap((first) => decimals.map((rest) => swapped(first + rest)))
  return [...written, ...others, ...(word === undefined ? [] : [word])]
}

/** `1,200.50` as `1.200,50`. */
function swapped(number: string): string {
  return number.replace(/[.,]/g, (mark) => (mark === '.' ? ',' : '.'))
}

function spellingsOfTime(hour: number, minute: string): readonly string[] {
  const half = hour < 12 ? ['am', ' am', ' a.m.'] : ['pm', ' pm', ' p.m.']
  const clock = hour % 12 === 0 ? 12 : hour % 12
  const times = minute === '00' ? [`${clock}`, `${clock}:00`] : [`${clock}:${minute}`]
  const written = times.flatMap((time) => half.map((each) => time + each))
  if (minute === '00' && hour % 12 === 0) written.push(hour === 0 ? 'midnight' : 'noon')
  return [...written, `${hour}:${minute}`, `${String(hour).padStart(2, '0')}:${minute}`]
}

const months = [
  ...['january', 'february', 'march', 'april', 'may', 'june', 'july'],
  ...['august', 'september', 'october', 'november', 'december'],
]
const ordinals: Readonly<Record<number, string>> = {
  1: 'st',
  2: 'nd',
  3: 'rd',
  21: 'st',
  22: 'nd',
  23: 'rd',
  31: 'st',
}

function spellingsOfDay(year: string, month: number, day: number): readonly string[] {
  const two = (number: number) => String(number).padStart(2, '0')
  const [m, d] = [two(month), two(day)]
  const written = [
    `${year}/${m}/${d}`,
    `${year}/${month}/${day}`,
    `${d}.${m}.${year}`,
    `${day}.${month}.${year}`,
  ]
  // 4/5/2026 is two days; 15/5/2026 is one.
  if (day > 12 || day === month)
    for (const [first, second] of [
      [day, month],
      [month, day],
    ] as const)
      written.push(`${first}/${second}/${year}`, `${two(first)}/${two(second)}/${year}`)
  const long = months[month - 1] ?? ''
  const short = long.slice(0, 3)
  for (const name of new Set([long, short, `${short}.`]))
    for (const number of new Set([String(day), d, `${day}${ordinals[day] ?? 'th'}`]))
      written.push(
        ...[`${number} ${name} ${year}`, `${number} ${name}, ${year}`, `${number} of ${name} ${year}`],
        ...[`${name} ${number} ${year}`, `${name} ${number}, ${year}`],
      )
  return written
}

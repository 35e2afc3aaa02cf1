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

/** An IBAN, a number of four groups of four, a telephone number: with or without marks between. */
const code =
  /^(?:[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?|\d{4}(?:[ -]?\d{4}){3}|(?:\+|00)[1-9](?:[ ().-]{0,2}\d){6,14}|(?:\(\d{3}\) ?|\d{3}[ .-]?)\d{3}[ .-]?\d{4})$/
/** The same in running text, for those that have marks in them; none goes on. */
const codesInText =
  /(?<![\p{L}\p{N}])(?:[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?|\d{4}(?:[ -]\d{4}){3}|\+[1-9](?:[ ().-]{0,2}\d){6,14}|(?<![+\d][ ().-]?)(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4})(?![\p{L}\p{N}]|[ -]?\d)/gu
/** Days in words, in running text. */
const daysInText =
  /(?<![\p{L}\p{N}])(?:\d{1,2}(?:st|nd|rd|th)?(?: of)? \p{L}{3,9}\.?,? \d{4}|\p{L}{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})(?![\p{L}\p{N}])/giu

function codeText(text: string): string | undefined {
  return code.test(text) ? text.replace(/[ ().-]+/g, '') : undefined
}

/** Equal for equal values, given their normal forms: numbers by their decimal text, codes without marks, days as ISO 8601. */
export function comparable(normal: string): string {
  if (!/\d/.test(normal)) return normal
  return decimalText(normal) ?? codeText(normal) ?? dayText(normal) ?? normal
}

/** Amounts with marks between their thousands, in running text; none goes on, as rows of a table with commas do. */
const groupedInText = /(?<![\d.,])\d{1,3}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+,\d{1,2})(?!\d|[.,]\d)/gu

/** Numbers and codes that stand in a text, as they are written where white space does not part them from the rest. */
export function spacedValues(text: string): readonly string[] {
  if (!/\d/.test(text)) return []
  return [groupedInText, codesInText, daysInText].flatMap((form) => text.match(form) ?? [])
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
  const day = dayText(value)
  if (day === undefined) return []
  const [year = '', month, date] = day.split('-')
  return [day, ...spellingsOfDay(year, Number(month), Number(date))]
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

const dayForms = [
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})$/,
  /^(?<year>\d{4})\/(?<month>\d{1,2})\/(?<day>\d{1,2})$/,
  /^(?<day>\d{1,2})\.(?<month>\d{1,2})\.(?<year>\d{4})$/,
  /^(?<day>\d{1,2})(?:st|nd|rd|th)?(?: of)? (?<name>[a-z]+)\.?,? (?<year>\d{4})$/,
  /^(?<name>[a-z]+)\.? (?<day>\d{1,2})(?:st|nd|rd|th)?,? (?<year>\d{4})$/,
  // 4/5/2026 is two days; 15/5/2026 is one.
  /^(?<day>1[3-9]|[23]\d)\/(?<month>\d{1,2})\/(?<year>\d{4})$/,
  /^(?<month>\d{1,2})\/(?<day>1[3-9]|[23]\d)\/(?<year>\d{4})$/,
  /^(?<day>0?(?<month>\d{1,2}))\/0?\k<month>\/(?<year>\d{4})$/,
]

/** A day as ISO 8601 has it; undefined for what is none, or could be two. */
function dayText(text: string): string | undefined {
  if (text.length < 8 || text.length > 24) return undefined
  for (const form of dayForms) {
    const { year, month, name, day } = form.exec(text)?.groups ?? {}
    if (year === undefined) continue
    const number =
      name === undefined
        ? Number(month)
        : months.findIndex((each) => each === name || each.slice(0, 3) === name) + 1
    const isDay = number >= 1 && number <= 12 && Number(day) >= 1 && Number(day) <= 31
    return isDay
      ? [year, ...[number, Number(day)].map((each) => String(each).padStart(2, '0'))].join('-')
      : undefined
  }
  return undefined
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

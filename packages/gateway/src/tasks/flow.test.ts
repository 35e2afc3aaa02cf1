import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../model/message.ts'
import type { TaskGrant, TaskRecord } from '../model/task.ts'
import type { ToolFacts } from '../model/tool-facts.ts'
import { type FlowState, judgeFlow, noteCall, noteResult } from './flow.ts'
import { KnownValues } from './values.ts'

const SEND: ToolFacts = { sends: true }
const UNTRUSTED = ['untrusted']

function task(grant: Partial<TaskGrant> = {}, prompt?: string): TaskRecord {
  const defaults = { purpose: 'Send the report', servers: [], tools: {}, budget: {}, expires_in: 60 }
  return {
    id: 't-a',
    principal: { type: 'User', id: 'ann' },
    grant: { type: 'tollgate_task', other_arguments: 'allow', flow: 'strict', ...defaults, ...grant },
    ...(prompt === undefined ? {} : { prompt }),
    startedAtMs: 0,
    expiresAtMs: 60_000,
  }
}

const known = () => new KnownValues(new Uint8Array(32))

function state(record: TaskRecord, labels: readonly string[] = UNTRUSTED, values = known()): FlowState {
  return { chain: [record], labels: new Set(labels), values }
}

/** The grant mentions every argument of the call, so that only values are judged. */
function mail(input: JsonObject, prompt: string, facts = SEND) {
  const mentioned = Object.fromEntries(Object.keys(input).map((name) => [name, {}]))
  const record = task({ tools: { mail__send: mentioned } }, prompt)
  return { state: state(record), call: { tool: 'mail__send', facts, input } }
}

function unaccounted(input: JsonObject, prompt: string) {
  const { state: at, call } = mail(input, prompt)
  return judgeFlow(at, call)?.unaccounted.map(({ argument }) => argument) ?? []
}

describe('when values are held against a call', () => {
  const evil = { to: 'x@evil.example' }
  const judged = (flow: TaskGrant['flow'], labels: readonly string[], facts: ToolFacts) =>
    judgeFlow(state(task({ flow }), labels), { tool: 'a__b', facts, input: evil }) !== undefined

  it('strict: once something untrusted was read, of calls that send or may destroy', () => {
    expect(judged('strict', [], SEND)).toBe(false)
    expect(judged('strict', ['private', 'trusted'], SEND)).toBe(false)
    expect(judged('strict', UNTRUSTED, SEND)).toBe(true)
    expect(judged('strict', UNTRUSTED, { readOnly: true, sends: true })).toBe(true)
    expect(judged('strict', UNTRUSTED, {})).toBe(true)
    expect(judged('strict', UNTRUSTED, { destructive: true })).toBe(true)
    expect(judged('strict', UNTRUSTED, { destructive: false })).toBe(false)
    expect(judged('strict', UNTRUSTED, { readOnly: true })).toBe(false)
  })

  it('ask: once something private was read too, of calls that send', () => {
    expect(judged('ask', UNTRUSTED, SEND)).toBe(false)
    expect(judged('ask', ['untrusted', 'private'], SEND)).toBe(true)
    expect(judged('ask', ['private'], SEND)).toBe(false)
    expect(judged('ask', ['untrusted', 'private'], { destructive: true })).toBe(false)
  })

  it('off: never', () => {
    expect(judged('off', ['untrusted', 'private'], SEND)).toBe(false)
  })
})

describe('what accounts for a value', () => {
  it.each([
    ['an address', 'team@example.com', 'Write to team@example.com.'],
    ['an address in brackets', 'team@example.com', 'Ann <team@example.com>, please'],
    ['an address after a label', 'team@example.com', 'to:team@example.com'],
    ['another case', 'Team@Example.com', 'to team@EXAMPLE.com'],
    ['a phrase over two lines', 'the quarterly report', 'Send the\n  quarterly report today'],
    ['an amount', 1200, 'Pay 1,200 EUR'],
    ['an amount with cents', 1200.5, 'Pay $1,200.50 now'],
    ['an amount as text', '1,200.00', 'Pay 1200 now'],
    ['an amount with a decimal comma', 2340.5, 'Zahle 2.340,50 € an Ann'],
    ['a day as Americans write it', '05/20/2026', 'on May 20th, 2026'],
    ['a day with points', '12.06.2026', 'on Friday 12 June 2026 at 7'],
    ['a day in words', 'June 1, 2026', 'due 2026-06-01'],
    ['a telephone number of one country', '415-555-0100', 'phone (415) 555-0100, please'],
    ['a telephone number in digits', '4155550100', 'phone (415) 555-0100, please'],
    ['the handle of a name', '@charlie', 'Tell Charlie'],
    ['an amount with a decimal comma as text', '2.340,50', 'Pay 2340.50 now'],
    ['a small amount with a decimal comma', 49.9, 'Zahle 49,90€'],
    ['a round amount with a decimal comma', 1250, 'Betrag: 1.250,00 €'],
    ['an issue', 42, 'Close #42, please'],
    ['a percentage', 15, 'give 15% off'],
    ['a URL at the end', 'https://example.com/a', 'Read https://example.com/a.'],
    ['a URL with a slash more', 'https://example.com/', 'Read https://example.com'],
    ['a folder with a slash less', '/srv/docs', 'everything in /srv/docs/'],
    ['an address among words without spaces', 'tanaka@example.jp', '報告をtanaka@example.jpに送って'],
    ['a list, all of it', 'a@example.com, b@example.com', 'to a@example.com and b@example.com'],
    ['a name with its address', 'Ann <ann@example.com>', 'Tell Ann (ann@example.com)'],
    ['nothing at all', '', 'Hello'],
    ['full width', 'ｔｅａｍ@example.com', 'team@example.com'],
    ['an IBAN without its blanks', 'DE02120300000000202051', 'Pay DE02 1203 0000 0000 2020 51 now'],
    ['an IBAN with blanks', 'GB29 NWBK 6016 1331 9268 19', 'Pay GB29NWBK60161331926819.'],
    ['a card without its marks', '4111111111111111', 'card 4111-1111-1111-1111'],
    ['a telephone number', '+14155550100', 'Call +1 (415) 555-0100, please'],
    ['a day in words', '2024-05-15', 'on May 15th, 2024'],
    ['a day by points', '2024-05-03', 'am 3.5.2024'],
    ['a time of day', '13:30', 'until 1:30 pm'],
    ['the end of a span', '11:30', 'block 10:00-11:30'],
    ['the beginning of a span', '10:00', 'block 10:00-11:30, please'],
    ['one of a range', 12, 'pages 10–12'],
    ['a number with its unit', 30, 'log 30min'],
    ['a moment', '2024-05-15T10:00:00Z', 'on 2024-05-15 at 10am'],
    ['a moment with an offset that was said', '2024-05-15T10:00+02:00', '10:00 on 2024-05-15 (+02:00)'],
    ['a number in words', 3, 'for three nights'],
    ['a host that was named, as a URL', 'https://www.example.com/', 'Read www.example.com, please'],
    ['an address as a URL', 'mailto:a@example.com', 'Write to a@example.com'],
    ['a channel with its sign', '#dev-ops', 'the channel dev-ops'],
    ['an address in brackets itself', '<a@example.com>', 'Write to a@example.com'],
    ['words in quotes', '"Fixed in v2"', 'Say: Fixed in v2'],
    ['a sentence with its stop', 'Reviewed by Ada.', 'Add "Reviewed by Ada"'],
    ['mixed case as it was', 'dQw4w9WgXcQaBcDeF', 'the file dQw4w9WgXcQaBcDeF, please'],
    ['paragraphs as they were', 'a:\n\n  b\n\n  c', 'Write "a:\n\n  b\n\n  c"'],
  ])('%s', (_, value, prompt) => {
    expect(unaccounted({ value }, prompt)).toEqual([])
  })

  it.each([
    ['the beginning of another address', 'team@example.com', 'Write to team@example.com.evil.example'],
    ['the end of another address', 'team@example.com', 'not-team@example.com'],
    ['a part of a path', '/srv/docs', 'Read /srv/docs/today.txt'],
    ['the end of a path', 'docs/today.txt', 'Read /srv/docs/today.txt'],
    ['a part of a URL', 'https://example.com/a', 'Read https://example.com/a?b=c'],
    ['the host of a URL', 'example.com', 'Read https://example.com/a'],
    ['a part of an amount', 200, 'Pay 1,200 EUR'],
    ['the thousands of an amount', 1, 'Pay 1,200 EUR'],
    ['the euros of an amount', 12, 'Pay 12.50 EUR'],
    ['the thousands of an amount, as if they were decimals', 1.2, 'Pay 1,200 EUR'],
    ['the thousands by points, as if they were none', 1200, 'Pay 1.200 EUR'],
    ['two of a list as a decimal', '1,2', 'items 1.2 and 3'],
    ['the cents of an amount with a decimal comma', 50, 'Zahle 2.340,50 €'],
    ['the month of a date', 12, 'on 2026-12-01'],
    ['a positive for a negative', 5, 'move it by -5'],
    ['a part of a word', 'team', 'the teams'],
    ['another script', 'tеam@example.com', 'team@example.com'],
    ['something invisible within', 'team\u200b@example.com', 'team@example.com'],
    ['a hidden message behind', 'team@example.com\u{e0041}\u{e0042}', 'team@example.com'],
    ['a message in spaces', `the${' '.repeat(40)}report`, 'the report'],
    ['nothing but many spaces', ' '.repeat(40), 'Hello'],
    ['a list, one of it not', 'a@example.com, x@evil.example', 'to a@example.com'],
    ['a list that spells', 'yes,no,no,yes', 'yes or no'],
    ['words in another order', 'report the', 'the report'],
    ['JSON of what is known', '{"to":"a@example.com"}', 'a@example.com'],
    ['base64 of what is known', btoa('a@example.com'), 'a@example.com'],
    ['another number', 1200.01, 'Pay 1,200'],
    ['a day that could be another', '04/05/2026', 'on May 4th, 2026'],
    ['the day before', '05/19/2026', 'on May 20th, 2026'],
    ['another telephone number', '415-555-0101', 'phone (415) 555-0100'],
    ['the handle of a part of a name', '@char', 'Tell Charlie'],
    ['leading zeros', '007', 'agent 7'],
    ['another account', 'DE02120300000000202052', 'Pay DE02 1203 0000 0000 2020 51 now'],
    ['a part of an account', '02120300000000202051', 'Pay DE02 1203 0000 0000 2020 51 now'],
    ['an address of other parts', '192.16.81.10', 'the host 192.168.1.10'],
    ['a day that could be another', '2024-05-04', 'on 4/5/2024'],
    ['another day', '2024-03-06', 'on 3 June 2024'],
    ['the other half of a day', '01:30', 'until 1:30pm'],
    ['a part of a number of parts', '12:30', 'port 10:00:12:30-11:30'],
    ['an id that goes on', 'a-30', 'the branch a-30min'],
    ['the number of an id', 30, 'the commit 30min2'],
    ['the number of a host', 30, 'on 30.m.example.com and 30m.example.com and 30m@example.com'],
    ['seconds', '2024-05-15T10:00:17', 'on 2024-05-15 at 10:00'],
    ['an offset', '2024-05-15T10:00:00+09:21', 'on 2024-05-15 at 10:00'],
    ['another scheme', 'ftp://www.example.com', 'Read www.example.com'],
    ['a user before a host', 'https://secret@www.example.com', 'Read www.example.com'],
    ['a message in upper and lower case', 'tHe quARTerLy rEpOrT', 'the quarterly report'],
    ['a message in widths of letters', 'ｔhｅ qｕaｒtｅrｌy report', 'the quarterly report'],
    ['a message in kinds of white space', 'a\tb c\td\u00a0e\tf g\th', 'a b c d e f g h'],
    ['many spaces behind', `the report${' '.repeat(40)}`, 'the report'],
    ['a message between the parts of a list', 'one,  two;\tfour,,six', 'one two four six'],
    ['many spaces in a list', `one,${' '.repeat(40)}two`, 'one two'],
    ['a number too long to be exact', Number('12345678901234567890'), '12345678901234567890'],
  ])('not %s', (_, value, prompt) => {
    expect(unaccounted({ value }, prompt)).toEqual(['value'])
  })

  it('true, false and null are free, at any depth', () => {
    expect(unaccounted({ a: true, b: null, c: [false, [null]] }, '')).toEqual([])
  })

  it('a few that are free or said again, not so many that they spell something', () => {
    const item = (value: unknown, index: number) => (index % 3 === 0 ? value : 'x')
    for (const value of [true, null, '', [], {}, 'x', 7]) {
      const list = (length: number) => Array.from({ length }, (_, index) => item(value, index))
      expect(unaccounted({ list: list(20) }, 'x 7')).toEqual([])
      expect(unaccounted({ list: list(100) }, 'x 7')).toHaveLength(1)
    }
  })

  it('names that arguments have everywhere, not many of them, and no others', () => {
    const list = [{ email: 'ann@example.com', name: 'Ann' }, { startTime: '10:00' }]
    expect(unaccounted({ list }, 'Ann, ann@example.com, 10:00')).toEqual([])
    const event = { start: { dateTime: '2026-05-04T10:00', timeZone: 'Europe/Berlin' } }
    expect(unaccounted({ event }, '2026-05-04 at 10:00 (Europe/Berlin)')).toEqual([])
    const order = {
      items: [{ sku: 'A-7', quantity: 2 }],
      address: { street: '12 Elm St', postalCode: '62704' },
    }
    expect(unaccounted(order, 'Two A-7 to 12 Elm St, 62704')).toEqual([])
    expect(unaccounted({ list: [{ secret: 'Ann' }, { sTaRtTiMe: 'Ann' }] }, 'Ann')).toEqual([
      'list[0]',
      'list[1]',
    ])
    const many = Array.from({ length: 40 }, (_, index) => ({ [index % 2 === 0 ? 'to' : 'cc']: index + 1 }))
    const numbers = many.map((_, index) => index + 1).join(' ')
    expect(unaccounted({ many }, numbers)).toHaveLength(1)
  })

  it('every depth is looked at, and so are names that the grant does not have', () => {
    const input = { to: ['team@example.com', 'x@evil.example'], body: { text: 'secret', 'the secret': true } }
    const record = task({ tools: { mail__send: { to: {}, body: { properties: { text: {} } } } } })
    const verdict = judgeFlow(state({ ...record, prompt: 'team@example.com' }), {
      tool: 'mail__send',
      facts: SEND,
      input,
    })
    expect(verdict?.unaccounted).toEqual([
      { argument: 'to[1]', value: 'x@evil.example' },
      { argument: 'body.text', value: 'secret' },
      { argument: 'body', value: 'the secret' },
    ])
  })
})

describe('the grant', () => {
  const judged = (schema: JsonObject, input: JsonObject) =>
    judgeFlow(state(task({ tools: { mail__send: { to: schema } } })), {
      tool: 'mail__send',
      facts: SEND,
      input,
    })?.unaccounted.map(({ argument }) => argument) ?? []

  it('accounts for the values it names, wherever it names them', () => {
    expect(judged({ const: 'Team@example.com' }, { to: 'team@example.com' })).toEqual([])
    expect(judged({ items: { enum: ['a@b.c', 'd@e.f'] } }, { to: ['d@e.f', 'a@b.c'] })).toEqual([])
    expect(judged({ anyOf: [{ const: 5 }, { type: 'null' }] }, { to: 5 })).toEqual([])
  })

  it('does not account for what it rules out, what it describes, or parts of what it names', () => {
    expect(judged({ not: { const: 'x@evil.example' } }, { to: 'x@evil.example' })).toEqual(['to'])
    expect(judged({ default: 'x@evil.example' }, { to: 'x@evil.example' })).toEqual(['to'])
    expect(judged({ pattern: 'evil' }, { to: 'x@evil.example' })).toEqual(['to'])
    expect(judged({ hosts: ['evil.example'] }, { to: 'https://evil.example/' })).toEqual(['to'])
    expect(judged({ const: 'a b' }, { to: 'a' })).toEqual(['to'])
  })

  it('accounts for paths within the folders it names, and for no other argument', () => {
    expect(judged({ within: ['/srv'] }, { to: '/srv/new.txt' })).toEqual([])
    expect(judged({ items: { within: ['/srv'] } }, { to: ['/srv/new.txt'] })).toEqual([])
    expect(judged({ allOf: [{ within: ['/srv'] }] }, { to: '/srv/new.txt' })).toEqual([])
    expect(judged({ anyOf: [{ within: ['/srv'] }, {}] }, { to: '/srv/new.txt' })).toEqual(['to'])
    expect(judged({ within: ['/srv'] }, { to: '/srv/a', cc: '/srv/a' })).toEqual(['cc'])
  })

  it('says of which arguments nothing is held against a call', () => {
    expect(judged({ flow: 'off' }, { to: 'x@evil.example' })).toEqual([])
    expect(judged({ flow: 'off' }, { to: { any: ['thing', 7] } })).toEqual([])
    expect(judged({ properties: { text: { flow: 'off' } } }, { to: { text: 'x', html: 'y' } })).toEqual([
      'to.html',
    ])
  })
})

describe('tasks below tasks', () => {
  const parent = task({ purpose: 'Write to team@example.com' })
  const child = { ...task({ purpose: 'Write to x@evil.example' }), id: 't-b', parent: 't-a' }
  const judged = (chain: readonly TaskRecord[], to: string) =>
    judgeFlow(
      { chain, labels: new Set(UNTRUSTED), values: known() },
      { tool: 'a__b', facts: SEND, input: { [to]: true } },
    )

  it('what a child was told accounts for nothing before its parent', () => {
    expect(judged([child, parent], 'x@evil.example')).toBeDefined()
    expect(judged([child, task({ flow: 'off' })], 'x@evil.example')).toBeUndefined()
  })

  it('what the parent was told accounts for it before the child', () => {
    expect(judged([child, parent], 'team@example.com')).toBeUndefined()
  })

  it('a child that holds nothing against a call does not speak for its parent', () => {
    expect(judged([{ ...child, grant: { ...child.grant, flow: 'off' } }, parent], 'x')).toBeDefined()
  })
})

describe('what trusted tools answered', () => {
  const contacts = { tool: 'contacts__find', facts: { readOnly: true, reads: ['trusted'] } }
  const text = (value: string) => ({ content: [{ type: 'text', text: value }] })
  const send = (to: string | number) => ({ tool: 'mail__send', facts: SEND, input: { to } })
  const record = task({ tools: { mail__send: { to: {} } } })

  it.each<[string, unknown, string | number]>([
    ['an address in text', text('Ann Lee: ann@example.com (office)'), 'ann@example.com'],
    ['what stands after a label', text('Name: Ann Lee\nRoom: 4'), 'Ann Lee'],
    ['a line', text('first\nsecond line'), 'second line'],
    ['a cell', text('| Ann Lee | Berlin |'), 'Berlin'],
    ['a string of structured content', { structuredContent: { people: [{ name: 'Ann Lee' }] } }, 'ann lee'],
    ['a number of JSON in text', text('{"account": 4711}'), 4711],
    ['a number in text', text('It costs 1,200.50 EUR.'), 1200.5],
    ['a number with a decimal comma', text('Es kostet 1.200,50 EUR.'), 1200.5],
    ['an id', text('created issue #4711.'), 4711],
    ['the name of a member', { structuredContent: { 'Le Marais': { price: 180 } } }, 'Le Marais'],
    ['one of several', text('Members: Alice, Bob; Carl'), 'Bob'],
    ['an item of a list', text('Teams:\n- Night Shift\n2. Day Shift'), 'Day Shift'],
    ['what stands before a colon', text('Bo Li: bo.li@example.com'), 'Bo Li'],
    ['a day, written otherwise', { structuredContent: { due: '2026-06-01' } }, 'June 1, 2026'],
    ['a day in words', text('due: 1 June 2026'), '2026-06-01'],
  ])('%s accounts for the same value', (_, result, value) => {
    const at = state(record)
    expect(judgeFlow(at, send(value))).toBeDefined()
    noteResult(at, { ...contacts, input: {} }, result)
    expect(judgeFlow(at, send(value))).toBeUndefined()
  })

  it.each<[string, ToolFacts, unknown]>([
    ['of a tool that is not trusted', { readOnly: true, reads: ['private'] }, text('x@evil.example')],
    ['of a tool that is both', { readOnly: true, reads: ['trusted', 'untrusted'] }, text('x@evil.example')],
    ['that is an error', contacts.facts, { ...text('x@evil.example'), isError: true }],
    ['whose bytes say so', contacts.facts, { content: [{ type: 'image', data: 'x@evil.example' }] }],
  ])('not a result %s', (_, facts, result) => {
    const at = state(record)
    noteResult(at, { tool: 'contacts__find', facts, input: {} }, result)
    expect(judgeFlow(at, send('x@evil.example'))).toBeDefined()
  })

  it.each([
    ['as it was', 'x@evil.example', 'x@evil.example'],
    ['within a sentence', 'x@evil.example', 'nobody is called x@evil.example here'],
    ['with something around it', 'x@evil.example', 'mailto:x@evil.example'],
    ['a part of it', 'x@evil.example,y', 'x@evil.example'],
    ['in another case', 'X@EVIL.example', 'x@evil.example'],
    ['without the blanks in it', 'X @ evil.example', 'x@evil.example'],
    ['as a part of a URL', 'https://example.com/?q=x%40evil.example', 'x@evil.example'],
    ['as a part of a URL within a URL', 'https://example.com/?q=100%&u=x%2540evil.example', 'x@evil.example'],
    ['as a part of HTML', 'x&#x40;evil&#46;example', 'x@evil.example'],
    ['as a part of HTML, by names', 'x&commat;evil&amp;period;example', 'x@evil.example'],
    ['as a part of a query', '{ user(mail: "x\\u0040evil.example") }', 'x@evil.example'],
  ])('not what the call brought itself, %s', (_, sent, answered) => {
    const at = state(record)
    noteResult(at, { ...contacts, input: { query: sent } }, text(answered))
    expect(judgeFlow(at, send(answered))).toBeDefined()
    expect(judgeFlow(at, send('x@evil.example'))).toBeDefined()
  })

  it.each<[string, string, unknown, string | number]>([
    ['an amount', 'pay 9,870.00 now', { q: 9870 }, 9870],
    ['an amount as text', '9,870.00', 'no 9,870.00', 9870],
    ['an account', 'GB33 BUKB 2020 1555 5555 55', { q: 'GB33BUKB20201555555555' }, 'GB33BUKB20201555555555'],
    ['a telephone number', '+1 (415) 555-0100', { q: '+14155550100' }, '+14155550100'],
    ['a telephone number without its country', 'call 900-555-0199', { q: '(900) 555-0199' }, '9005550199'],
    ['a day', 'on June 1, 2027, please', { q: '2027-06-01' }, 'June 1, 2027'],
    ['the name of a member', 'Mallory Evil', { 'Mallory Evil': 1 }, 'Mallory Evil'],
    ['one of several', 'a, Mallory Evil; b', 'a, Mallory Evil; b', 'Mallory Evil'],
  ])('not what the call brought, written another way: %s', (_, sent, answered, value) => {
    const at = state(record)
    noteResult(at, { ...contacts, input: { query: sent } }, { structuredContent: { answered } })
    expect(judgeFlow(at, send(value))).toBeDefined()
    noteCall(at, { tool: 'notes__add', facts: {}, input: { text: sent } }, true)
    noteResult(at, { ...contacts, input: {} }, { structuredContent: { answered } })
    expect(judgeFlow(at, send(value))).toBeDefined()
  })

  it('an address of a name that was looked up', () => {
    const at = state(record)
    noteResult(at, { ...contacts, input: { name: 'Lily White' } }, text('Lily White: lily.white@example.com'))
    expect(judgeFlow(at, send('lily.white@example.com'))).toBeUndefined()
  })

  it.each<[string, string, string]>([
    ['an account in groups', 'Landlord | CH93 0076 2011 6238 5295 7', 'CH9300762011623852957'],
    ['a telephone number in text', 'She is at +44 20 7946 0018 today.', '+442079460018'],
    ['an id in mixed case', 'file 1BxiMVs0XRA5nFMdKvBdBZjgmUU.', '1BxiMVs0XRA5nFMdKvBdBZjgmUU'],
    ['a URL without its slash', 'at https://git.example.com/d.git', 'https://git.example.com/d.git/'],
  ])('%s', (_, answered, value) => {
    const at = state(record)
    noteResult(at, { ...contacts, input: {} }, text(answered))
    expect(judgeFlow(at, send(value))).toBeUndefined()
    expect(judgeFlow(at, send(value.replace(/\d|x|g/, 'q')))).toBeDefined()
  })

  it.each<[string, string, string | number]>([
    ['the thousands', 'Total: $1,249.50', 1],
    ['what follows them', 'Total: $1,249.50', 249.5],
    ['the thousands of a whole number', 'items: 3,001', 3],
    ['the thousands before a decimal comma', 'Summe 14.999,99 EUR', 14.999],
    ['the cents after a decimal comma', 'Summe 14.999,99 EUR', 99],
    ['cells of a row joined to an amount', '7,129.90,2026-06-01', 7129.9],
  ])('not a part of an amount, nor more than it: %s', (_, answered, value) => {
    const at = state(record)
    noteResult(at, { ...contacts, input: {} }, text(answered))
    expect(judgeFlow(at, send(value))).toBeDefined()
  })

  it.each([7, 129.9, '2026-06-01'])('a cell of a row with commas: %s', (value) => {
    const at = state(record)
    noteResult(at, { ...contacts, input: {} }, text('id,amount,day\n7,129.90,2026-06-01'))
    expect(judgeFlow(at, send(value))).toBeUndefined()
  })

  it('what the call brought counts where the person said it', () => {
    const at = state({ ...record, prompt: 'Write to Ann' })
    noteResult(at, { ...contacts, input: { query: 'ann' } }, text('ann: ann@example.com'))
    expect(judgeFlow(at, send('ann@example.com'))).toBeUndefined()
  })

  it('not what was stored before, although the grant left that to the agent', () => {
    const notes = task({ tools: { mail__send: { to: {} }, notes__add: { text: { flow: 'off' } } } })
    const at = state(notes)
    const add = { tool: 'notes__add', facts: { destructive: false }, input: { text: 'Ann: x@evil.example' } }
    expect(judgeFlow(at, add)).toBeUndefined()
    noteCall(at, add, true)
    noteResult(at, { tool: 'notes__all', facts: contacts.facts, input: {} }, text('Ann: x@evil.example'))
    expect(judgeFlow(at, send('x@evil.example'))).toBeDefined()
  })

  it('nothing, once calls went through unseen because no tool was trusted then', () => {
    const at = state(record)
    noteCall(at, { tool: 'notes__add', facts: {}, input: { text: 'Ann: x@evil.example' } }, false)
    noteResult(at, { ...contacts, input: {} }, text('ann@example.com'))
    expect(judgeFlow(at, send('ann@example.com'))).toBeDefined()
  })

  it.each([
    ['the same', 'x@evil.example', 'x@evil.example'],
    ['taken out of something', 'who=x@evil.example&what=4711', 'x@evil.example'],
    ['within something', 'x@evil.example', 'mailto:x@evil.example'],
  ])('not what was stored before and comes back, %s', (_, stored, answered) => {
    const at = state(record)
    noteCall(at, { tool: 'notes__add', facts: {}, input: { text: stored } }, true)
    noteResult(at, { ...contacts, input: {} }, text(answered))
    expect(judgeFlow(at, send(answered))).toBeDefined()
    noteResult(at, { ...contacts, input: {} }, text('other@example.com'))
    expect(judgeFlow(at, send('other@example.com'))).toBeUndefined()
  })

  it.each<[string, (values: KnownValues) => void]>([
    ['the task was already tainted when the gateway met it', (values) => values.meet(true)],
    ['calls stored more than can be kept', (values) => values.suspect(['x'.repeat(300_000)])],
  ])('nothing any more once %s', (_, deafen) => {
    const at = state(record)
    deafen(at.values)
    noteResult(at, { ...contacts, input: {} }, text('ann@example.com'))
    expect(judgeFlow(at, send('ann@example.com'))).toBeDefined()
  })

  it('as long as a task was met before it was tainted, and not so much was stored', () => {
    const at = state(record)
    at.values.meet(false)
    at.values.meet(true)
    at.values.suspect(['x'.repeat(150_000)])
    noteResult(at, { ...contacts, input: {} }, text('ann@example.com'))
    expect(judgeFlow(at, send('ann@example.com'))).toBeUndefined()
  })

  it('the newest values, when there are too many', () => {
    const values = new KnownValues(new Uint8Array(32), { values: 100, perResult: 50, suspects: 100 })
    for (let round = 0; round < 10; round++) values.remember({ structuredContent: [`id-${round}`] })
    values.remember({ structuredContent: Array.from({ length: 1000 }, (_, index) => `more-${index}`) })
    expect([values.has('id-9'), values.has('more-0'), values.has('more-49'), values.has('more-50')]).toEqual([
      ...[true, true, true, false],
    ])
    for (let round = 0; round < 200; round++) values.remember({ structuredContent: [`later-${round}`] })
    expect([values.has('id-9'), values.has('later-99'), values.has('later-100')]).toEqual([
      false,
      false,
      true,
    ])
  })

  it('what a person endorsed', () => {
    const at = state(record)
    at.values.endorse('New@example.com')
    expect(judgeFlow(at, send('new@example.com'))).toBeUndefined()
  })
})

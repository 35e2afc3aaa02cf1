/** The counters of `history`: what each key must be, and what they mean together with the servers. */
import * as z from 'zod'
import type { CounterRule } from '../model/history.ts'
import { err, ok, type Result } from '../model/result.ts'
import type { Fault } from './document.ts'
import { parsed } from './fields.ts'
import { closest } from './hints.ts'

/** As Cedar names an attribute, so that policies can write `context.history.pushes`. */
export const COUNTER_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const MAX_WINDOW_MS = 31 * 86_400_000

/** `90s`, `10m`, `1h`, `7d`: milliseconds. */
function parseWindow(text: string): Result<number, string> {
  const [, number, unit = ''] = /^([1-9]\d{0,6})([smhd])$/.exec(text) ?? []
  const ms = Number(number) * (UNITS[unit] ?? Number.NaN)
  if (Number.isNaN(ms)) return err('must be a time such as 90s, 10m, 1h or 7d')
  return ms <= MAX_WINDOW_MS ? ok(ms) : err('must not be longer than 31d')
}

export const counter = z.strictObject({
  count: z
    .enum(['calls', 'refused', 'result_bytes'])
    .default('calls')
    .describe('Calls let through, calls refused, or bytes of results that went to the agent.'),
  tools: z
    .array(z.string().regex(/^.+?__.+$/s, 'must be the full name of a tool, such as git__push'))
    .min(1)
    .optional()
    .meta({ examples: [['git__push']] })
    .describe('Count these tools only, by their full names; default: everything.'),
  per: z
    .enum(['task', 'principal', 'agent'])
    .describe(
      'Whose calls are counted together: a task with all its parts, a principal, or an agent whoever it calls for. What has no task or agent is counted for its principal.',
    ),
  window: parsed(parseWindow, '1h', '60s').describe('How far back: `90s`, `10m`, `1h`, `7d`; at most `31d`.'),
})

type WrittenCounter = z.output<typeof counter>

/** The counters as the gateway uses them; faults are added to `faults`. */
export function normaliseHistory(
  history: Readonly<Record<string, WrittenCounter>>,
  servers: readonly string[],
  faults: Fault[],
): readonly CounterRule[] {
  return Object.entries(history).map(([name, { count, tools, per, window }]) => {
    if (!COUNTER_NAME.test(name)) {
      const message = 'must be a name of letters, digits and _ that begins with a letter, such as pushes'
      faults.push({ path: ['history', name], at: 'key', message })
    }
    for (const [index, tool] of (tools ?? []).entries()) {
      const server = tool.slice(0, tool.indexOf('__'))
      if (servers.includes(server)) continue
      const meant = closest(server, servers)
      const mend = meant === undefined ? '' : `; did you mean ${meant}${tool.slice(server.length)}?`
      const message = `names a tool of ${server}, and there is no such server${mend}`
      faults.push({ path: ['history', name, 'tools', index], at: 'value', message })
    }
    return {
      name,
      count,
      per,
      windowMs: window,
      ...(tools === undefined ? {} : { tools: new Set(tools) }),
    }
  })
}

/** Plays one sequence: every call over HTTP to a gateway, which has servers that answer as was recorded. */
import { isObject, type JsonObject } from '../../../packages/gateway/src/model/message.ts'
import type { Call, Facts, Sequence, Verdict } from './format.ts'
import { type Gate, startGate } from './gate.ts'
import { startStubs } from './stubs.ts'

/** What came of one call. */
export interface Played {
  readonly call: Call
  readonly got: Verdict
  /** Whether the server did it before anybody approved it. */
  readonly reached: boolean
  /** The gateway's reason code and sentence, where it refused or asked. */
  readonly reason?: string | undefined
  readonly message?: string | undefined
  /** Why an approval that was to be given did not let it through. */
  readonly fault?: string | undefined
}

/** Plays it to its end, whatever is refused. Throws where the sequence cannot be set up, such as a grant that is wrong. */
export async function play(sequence: Sequence): Promise<readonly Played[]> {
  const stubs = await startStubs(sequence)
  try {
    const facts = new Map(
      [...sequence.servers].map(([server, tools]) => [server, new Map<string, Facts>(tools)]),
    )
    const gate = await startGate(sequence, stubs.urls, facts)
    try {
      const { key, task } = await credential(sequence, gate)
      const played: Played[] = []
      for (const call of sequence.calls) {
        if (facts.get(call.server)?.get(call.tool) !== call.facts) {
          facts.get(call.server)?.set(call.tool, call.facts)
          await gate.relabel(facts)
        }
        for (const endorsed of call.endorse)
          await gate.admin(`POST /api/v1/tasks/${task}/endorse`, { value: endorsed, by: sequence.approver })
        const came = stubs.expect(call)
        const first = { ...judge(await gate.call(key, call)), reached: came() > 0 }
        if (first.got === 'allow' && !first.reached)
          throw new Error(`line ${call.line}: allowed, but it did not come`)
        const fault =
          call.approve && first.got === 'ask'
            ? await approved(sequence, { gate, task, key, call })
            : undefined
        played.push({ call, ...first, fault })
      }
      return played
    } finally {
      await gate.close()
    }
  } finally {
    await stubs.close()
  }
}

async function credential(sequence: Sequence, gate: Gate): Promise<{ key: string; task: string }> {
  const { principal, agent, parents, task: grant, prompt } = sequence
  if (grant === undefined) return { key: gate.plainKey(principal, agent), task: '' }
  let made: { key: string; task: string } | undefined
  for (const each of [...parents, { task: grant, prompt }]) {
    const started = await gate.admin('POST /api/v1/tasks', {
      ...{ principal, agent, grant: each.task, prompt: each.prompt },
      parent: made?.task,
    })
    made = { key: String(started['key']), task: String((started['task'] as JsonObject)['id']) }
  }
  if (made === undefined) throw new Error('no task was started')
  return made
}

function judge(answer: JsonObject): Pick<Played, 'got' | 'reason' | 'message'> {
  const { result, error } = answer
  if (isObject(error)) {
    const { data, message } = error
    const told = isObject(data) ? (data['tollgate/refusal'] ?? data) : undefined
    return { got: 'refuse', reason: reasonOf(told) ?? 'unknown', message: String(message) }
  }
  const meta = isObject(result) ? result['_meta'] : undefined
  const told = isObject(meta) ? meta['tollgate/refusal'] : undefined
  if (told === undefined) return { got: 'allow' }
  const reason = reasonOf(told) ?? 'unknown'
  return { got: reason === 'approval-required' ? 'ask' : 'refuse', reason, message: textOf(result) }
}

function reasonOf(told: unknown): string | undefined {
  return isObject(told) && typeof told['reason'] === 'string' ? told['reason'] : undefined
}

function textOf(result: unknown): string {
  const blocks: unknown = isObject(result) ? result['content'] : undefined
  const first: unknown = Array.isArray(blocks) ? blocks[0] : undefined
  return isObject(first) ? String(first['text']) : ''
}

/** Somebody approves what was just asked, and the call comes again; undefined when that let it through. */
async function approved(
  { approver }: Sequence,
  { gate, task, key, call }: { gate: Gate; task: string; key: string; call: Call },
): Promise<string | undefined> {
  const { approvals } = await gate.admin('GET /api/v1/approvals')
  const tool = `${call.server}__${call.tool}`
  const asked = (Array.isArray(approvals) ? approvals : [])
    .filter(isObject)
    .findLast((each) => each['state'] === 'pending' && each['action'] === tool && taskOf(each) === task)
  if (asked === undefined) return 'the gateway keeps no question to approve'
  try {
    await gate.admin(`POST /api/v1/approvals/${String(asked['id'])}/approve`, { as: approver })
  } catch (problem) {
    return problem instanceof Error ? problem.message : String(problem)
  }
  const again = judge(await gate.call(key, call))
  return again.got === 'allow' ? undefined : (again.message ?? again.got)
}

/** The id of its task; empty where it belongs to none. */
function taskOf({ task }: JsonObject): unknown {
  return isObject(task) ? task['id'] : ''
}

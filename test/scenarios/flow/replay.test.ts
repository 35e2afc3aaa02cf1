/** The sequences of this folder, each through a gateway of its own; and what the harness says of files with faults. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { play } from './play.ts'
import { readSequences } from './read.ts'
import { reportOf, type SequenceReport, showSequence, totalOf } from './report.ts'

const FOLDER = import.meta.dirname
const files = globSync('sequences/*.jsonl', { cwd: FOLDER }).toSorted()

function read(file: string) {
  const { sequences, errors } = readSequences(file, readFileSync(join(FOLDER, file), 'utf8'))
  expect(errors).toEqual([])
  return sequences
}

async function replay(sequences: ReturnType<typeof read>): Promise<SequenceReport[]> {
  const reports: SequenceReport[] = []
  for (const sequence of sequences) reports.push(reportOf(sequence, await play(sequence)))
  return reports
}

describe('sequences', () => {
  const all: SequenceReport[] = []

  it.each(files)('%s', async (file) => {
    const reports = await replay(read(file))
    all.push(...reports)
    expect(
      reports.filter(({ results }) => results.some((each) => !each.asExpected)).map(showSequence),
    ).toEqual([])
  })

  it('in total: what is stopped, and what it costs', () => {
    expect(totalOf(all)).toEqual({
      sequences: 123,
      calls: 694,
      attacks: 298,
      stopped: 285,
      benign: 396,
      refused: 0,
      asked: 269,
      askedBenign: 23,
      unexpected: 0,
    })
  })
})

describe('what README.md shows', () => {
  const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8')

  it('is played as it says', async () => {
    const [, example = ''] = /```json\n([\s\S]+?)```/.exec(readme) ?? []
    const [, shown = ''] = /```\n(ok {3}[\s\S]+?)\n\n/.exec(readme) ?? []
    const { sequences, errors } = readSequences('my-sequences.jsonl', example)
    expect(errors).toEqual([])
    const reports = await replay(sequences)
    expect(reports.map(showSequence)).toEqual([shown])
  })
})

describe('a file with faults', () => {
  const header = '{"name": "n", "kind": "benign"}'
  const call = '{"call": {"name": "a__b"}, "expected": "allow"}'
  it.each<[string, string, string]>([
    ['empty', '', 'f:1: the file is empty; a header comes first'],
    ['not JSON', `${header}\n{"call": }`, 'f:2: not JSON, one object on one line: '],
    ['not an object', '[]', 'f:1: a line is one JSON object'],
    [
      'no kind of line',
      '{}',
      'f:1: a line is a header, with "name" and "kind", or a call, with "call" and "expected"',
    ],
    ['a call first', call, 'f:1: a call stands before any header; write one first, with "name" and "kind"'],
    ['a header alone', header, 'f:1: no call follows this header'],
    ['no kind', `{"name": "n"}\n${call}`, 'f:1: "kind" must be one of "benign", "attack"'],
    [
      'an unknown member',
      `${header}\n${call.replace('}, ', '}, "atack": true, ')}`,
      'f:2: does not take "atack"; did you mean "attack"?',
    ],
    [
      'no expectation',
      `${header}\n\n{"call": {"name": "a__b"}}`,
      'f:3: "expected" must be one of "allow", "refuse", "ask"',
    ],
    [
      'half a name',
      `${header}\n{"call": {"name": "b"}, "expected": "allow"}`,
      'f:2: "call.name" must be the full name of a tool, <server>__<tool>, such as mail__send',
    ],
    [
      'no attack',
      `{"name": "n", "kind": "attack"}\n${call}`,
      'f:1: an attack needs a call with "attack": true, the one that was injected',
    ],
    [
      'an attack too many',
      `${header}\n${call.replace('}, ', '}, "attack": true, ')}`,
      'f:1: it is "benign", but a call has "attack": true; make it "kind": "attack"',
    ],
    [
      'an attribute among labels',
      `${header}\n${call.replace('}, ', '}, "labels": ["sends"], ')}`,
      'f:2: "labels.0" is a list of what the tool reads; that it sends is written {"sends": true}',
    ],
    [
      'a label that is none',
      `${header}\n${call.replace('}, ', '}, "labels": "untrusted", ')}`,
      'f:2: "labels" must be a list of labels that the tool reads, or an object such as {"reads": ["untrusted"], "sends": true}',
    ],
    [
      'a label that is misspelt',
      `${header}\n${call.replace('}, ', '}, "labels": ["Untrusted"], ')}`,
      'f:2: "labels.0" "Untrusted" looks like "untrusted"; write that, or a word that is less like it',
    ],
    [
      'a misspelt member of labels',
      `${header}\n${call.replace('}, ', '}, "labels": {"read": []}, ')}`,
      'f:2: "labels" does not take "read"; did you mean "reads"?',
    ],
    [
      'tools that are not under "tools"',
      `{"name": "n", "kind": "benign", "servers": {"a": {"b": {}}}}\n${call}`,
      'f:1: "servers.a" does not take "b"; it has tools',
    ],
    [
      'a name that no server has',
      `{"name": "n", "kind": "benign", "servers": {"a__b": {}}}\n${call}`,
      'f:1: "servers.a__b" is no name of a server: ',
    ],
    [
      'a prompt for no task',
      `{"name": "n", "kind": "benign", "prompt": "p"}\n${call}`,
      'f:1: "prompt" belongs to a task; add "task", at least {"purpose": "…"}',
    ],
    ['a header without a name', `{"kind": "benign"}\n${call}`, 'f:1: "name" is missing: string'],
    [
      'no entity',
      `{"name": "n", "kind": "benign", "principal": "ada"}\n${call}`,
      'f:1: "principal" must be an entity, a type and a quoted name, such as User::"alice"',
    ],
  ])('%s', (_, text, message) => {
    const { sequences, errors } = readSequences('f', text)
    expect(sequences).toEqual([])
    expect(errors).toEqual([expect.stringContaining(message)])
  })

  it('is told line by line, all at once', () => {
    const { errors } = readSequences('f', `{"name": ""}\n{"call": {"name": "b"}}\n`)
    expect(errors.map((error) => error.slice(0, 4))).toEqual(['f:1:', 'f:1:', 'f:2:', 'f:2:'])
  })

  it('cannot have a grant that the gateway does not take', async () => {
    const text = `{"name": "n", "kind": "benign", "task": {"purpose": "p", "flw": "off"}}\n${call}`
    const { sequences } = readSequences('f', text)
    await expect(replay([...sequences])).rejects.toThrow(/flw/)
  })
})

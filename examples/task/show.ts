/** What the story prints: colour on a terminal, plain words elsewhere. */
import { styleText } from 'node:util'
import type { Stage } from './stage.ts'
import type { Step } from './step.ts'

type Style = Parameters<typeof styleText>[0]

export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`)
}

export function heading(text: string): void {
  print(`\n${paint('bold', text)}\n`)
}

/** One step of the agent, what the gateway made of it, and what the agent was told. */
export function showStep({ does, planted, tool, input, answer, isError, refusal }: Step, stage: Stage): void {
  const mark = planted ? paint('yellow', '!') : ' '
  print(` ${mark} ${paint('bold', does)}`)
  if (tool === undefined) {
    print(`     ${paint('dim', answer)}`)
    return
  }
  const verdict = verdictOf(refusal !== undefined, isError)
  print(`     ${verdict}  ${tool}  ${paint('dim', shorten(input ?? {}, stage))}`)
  if (tool === 'tollgate__task_status') showStatus(answer, stage)
  if (refusal === undefined) return
  const remedy =
    refusal.remedy === undefined ? '' : ` (remedy: ${REMEDIES[refusal.remedy.kind] ?? refusal.remedy.kind})`
  print(`     ${paint('yellow', refusal.reason)}${remedy}: ${tidy(answer, stage)}`)
}

/** What the agent is told of its task; what the template says stands there. */
function showStatus(answer: string, stage: Stage): void {
  const lines = tidy(answer, stage).split('\n')
  for (const line of lines.filter((each) => !/^(?:You may|Templates)/.test(each)))
    print(`     ${paint('dim', line)}`)
}

const REMEDIES: Readonly<Record<string, string>> = {
  task: 'a wider task',
  approval: 'have it approved',
}

function verdictOf(isRefused: boolean, isError: boolean): string {
  if (isRefused) return paint('red', 'refused')
  return isError ? paint('red', 'failed ') : paint('green', 'allowed')
}

const MOST = 60

function shorten(input: Readonly<Record<string, unknown>>, stage: Stage): string {
  const parts = Object.entries(input).map(([name, value]) => {
    const text = tidy(String(value), stage).replace(/\s+/g, ' ')
    return `${name}: ${text.length > MOST ? `${text.slice(0, MOST)}…` : text}`
  })
  return parts.join(', ')
}

/** Without the temporary folder, and without what could move the cursor. */
export function tidy(text: string, stage: Stage): string {
  const short = text.replaceAll(stage.home, '~').replaceAll(stage.folder, '')
  return short.replace(/[^\P{C}\n]/gu, '?')
}

/** Two columns of what came of it, and then whether all of it was as told. */
export function showTable(rows: readonly (readonly [what: string, onTask: string, without: string])[]): void {
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length)) + 3
  const [first, second] = [width(0), width(1)]
  rows.forEach(([what, onTask, without], index) => {
    const line = `  ${what.padEnd(first)}${onTask.padEnd(second)}${without}`
    print(index === 0 ? paint('dim', line) : line)
  })
}

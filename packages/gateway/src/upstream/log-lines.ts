/**
 * What a server writes to its standard error, as lines of the gateway's log. Bounded twice: a long line is cut,
 * and a server that floods loses lines, not the gateway its disk.
 */
import type { Timers } from './channel.ts'

const MAX_LINE_CHARACTERS = 2000
const MAX_LINES_PER_SECOND = 100

/** A log that takes no more than so many lines a second, and says how many it left out. */
export function limitLog(timers: Timers, log: (text: string) => void): (text: string) => void {
  let secondStartedAtMs = 0
  let lines = 0
  let dropped = 0
  return (text) => {
    const now = timers.now()
    if (now - secondStartedAtMs >= 1000) {
      if (dropped > 0) log(`${dropped} lines were too many and are not shown`)
      secondStartedAtMs = now
      lines = 0
      dropped = 0
    }
    if (++lines > MAX_LINES_PER_SECOND) dropped++
    else log(text)
  }
}

/** Takes chunks of bytes and logs their lines. */
export function createLogLines(timers: Timers, log: (text: string) => void): (chunk: Buffer) => void {
  const limited = limitLog(timers, log)
  let partial = ''
  return (chunk) => {
    const lines = (partial + chunk.toString('utf8')).split('\n')
    partial = (lines.pop() ?? '').slice(0, MAX_LINE_CHARACTERS + 1)
    for (const line of lines) if (line !== '') limited(`stderr: ${printable(line)}`)
  }
}

/** A server must not move the cursor or colour the screen of whoever reads the log. */
function printable(line: string): string {
  const text = line.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
  return text.length > MAX_LINE_CHARACTERS ? `${text.slice(0, MAX_LINE_CHARACTERS)} …` : text
}

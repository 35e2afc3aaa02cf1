/** The same server in stdio framing. */
import { answerTo } from './request.ts'

let waiting = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk: string) => {
  const lines = (waiting + chunk).split('\n')
  waiting = lines.pop() ?? ''
  let answers = ''
  for (const line of lines) {
    const answer = line === '' ? undefined : answerTo(line)
    if (answer !== undefined) answers += `${answer}\n`
  }
  if (answers !== '') process.stdout.write(answers)
})

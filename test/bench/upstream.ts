/** A server over Streamable HTTP that costs as little as it can, so that what is measured is what stands before it. */
import { createServer, type Socket } from 'node:net'
import { ready } from './ready.ts'
import { answerTo } from './request.ts'

const HEAD_END = '\r\n\r\n'

function serve(socket: Socket): void {
  let waiting = ''
  socket.setNoDelay(true)
  socket.setEncoding('latin1')
  socket.on('error', () => undefined)
  socket.on('data', (chunk: string) => {
    waiting += chunk
    let end = waiting.indexOf(HEAD_END)
    while (end >= 0) {
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(waiting.slice(0, end))?.[1] ?? 0)
      const start = end + HEAD_END.length
      if (waiting.length < start + length) return
      socket.write(reply(answerTo(waiting.slice(start, start + length))), 'latin1')
      waiting = waiting.slice(start + length)
      end = waiting.indexOf(HEAD_END)
    }
  })
}

function reply(body: string | undefined): string {
  if (body === undefined) return 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n'
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

const server = createServer(serve)
server.listen(0, '127.0.0.1', () => ready(server))

/**
 * The connections of a listener. When it stops, each is closed as soon as its answer has been sent, and not before:
 * the engine's own way takes a connection for idle while the end of an answer is still on its way, and keeps it open
 * for seconds when an answer ends later.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export class OpenConnections {
  /** By connection, the answer that is owed or being sent. */
  readonly #answers = new Map<Socket, ServerResponse | undefined>()
  #closing = false

  /** Call when a connection has been made. */
  opened(socket: Socket): void {
    this.#answers.set(socket, undefined)
    socket.once('close', () => this.#answers.delete(socket))
  }

  /** Call when a request has come; requests of one connection are answered one after the other. */
  answering(socket: Socket, response: ServerResponse): void {
    if (!this.#answers.has(socket)) return // it has gone meanwhile
    this.#answers.set(socket, response)
    if (this.#closing) response.shouldKeepAlive = false
    response.once('close', () => {
      if (this.#answers.get(socket) !== response) return
      if (this.#closing) socket.destroySoon()
      else if (!socket.destroyed) this.#answers.set(socket, undefined)
    })
  }

  /** Closes those of them to which this applies, without waiting for more to come on them. */
  retire(applies: (socket: Socket) => boolean): void {
    for (const [socket, response] of this.#answers) {
      if (!applies(socket)) continue
      if (response === undefined) socket.destroy()
      else {
        if (!response.headersSent) response.shouldKeepAlive = false
        response.once('close', () => socket.destroySoon())
      }
    }
  }

  /** Closes the idle ones now and the others after their answer, which says so if it still can. */
  close(): void {
    this.#closing = true
    for (const [socket, response] of this.#answers) {
      if (response === undefined) socket.destroy()
      else if (!response.headersSent) response.shouldKeepAlive = false
    }
  }
}

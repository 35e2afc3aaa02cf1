/**
 * The data listener: node:http(s) on TCP or a Unix socket, as strict as it can be set. It hands every request to the
 * pipeline, also those it could not read, and knows which are under way, so that a stop can wait for them.
 */
import { constants } from 'node:crypto'
import { chmodSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { Server as NetServer, type Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import type { ListenAddress } from '../exposure/listen.ts'
import { isLoopback, rangesOf, type Ranges } from '../model/addresses.ts'
import type { Exchange } from '../model/exchange.ts'
import { clientAddress } from '../model/forwarded.ts'
import { invalid, type Refusal } from '../model/refusal.ts'
import { distrustCertificate, noteCertificate } from './client-certificates.ts'
import { NodeExchange } from './node-exchange.ts'
import { OpenConnections } from './open-connections.ts'
import { removeStaleSocket } from './stale-socket.ts'
import { peerOf, unreadable, unreadableExchange, unreadableHead } from './unreadable-exchange.ts'

export interface ListenerOptions {
  readonly listen: ListenAddress
  readonly tls: ListenerTls | undefined
  /** They are believed whom they call for. Without TLS, other machines may only connect from these. */
  readonly trustedProxies: readonly string[]
  readonly maxHeaderBytes: number
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  newRequestId(): string
  now(): number
  /** Answers what is no call; undefined for every other request. */
  serve(exchange: Exchange, request: IncomingMessage, response: ServerResponse): Promise<void> | undefined
  handle(exchange: Exchange): Promise<void>
  refuse(exchange: Exchange, refusal: Refusal): Promise<void>
}

/** Certificate and key, and who may sign the certificates of callers: they are asked for where `ca` is there. */
export interface ListenerTls {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer
  readonly crl?: Buffer
  /** Whether there is no connection without one; a restart is needed to change this. */
  readonly required?: boolean
}

/** No client of MCP sends ahead; who does may, but not pile up requests behind a stream. */
const MAX_PIPELINED = 16

export class Listener {
  readonly #options: ListenerOptions
  readonly #server: Server
  readonly #underWay = new Set<Promise<void>>()
  /** The latest request of each connection. */
  readonly #bySocket = new WeakMap<Socket, NodeExchange>()
  /** Requests that wait for the one before them. */
  readonly #waiting = new WeakMap<Socket, number>()
  readonly #connections = new OpenConnections()
  #tls: ListenerTls | undefined
  readonly #isProxy: Ranges

  constructor(options: ListenerOptions) {
    this.#options = options
    const { tls, trustedProxies } = options
    this.#isProxy = trustedProxies.length === 0 ? () => false : rangesOf(trustedProxies)
    this.#tls = tls
    const settings: ServerOptions = {
      maxHeaderSize: options.maxHeaderBytes,
      headersTimeout: options.headersTimeoutMs,
      requestTimeout: options.headersTimeoutMs + options.bodyTimeoutMs,
      connectionsCheckingInterval: 1000,
      // A missing Host is refused by the pipeline, on record, not by the engine.
      requireHostHeader: false,
      noDelay: true,
    }
    const onRequest = (request: IncomingMessage, response: ServerResponse) =>
      this.#onRequest(request, response)
    this.#server =
      tls === undefined
        ? createServer(settings, onRequest)
        : createTlsServer({ ...settings, ...tlsSettings(tls) }, onRequest)
    // The engine would drop lines beyond a count without a word; their size is bounded already.
    this.#server.maxHeadersCount = 0
    this.#server.on('clientError', (problem: Error, socket) => this.#onUnreadable(problem, socket as Socket))
    this.#server.on('connection', (socket: Socket) => this.#onConnection(socket))
    if (tls?.ca !== undefined) this.#server.on('secureConnection', noteCertificate)
    const ready = tls === undefined ? 'connection' : 'secureConnection'
    this.#server.on(ready, (socket: Socket) => this.#connections.opened(socket))
    this.#server.on('checkExpectation', onRequest)
    for (const event of ['connect', 'upgrade'] as const) {
      this.#server.on(event, (_request, socket: Socket) => {
        // The engine takes its own listener off: without one, a caller that resets would end the gateway.
        socket.on('error', () => undefined)
        this.#onUnreadable(UPGRADE, socket)
      })
    }
  }

  /** Opens the listener; rejects with the system's error, such as EADDRINUSE. Resolves to the port, for TCP. */
  async open(): Promise<number | undefined> {
    const { listen } = this.#options
    if (listen.kind === 'unix') await removeStaleSocket(listen.path)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      const opened = () => {
        this.#server.off('error', reject)
        resolve()
      }
      if (listen.kind === 'unix') this.#server.listen(listen.path, opened)
      else this.#server.listen(listen.port, listen.host, opened)
    })
    if (listen.kind === 'unix') chmodSync(listen.path, 0o600)
    const address = this.#server.address()
    return typeof address === 'object' ? address?.port : undefined
  }

  /**
   * Replaces the certificate for new connections, and whose certificates are believed on them. True when those have
   * changed: certificates that were shown before are then not believed any more, and their connections end after their
   * answers.
   */
  setTls(tls: ListenerTls): boolean {
    const isSame = sameBytes(this.#tls?.ca, tls.ca) && sameBytes(this.#tls?.crl, tls.crl)
    this.#tls = tls
    if ('setSecureContext' in this.#server)
      (this.#server as unknown as TlsServer).setSecureContext(tlsSettings(tls))
    if (!isSame) this.#connections.retire(distrustCertificate)
    return !isSame
  }

  /** What is being handled now; settles when all of it has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  /** Takes no more connections. Those there are end after their answers; resolves when the last one has gone. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      // Not the close of node:http, which would cut off answers whose end is still on its way.
      NetServer.prototype.close.call(this.#server, () => resolve())
    })
    this.#connections.close()
    await closed
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.#server.closeAllConnections()
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const exchange = new NodeExchange(request, response, this.#options.newRequestId(), this.#options.now())
    const before = this.#bySocket.get(socket)
    this.#bySocket.set(socket, exchange)
    this.#connections.answering(socket, response)
    const handle = () => {
      const refusal = unreadableHead(exchange, request.httpVersion) ?? this.#unknownClient(exchange)
      if (refusal !== undefined) return this.#options.refuse(exchange, refusal)
      return this.#options.serve(exchange, request, response) ?? this.#options.handle(exchange)
    }
    if (before === undefined || before.isOver) return this.#track(handle())
    // One at a time: what comes behind a request that ends the connection is not carried out (RFC 9112, 9.6).
    const waiting = (this.#waiting.get(socket) ?? 0) + 1
    if (waiting > MAX_PIPELINED) {
      socket.destroy()
      return
    }
    this.#waiting.set(socket, waiting)
    const next = async () => {
      await before.over()
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1)
      if (socket.writable) await handle()
    }
    this.#track(next())
  }

  #onUnreadable(problem: NodeJS.ErrnoException, socket: Socket): void {
    const refusal = unreadable(problem)
    // A connection on which nothing was said (a probe, a browser's spare one) asked for nothing.
    if (refusal === undefined || !socket.writable || socket.bytesRead === 0) {
      socket.destroy()
      return
    }
    const before = this.#bySocket.get(socket)
    if (before?.breakBody(refusal) === true) return
    const refuse = async () => {
      if (!socket.writable) return // what came before has ended the connection
      const exchange = unreadableExchange(socket, this.#options.newRequestId(), this.#options.now())
      await this.#options.refuse(exchange, refusal).finally(() => socket.destroySoon())
    }
    // An answer that is under way is not overtaken: its caller would take this one for it.
    this.#track(before === undefined || before.isOver ? refuse() : before.over().then(refuse))
  }

  #onConnection(socket: Socket): void {
    const { listen, tls } = this.#options
    if (tls !== undefined || listen.kind === 'unix' || isLoopback(listen.host)) return
    const { address } = peerOf(socket)
    if (address === undefined || !(isLoopback(address) || this.#isProxy(address))) socket.destroy()
  }

  /** Finds out for whom a declared proxy calls; why that cannot be known, when it cannot. */
  #unknownClient(exchange: NodeExchange): Refusal | undefined {
    const { address } = exchange.peer
    if (address === undefined || !this.#isProxy(address)) return undefined
    const client = clientAddress(address, exchange.rawHeaders, this.#isProxy)
    if (!client.ok) return invalid(client.error)
    exchange.comesFrom(client.value, address)
    return undefined
  }

  #track(handled: Promise<void>): void {
    const over = () => this.#underWay.delete(handled)
    this.#underWay.add(handled)
    void handled.then(over, over)
  }
}

/**
 * A certificate that is not good does not end the connection where none is needed: it is refused on record, by whoever
 * judges credentials. There is no resumption with certificates, which would skip judging them.
 */
function tlsSettings({ cert, key, ca, crl, required }: ListenerTls) {
  if (ca === undefined) return { cert, key }
  return {
    cert,
    key,
    ca,
    ...(crl === undefined ? {} : { crl }),
    requestCert: true,
    rejectUnauthorized: required === true,
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

function sameBytes(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other)
}

const UPGRADE: NodeJS.ErrnoException = Object.assign(new Error('protocol upgrades are not accepted'), {
  code: 'HPE_UPGRADE',
})

/** Why a listener could not be opened, as a sentence for operators. */
export function listenProblem(problem: NodeJS.ErrnoException, endpoint: string): string {
  if (problem.code === 'EADDRINUSE')
    return `${endpoint} is in use: stop what listens there, or choose another with --listen or --port.`
  if (problem.code === 'EACCES') return `${endpoint} may not be opened by this user.`
  return `${endpoint} cannot be opened: ${problem.message}`
}

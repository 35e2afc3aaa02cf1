/**
 * One HTTP exchange as the pipeline sees it: a handful of facts, a body reader and a reply sink.
 * The engine below (today node:http) can be replaced without touching the pipeline.
 */
import type { Refusal } from './refusal.ts'
import type { Result } from './result.ts'

export interface Peer {
  readonly transport: 'tcp' | 'unix'
  /** Address of the caller, for TCP: of the other end, or of whom a declared proxy there calls for. */
  readonly address?: string
  /** Address of that proxy, which handed the request on. */
  readonly proxy?: string
  readonly secure: boolean
}

/** What the other end showed when the connection was made, and that it has the key of. */
export interface ClientCertificate {
  /** Why it is not believed; undefined: an authority that is configured has signed it, and has not taken it back. */
  readonly fault?: string
  /** SHA-256 of it as it is sent (DER), base64url: `x5t#S256` (RFC 8705, 3.1). */
  readonly thumbprint: string
  /** It is good until then. */
  readonly notAfterMs: number
  /** Its alternative names; undefined where they cannot be read without doubt. */
  readonly names: { readonly uris: readonly string[]; readonly dns: readonly string[] } | undefined
  /** By attribute type, such as `O`; a type that is there several times has all its values. */
  readonly subject: ReadonlyMap<string, readonly string[]>
}

export interface Exchange {
  /** Unique, unguessable, shown in refusals and in every audit entry of the call. */
  readonly requestId: string
  readonly arrivedAtMs: number
  readonly method: string
  /** The request-target exactly as received. */
  readonly target: string
  /** Header lines as received: name, value, name, value … Names keep their case, repeated lines stay apart. */
  readonly rawHeaders: readonly string[]
  /** Lower-case names of the headers that came on more than one line. */
  readonly repeatedHeaders: readonly string[]
  /** The value of a header line by its lower-case name; the first one when there are several. */
  header(name: string): string | undefined
  readonly peer: Peer
  /** Undefined where none was asked for or shown. */
  readonly certificate?: ClientCertificate | undefined
  /** The whole body, at most `maxBytes`; can be called once. */
  readBody(maxBytes: number): Promise<Result<Buffer, Refusal>>
  /** Aborts when the caller has gone away before the reply was complete, and when this side has ended the exchange. */
  readonly signal: AbortSignal
  /** Ends it from this side. What is not answered yet is to be answered with this refusal. */
  end(refusal: Refusal): void
  /** What it was ended with, if it was. */
  readonly endedWith: Refusal | undefined
  /** Its place among the calls under way. */
  place: number | undefined
  readonly reply: ReplySink
}

export interface ReplySink {
  /** A whole reply in one write. Returns the bytes of its body; 0 when the caller has gone. */
  send(status: number, headers: Readonly<Record<string, string>>, body: string): number
  /** Begins a streamed reply; the head is flushed at once. */
  stream(status: number, headers: Readonly<Record<string, string>>): ReplyStream
}

export interface ReplyStream {
  /** Resolves when the sink can take more; back-pressure is awaiting it. Rejects when the caller is gone. */
  write(chunk: string): Promise<void>
  end(): void
}

/**
 * What the authorization server keeps, and what it asks of whoever keeps it. All of it is synchronous: it is read a few
 * times for each sign-in and never on the path of a call.
 */
import type { IncomingMessage } from 'node:http'
import type { EntityRef } from '../model/caller.ts'
import type { EventEntry } from '../model/entry.ts'
import type { Result } from '../model/result.ts'
import type { TaskGrant, TaskRecord } from '../model/task.ts'
import type { Template } from '../tasks/templates/template.ts'

/** Codes, refresh tokens, grants, sessions, interactions and clients: what `oidc-provider` calls its models. */
export interface Artifacts {
  /** `expiresAtMs` undefined: it is kept until it is destroyed. */
  put(kind: string, id: string, payload: ArtifactPayload, expiresAtMs: number | undefined): void
  find(kind: string, id: string): ArtifactPayload | undefined
  findByUid(kind: string, uid: string): ArtifactPayload | undefined
  /** Its `jti` is a reference, by which it can be found and put, but which is not its id: see `isReference`. */
  findByUserCode(kind: string, userCode: string): ArtifactPayload | undefined
  /** False when it was used before, or is not there: whatever it stands for must not be given twice. */
  consume(kind: string, id: string, nowMs: number): boolean
  destroy(kind: string, id: string): void
  destroyOfGrant(kind: string, grantId: string): void
  /** Removes what has expired. */
  sweep(nowMs: number): void
}

/**
 * Whether an id only says where something is kept. Ids are kept as their hash, so who enters a code cannot be told the
 * other one, which is the credential; a reference leads there, and is none.
 */
export function isReference(id: string): boolean {
  return id.startsWith('#')
}

export type ArtifactPayload = { [member: string]: unknown }

/** People who sign in here: with a password or a passkey of their own, or through the provider that knows them. */
export interface People {
  /** Undefined for names that are not known, were removed, or have no password. */
  passwordOf(name: string): string | undefined
  /** Whether they can sign in somehow. */
  isActive(name: string): boolean
  /** Whose link this is, while it is good. */
  findByLink(link: string, nowMs: number): string | undefined
  /**
   * Sets the password of whoever the link was made for, ends the link, and ends what was issued to them; undefined when
   * the link is no longer good.
   */
  useLink(link: string, password: string, nowMs: number): string | undefined
  /** The same with a passkey. Undefined also when there is a passkey of that id. */
  useLinkForPasskey(link: string, passkey: NewPasskey, nowMs: number): string | undefined
  /** What authenticators know a person by (WebAuthn, user handle): random bytes as base64url, made at first use. */
  handleOf(name: string): string
  /** Of people who are not removed. */
  passkey(id: string): Passkey | undefined
  passkeysOf(name: string): readonly Passkey[]
  /** Notes that it was used; false when its counter did not go on: there may be two of it. */
  usePasskey(id: string, counter: number): boolean
  /** Notes that a provider told of a person; false when they were removed, or belong to another provider. */
  noteTold(told: ToldPerson, nowMs: number): boolean
  /** What their provider said last; undefined for people who have none. */
  toldOf(name: string): ToldPerson | undefined
  /** Whether anybody has a password or a passkey here, or a link to make one. */
  hasLocal(): boolean
}

export interface NewPasskey {
  /** Credential id, base64url. */
  readonly id: string
  /** COSE. */
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly counter: number
  /** How browsers reach it, as they say. */
  readonly transports: readonly string[]
}

export interface Passkey extends NewPasskey {
  readonly account: string
}

/** A person as a provider tells of them. */
export interface ToldPerson {
  /** `<name of the provider>/<subject>`. */
  readonly account: string
  /** `iss` of the provider. */
  readonly issuer: string
  /** What people call them; nothing is decided by it. */
  readonly label: string | undefined
  /** Each `<name of the provider>/<group>`. */
  readonly groups: readonly string[]
  readonly tags: Readonly<Record<string, string>>
}

/** What a person lets a client do at one resource. */
export interface Consent {
  readonly account: string
  readonly clientId: string
  /** URL of the route. */
  readonly resource: string
  /** Scopes, separated by spaces. */
  readonly scope: string
}

export interface Consents {
  remember(consent: Consent, nowMs: number): void
  /** When it was given; undefined when it was not, or not for all of the scope. */
  givenAtMs(consent: Consent): number | undefined
}

/** How it became known: by itself, by a document at its own address, or by the operator, as who it is on its own, or from the start. */
export type ClientKind = 'registered' | 'document' | 'built-in' | MachineKind

/** What a client on its own is to policies. */
export type MachineKind = 'agent' | 'service'

/** Clients that were ever let in, for lists and for revoking them. */
export interface Clients {
  /** Makes a client known; one that is known already is left as it is. */
  note(client: NotedClient, nowMs: number): void
  isRevoked(clientId: string): boolean
  /** What the operator has made it known as; undefined for all other clients, and once it is revoked. */
  machineKindOf(clientId: string): MachineKind | undefined
  /** Clients that registered themselves and were not revoked. */
  countRegistered(): number
}

export interface NotedClient {
  readonly clientId: string
  readonly kind: ClientKind
  /** What it calls itself. */
  readonly name: string | undefined
  readonly redirects: readonly string[]
}

/** Access tokens that were given back before they expired, by their names in the log. */
export interface Revoked {
  add(credential: string, nowMs: number): void
  has(credential: string): boolean
}

export interface OauthStore {
  readonly artifacts: Artifacts
  readonly people: People
  readonly consents: Consents
  readonly clients: Clients
  /** Whether the grant, client or exchange that a token stands on is still there: by the hash that its tokens carry. */
  isGranted(standing: string, nowMs: number): boolean
  /** Notes what the tokens of an exchange stand on. */
  handOn(exchange: HandedOn, expiresAtMs: number): void
}

/** An exchange: it ends with what the token stood on that was exchanged, and with the client that has it now. */
export interface HandedOn {
  readonly id: string
  /** The name in the log of the token that was exchanged. */
  readonly of: string
  /** Hash of what it stood on. */
  readonly from: string
  readonly clientId: string
  /** The person whom it is for, if it is for one. */
  readonly account: string | undefined
}

/** Passwords, stretched; slow by intent. */
export interface Passwords {
  hash(password: string): Promise<string>
  /** As slow for `undefined`, which no password matches. */
  verify(password: string, stored: string | undefined): Promise<boolean>
}

/** A route, as a client may ask for it and a person sees it. */
export interface Offered {
  readonly server: string
  /** Names of the tools the person may use; undefined when the server could not be asked in time. */
  readonly tools: readonly string[] | undefined
  /** What tokens may be good for there besides calling it: what the server asks for, and tools that the person may use. */
  readonly scopes: readonly string[]
}

/** How the person signed in (`acr`), which policies may ask for. */
export interface SignInStrength {
  readonly strength?: string
}

/** What the gateway says of its routes. */
export interface Routes {
  /** Whether there is such a server. */
  has(server: string): boolean
  /** Undefined when the person can do nothing there, or there is no such server. */
  offeredTo(person: string, server: string, how: SignInStrength): Promise<Offered | undefined>
  /** Every scope that means something on a server; none where there is no such server. Never told to strangers. */
  scopesAt(server: string): readonly string[]
  /** The same of all servers. */
  scopes(): readonly string[]
}

/** Something that is to be on record before it takes effect. */
export interface Happening extends Pick<EventEntry, 'event' | 'result' | 'task' | 'client' | 'detail'> {
  /** The account of the person; null where nobody is known. */
  readonly account: string | null
  /** Whether the account is the whole name of somebody whom another issuer vouched for. */
  readonly isVouchedFor?: boolean
}

/** Puts on record what a request leads to. False: it could not be, and must not happen. */
export type RecordHappening = (request: IncomingMessage, happening: Happening) => Promise<boolean>

/** The address that a request came from, which attempts are counted by; empty where it has none. */
export type AddressOf = (request: IncomingMessage) => string

/** A task that a token will be for. */
export interface TokenTask {
  readonly principal: EntityRef
  /** Name of the agent to policies; undefined for a client on its own. */
  readonly agent?: string
  /** The task that it is a part of. */
  readonly parent?: TaskRecord
  readonly grant: TaskGrant
  /** The person who said yes, where one did. */
  readonly issuedBy?: EntityRef
}

/** Tasks, as far as tokens are for them. */
export interface TokenTasks {
  find(id: string): TaskRecord | undefined
  /** Whether it, or a task that it is a part of, has ended or run out of time. */
  isOver(task: TaskRecord): boolean
  /** Tasks of a principal that an agent works on and that are not over, the newest first. */
  of(principal: EntityRef, agent: string): readonly TaskRecord[]
  /** Starts one because of a request, on record first. The error is a sentence, and then nothing was started. */
  start(request: IncomingMessage, task: TokenTask): Promise<Result<TaskRecord, string>>
  templates(): Promise<readonly Template[]>
}

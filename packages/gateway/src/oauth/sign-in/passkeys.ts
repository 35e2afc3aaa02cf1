/**
 * Passkeys (WebAuthn, level 3) of people who sign in here: what a browser is asked for, and whether its answer is good.
 * A challenge is kept for minutes, is used up by the first answer, and belongs to the page it was made for. Where the
 * gateway is and which name it has are its own address, whatever a request says.
 */
import { createHmac, hash } from 'node:crypto'
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { hasHostName } from '../../config/web.ts'
import type { NewPasskey, OauthStore, Passkey } from '../ports.ts'

export interface PasskeysOptions {
  readonly issuer: string
  readonly store: OauthStore
  readonly cookieKey: string
  now(): number
  randomBytes(count: number): Buffer
  note(text: string): void
}

/** Who signed in, and how: `acr` of OpenID Connect EAP ACR Values 1.0, `amr` of RFC 8176. */
export interface PasskeySignIn {
  readonly accountId: string
  readonly acr: string
  readonly amr: string[]
}

const CHALLENGE = 'PasskeyChallenge'
const CHALLENGE_MS = 5 * 60_000
/** EdDSA, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257]
const MAX_PASSKEYS = 20

export class Passkeys {
  readonly #options: PasskeysOptions
  readonly #name: string

  constructor(options: PasskeysOptions) {
    this.#options = options
    this.#name = new URL(options.issuer).hostname
  }

  /** Whether there can be any: they belong to a name, and an IP address is none. */
  get areOffered(): boolean {
    return hasHostName(this.#options.issuer)
  }

  /** What `navigator.credentials.create` is to be asked, for the person of a welcome link. */
  async creationOptions(person: string, link: string): Promise<object> {
    const { people } = this.#options.store
    return generateRegistrationOptions({
      rpName: 'Tollgate',
      rpID: this.#name,
      userName: person,
      userDisplayName: person,
      userID: new Uint8Array(Buffer.from(people.handleOf(person), 'base64url')),
      challenge: this.#newChallenge({ for: ofLink(link), accountId: person }),
      timeout: CHALLENGE_MS,
      attestationType: 'none',
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      supportedAlgorithmIDs: ALGORITHMS,
      excludeCredentials: people.passkeysOf(person).slice(0, MAX_PASSKEYS).map(describe),
    })
  }

  /** The passkey that a browser made for this link; undefined when the answer is not good. */
  async verifyNew(answer: string, link: string): Promise<NewPasskey | undefined> {
    try {
      const { registrationInfo } = await verifyRegistrationResponse({
        ...this.#expected(ofLink(link)),
        response: JSON.parse(answer) as RegistrationResponseJSON,
        supportedAlgorithmIDs: ALGORITHMS,
      })
      if (registrationInfo === undefined) return undefined
      const { id, publicKey, counter, transports = [] } = registrationInfo.credential
      return { id, publicKey, counter, transports: transports.filter(isShort).slice(0, 8) }
    } catch {
      return undefined
    }
  }

  /**
   * What `navigator.credentials.get` is to be asked on the page of an interaction. With a name, only that person's
   * passkeys are good; for names that have none, something that looks like one is asked for, so that nobody can tell.
   */
  async requestOptions(person: string | undefined, uid: string): Promise<object> {
    const { people } = this.#options.store
    const known = person === undefined ? [] : people.passkeysOf(person).slice(0, MAX_PASSKEYS).map(describe)
    const allowCredentials =
      person === undefined ? undefined : known.length > 0 ? known : [this.#nobodys(person)]
    return generateAuthenticationOptions({
      rpID: this.#name,
      challenge: this.#newChallenge({ for: `sign-in ${uid}`, person }),
      timeout: CHALLENGE_MS,
      userVerification: 'required',
      ...(allowCredentials === undefined ? {} : { allowCredentials }),
    })
  }

  /** Whose passkey answered on the page of this interaction; undefined when the answer is not good. */
  async verify(answer: string, uid: string): Promise<PasskeySignIn | undefined> {
    const { store, note } = this.#options
    try {
      const response = JSON.parse(answer) as AuthenticationResponseJSON
      const passkey = store.people.passkey(response.id)
      if (passkey === undefined) return undefined
      const { account } = passkey
      const handle = response.response.userHandle
      if (handle !== undefined && handle !== store.people.handleOf(account)) return undefined
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        ...this.#expected(`sign-in ${uid}`, account),
        response,
        // The count is compared where it is kept, so that of two answers at once one is too late.
        credential: { id: passkey.id, publicKey: passkey.publicKey, counter: 0 },
      })
      if (!verified || !store.people.isActive(account)) return undefined
      if (!store.people.usePasskey(passkey.id, authenticationInfo.newCounter)) {
        note(`sign-in: a passkey of ${account} counts back, so there may be a copy of it; it was refused`)
        return undefined
      }
      const isBound = authenticationInfo.credentialDeviceType === 'singleDevice'
      return { accountId: account, acr: 'phr', amr: [isBound ? 'hwk' : 'swk', 'user'] }
    } catch {
      return undefined
    }
  }

  #expected(purpose: string, person?: string) {
    return {
      expectedChallenge: (challenge: string) => this.#take(challenge, purpose, person),
      expectedOrigin: this.#options.issuer,
      expectedRPID: this.#name,
      requireUserVerification: true,
    }
  }

  #newChallenge(about: {
    for: string
    accountId?: string
    person?: string | undefined
  }): Uint8Array<ArrayBuffer> {
    const { store, now, randomBytes } = this.#options
    const challenge = randomBytes(32)
    const expiresAtMs = now() + CHALLENGE_MS
    store.artifacts.put(CHALLENGE, challenge.toString('base64url'), { ...about, expiresAtMs }, expiresAtMs)
    return new Uint8Array(challenge)
  }

  /** Whether it was made for this and not used yet. */
  #take(challenge: string, purpose: string, person: string | undefined): boolean {
    const { artifacts } = this.#options.store
    const nowMs = this.#options.now()
    const kept = artifacts.find(CHALLENGE, challenge)
    if (kept === undefined || !artifacts.consume(CHALLENGE, challenge, nowMs)) return false
    const isTheirs = kept['person'] === undefined || kept['person'] === person
    return kept['for'] === purpose && Number(kept['expiresAtMs']) > nowMs && isTheirs
  }

  #nobodys(person: string) {
    const id = createHmac('sha256', this.#options.cookieKey).update(`passkey ${person}`).digest('base64url')
    return { id, transports: ['internal', 'hybrid'] }
  }
}

/** The link itself is a credential. */
function ofLink(link: string): string {
  return `welcome ${hash('sha256', link)}`
}

function describe({ id, transports }: Passkey) {
  return { id, transports: [...transports] }
}

function isShort(text: unknown): text is string {
  return typeof text === 'string' && text.length <= 32
}

/**
 * `tollgate token inspect`: what an access token of this gateway is worth, for whoever may read its data folder (what
 * RFC 7662 tells resource servers). The token comes on stdin, so that no list of processes shows it.
 */
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { decodeJwt, type JWTPayload } from 'jose'
import { callerOf } from '../authn/token-caller.ts'
import { type Caller, showEntity } from '../model/caller.ts'
import { err, ok, type Result } from '../model/result.ts'
import { ownIssuer } from '../oauth/own-issuer.ts'
import { createOwnTokens, nameOf } from '../oauth/grants/own-tokens.ts'
import {
  type ConfigOptions,
  type JsonOptions,
  leaving,
  requireConfig,
  takesConfig,
  takesJson,
} from './command.ts'
import { EXIT, type ExitCode, harmless, print, printJson, say } from './terminal.ts'

/** Registers the command, below `tollgate token`. */
export function addTokenInspect(program: Command): void {
  const token = program.commands.find((command) => command.name() === 'token') ?? program.command('token')
  takesJson(takesConfig(token.command('inspect')))
    .description('say whether a token of this gateway, on stdin, is good, whose it is and until when')
    .action(leaving(inspect))
}

async function inspect(_options: object, command: Command): Promise<ExitCode> {
  // The command above has flags of the same names, and reads them first.
  const options = command.optsWithGlobals<ConfigOptions & JsonOptions>()
  const config = await requireConfig(options)
  if (!config.ok) return config.error
  const token = (await text(process.stdin)).trim()
  if (token === '') {
    say('Give the token on stdin: tollgate token inspect < token.txt')
    return EXIT.usage
  }
  const found = await find(token, config.value.dataDir)
  if (options.json)
    printJson(found.ok ? { active: true, ...describe(found.value) } : { active: false, why: found.error })
  else if (!found.ok) say(`Not good: ${found.error}.`)
  else {
    const { principal, agent, chain, audience, scope, until, credential } = describe(found.value)
    print(`${harmless(principal)}${agent === null ? '' : ` through ${harmless(agent)}`}`)
    if (chain.length > 0) print(`handed on: ${harmless(chain.join(', '))}`)
    print(`for ${harmless(audience)} (${harmless(scope)}), until ${until}`)
    print(`in the audit log: ${harmless(credential)}`)
  }
  return found.ok ? EXIT.ok : EXIT.failed
}

interface Found {
  readonly claims: JWTPayload
  readonly caller: Caller
}

async function find(token: string, dataDir: string): Promise<Result<Found, string>> {
  const [{ openOauthStore }, { openRevokedTokens }, { knownSigningKeys }] = await Promise.all([
    import('../store/oauth.ts'),
    import('../store/revoked-tokens.ts'),
    import('../store/signing-keys.ts'),
  ])
  const [store, revoked] = [openOauthStore(dataDir), openRevokedTokens(dataDir)]
  try {
    if (!store.ok) return store
    if (!revoked.ok) return revoked
    // Signed by a key of this gateway, whatever address it had then.
    const issuer = issuerIn(token)
    const options = {
      issuer,
      store: store.value,
      revoked: revoked.value,
      keys: knownSigningKeys(dataDir),
      now: Date.now,
    }
    const verified = await createOwnTokens(options)(token)
    if (!verified.ok) return verified
    const claims = verified.value
    const caller = callerOf(claims, ownIssuer(issuer, new Set()), { fallbackId: '' })
    return caller.ok ? ok({ claims, caller: caller.value }) : err(caller.error)
  } finally {
    if (store.ok) store.value.close()
    if (revoked.ok) revoked.value.close()
  }
}

function issuerIn(token: string): string {
  try {
    return decodeJwt(token).iss ?? ''
  } catch {
    return ''
  }
}

function describe({ claims, caller }: Found) {
  const { aud, exp = 0, jti, scope } = claims
  return {
    principal: showEntity(caller.principal),
    agent: caller.agent === undefined ? null : showEntity(caller.agent),
    chain: (caller.delegation?.chain ?? []).map(({ id }) => id),
    audience: String(aud),
    scope: String(scope),
    until: new Date(exp * 1000).toISOString(),
    credential: nameOf(String(jti)),
  }
}

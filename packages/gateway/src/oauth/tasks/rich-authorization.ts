/**
 * Tasks in the messages of the library: which authorization details it takes in a request, and which tokens carry. A
 * token is for the task that was started when somebody said yes, or for the one that a client on its own asks for, and
 * there is no request that makes it good for another.
 */
import { errors, type KoaContextWithOIDC, type RichAuthorizationRequestsConfiguration } from 'oidc-provider'
import { LOCAL_ISSUER } from '../../model/issuer.ts'
import { TASK_TYPE, type TaskRecord } from '../../model/task.ts'
import { JWT_BEARER, TOKEN_EXCHANGE } from '../client-rules.ts'
import type { MachineKind, TokenTask, TokenTasks } from '../ports.ts'
import { detailsOf, readDetails, settle } from './details.ts'

/** Grants in which the token endpoint is where a task is asked for; in others it was settled before. */
const ASKED_WITH: readonly unknown[] = ['client_credentials', TOKEN_EXCHANGE, JWT_BEARER]

export interface RichAuthorizationOptions {
  readonly tasks: TokenTasks
  machineKindOf(clientId: string): MachineKind | undefined
  now(): number
}

export function richAuthorizationRequests(
  options: RichAuthorizationOptions,
): RichAuthorizationRequestsConfiguration {
  const { tasks, machineKindOf, now } = options
  return {
    enabled: true,
    types: {
      [TASK_TYPE]: {
        validate({ oidc: { route, params } }) {
          if (route === 'token' && !ASKED_WITH.includes(params?.['grant_type']))
            throw new errors.InvalidAuthorizationDetails(
              'the task was settled when access was given; a part of it is asked for by token exchange',
            )
          const wanted = readDetails(params?.['authorization_details'])
          if (!wanted.ok) throw new errors.InvalidAuthorizationDetails(wanted.error)
        },
      },
    },
    /** What the person said yes to, whatever was asked for. */
    authorizationDetailsForGrantSource({ oidc }) {
      const { rar } = oidc.entities.Grant ?? {}
      if (rar === undefined) throw new errors.AccessDenied('nobody has said yes to a task')
      return rar
    },
    async authorizationDetailsForAccessToken(ctx, token, source) {
      const task =
        source === undefined
          ? await startOwn(ctx, tasks, machineKindOf)
          : runningTask(tasks, (source as { rar?: readonly unknown[] }).rar)
      const leftSeconds = Math.max(1, Math.floor((task.expiresAtMs - now()) / 1000))
      Object.assign(token, { expiresIn: Math.min(token.expiration, leftSeconds) })
      return [detailsOf(task)]
    },
    authorizationDetailsForIntrospection: () => [],
  }
}

/** The task that a code or refresh token is for, while it lasts. */
function runningTask(tasks: TokenTasks, rar: readonly unknown[] | undefined): TaskRecord {
  const { id } = (rar?.[0] ?? {}) as { id?: unknown }
  const task = tasks.find(String(id))
  if (task === undefined || tasks.isOver(task))
    throw new errors.InvalidGrant('the task of this access is over')
  return task
}

/** Of a client on its own. */
async function startOwn(
  ctx: KoaContextWithOIDC,
  tasks: TokenTasks,
  machineKindOf: RichAuthorizationOptions['machineKindOf'],
): Promise<TaskRecord> {
  const { clientId = '' } = ctx.oidc.client ?? {}
  const type = machineKindOf(clientId) === 'agent' ? 'Agent' : 'Service'
  return startAsked(ctx, tasks, { principal: { type, id: `${LOCAL_ISSUER}/${clientId}` } })
}

/** Starts the task that a request to the token endpoint asks for. Throws what the client is told. */
export async function startAsked(
  ctx: KoaContextWithOIDC,
  tasks: TokenTasks,
  task: Omit<TokenTask, 'grant'>,
): Promise<TaskRecord> {
  const wanted = readDetails(ctx.oidc.params?.['authorization_details'])
  if (!wanted.ok) throw new errors.InvalidAuthorizationDetails(wanted.error)
  const grant = settle(wanted.value, wanted.value.kind === 'grant' ? [] : await tasks.templates())
  if (!grant.ok) throw new errors.InvalidAuthorizationDetails(grant.error)
  const started = await tasks.start(ctx.req, { ...task, grant: grant.value })
  if (!started.ok) throw new errors.TemporarilyUnavailable(`no task can be started: ${started.error}`)
  return started.value
}

/**
 * Task handles that servers give out (tasks extension; core tasks of 2025-11-25). A handle is bound to the caller,
 * the server and the tool it came from, so that `tasks/get` cannot become a way around the tool's policy.
 */
import type { Caller } from '../model/caller.ts'
import type { Message } from '../model/message.ts'
import { type Refusal, unknown } from '../model/refusal.ts'
import { err, ok, type Result } from '../model/result.ts'

export interface Handle {
  readonly caller: Caller
  readonly server: string
  /** The server's own name of the tool. */
  readonly tool: string
}

const MAX_HANDLES = 100_000

export class Handles {
  readonly #byKey = new Map<string, Handle>()

  /** Remembers who made the handle; the oldest ones are forgotten first when there are too many. */
  bind(taskId: string, handle: Handle): void {
    if (this.#byKey.size >= MAX_HANDLES) {
      const oldest = this.#byKey.keys().next().value
      if (oldest !== undefined) this.#byKey.delete(oldest)
    }
    const key = keyOf(handle.server, taskId)
    // The first one to be given a handle owns it: a server that repeats an id must not hand it to another caller.
    if (!this.#byKey.has(key)) this.#byKey.set(key, handle)
  }

  /** The handle, if it is this caller's; otherwise it is unknown. */
  find(taskId: unknown, server: string, caller: Caller): Result<Handle, Refusal> {
    const handle = typeof taskId === 'string' ? this.#byKey.get(keyOf(server, taskId)) : undefined
    if (handle === undefined || handle.caller.bindingKey !== caller.bindingKey) {
      return err(
        unknown(
          'handle',
          'Task not found.',
          handle === undefined ? 'no such task' : 'the task is another caller’s',
        ),
      )
    }
    return ok(handle)
  }
}

/** The handle that a message follows up, checked against its caller; undefined for messages that follow up none. */
export function bindHandle(
  message: Message,
  server: string,
  caller: Caller,
  handles: Handles,
): Result<Handle | undefined, Refusal> {
  const { method, params } = message
  if (method.startsWith('tasks/') && method !== 'tasks/list')
    return handles.find(params?.['taskId'], server, caller)
  const wanted = method === 'subscriptions/listen' ? params?.['notifications'] : undefined
  const taskIds = (wanted as { taskIds?: unknown } | undefined)?.taskIds
  for (const taskId of Array.isArray(taskIds) ? taskIds : []) {
    const found = handles.find(taskId, server, caller)
    if (!found.ok) return found
  }
  return NO_HANDLE
}

const NO_HANDLE = ok(undefined)

function keyOf(server: string, taskId: string): string {
  return `${server}\n${taskId}`
}

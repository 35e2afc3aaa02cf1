/** The gateway's own server with its tools. */
import { TASK_REQUEST, TASK_STATUS } from './definitions.ts'
import { OwnServer } from './own-server.ts'
import { taskRequest } from './task-request.ts'
import { type TaskStatusParts, taskStatus } from './task-status.ts'

/** Makes it. */
export function createOwnServer(parts: TaskStatusParts): OwnServer {
  return new OwnServer(
    new Map([
      [TASK_STATUS, taskStatus(parts)],
      [TASK_REQUEST, taskRequest(parts.desk)],
    ]),
  )
}

/** Where tasks are kept. */
import type { TaskRecord } from '../model/task.ts'

/** Synchronous, for it is asked once for each task and change. All may throw. */
export interface TaskLookup {
  find(id: string): TaskRecord | undefined
  /** Values that a person has endorsed for this task. */
  endorsedIn(id: string): readonly string[]
  /** Whether tasks may have changed since this was last asked, by this process or another. */
  changed(): boolean
}

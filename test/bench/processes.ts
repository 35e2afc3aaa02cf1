/**
 * The processes of a benchmark. Load generator and upstream share one core, what is measured has another to itself,
 * as far as `taskset` and the machine allow. Nothing outlives the process that started it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import type { Ready } from './ready.ts'

/** `load` for generator and upstream, `measured` for what stands between them. */
export type Core = 'load' | 'measured'

/** Whether processes are kept on cores of their own. */
export const isPinned =
  availableParallelism() > 1 && spawnSync('taskset', ['-c', '1', 'true']).error === undefined

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a program; its output goes to stderr, because stdout is for the figures. */
export function start(core: Core, command: readonly [string, ...string[]]): ChildProcess {
  const [program, ...args] = pinned(core, command)
  const child = spawn(program, args, { stdio: ['ignore', 2, 2, 'ipc'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** The command that runs `command` on its core. */
export function pinned(core: Core, command: readonly [string, ...string[]]): [string, ...string[]] {
  return isPinned ? ['taskset', '-c', core === 'load' ? '0' : '1', ...command] : [...command]
}

/** A TypeScript file of this folder as a command; `flags` are Node's. */
export function script(file: string, args: readonly string[] = [], flags: readonly string[] = []) {
  return [process.execPath, ...flags, path.join(import.meta.dirname, file), ...args] as [string, ...string[]]
}

/** Starts a script that reports a port. */
export async function startServer(core: Core, command: readonly [string, ...string[]]) {
  const child = start(core, command)
  return { child, ...((await firstMessage(child)) as Ready) }
}

/** The next message of a child; rejects when it ends instead. */
export function firstMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`a process of the benchmark ended: ${child.spawnargs.join(' ')}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message)
    })
  })
}

/** Asks a process to end, and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}

/**
 * Real child processes for `upstream/process.ts`. No shell; a process group of its own; of the gateway's environment
 * only what every program needs, so that no secret of the gateway reaches a server by inheritance.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Child, Command, Spawn } from '../upstream/process.ts'
import type { ProcessGuard } from './process-guard.ts'

type Environment = Readonly<Record<string, string | undefined>>

const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'TERM', 'USER', 'LOGNAME', 'SHELL']

/** After the child has exited, a grandchild may hold its pipes open; what it says any more is not waited for. */
const DRAIN_MS = 200

/** The environment of a server: the allow-list from `inherited`, then what the configuration says. */
export function serverEnvironment(inherited: Environment, configured: Environment = {}): Environment {
  const kept = Object.entries(inherited).filter(
    ([name]) => INHERITED.includes(name) || name.startsWith('LC_'),
  )
  return { ...Object.fromEntries(kept), ...configured }
}

/** Starts children whose groups `guard` watches over. */
export function createSpawn(guard: ProcessGuard, inherited: Environment = process.env): Spawn {
  return (command) =>
    new Promise((resolve, reject) => {
      const child = start(command, serverEnvironment(inherited, command.env))
      // Told before anything else can happen: from here on the group does not outlive the gateway.
      if (child.pid !== undefined) guard.add(child.pid)
      child.once('error', reject)
      child.once('spawn', () => {
        child.off('error', reject)
        child.on('error', () => undefined)
        resolve(adopt(child, guard))
      })
    })
}

type Piped = ChildProcessByStdio<Writable, Readable, Readable>

function start({ command, cwd }: Command, env: Environment): Piped {
  const [program, ...args] = command
  return spawn(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  })
}

function adopt(child: Piped, guard: ProcessGuard): Child {
  const pid = child.pid ?? 0
  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    signalGroup(signal) {
      try {
        if (process.platform === 'win32') child.kill(signal)
        else process.kill(-pid, signal)
      } catch {
        // None of the group is left.
      }
    },
    onExit(callback) {
      child.once('exit', (code, signal) => {
        const how = signal === null ? `exited (exit code ${code})` : `was ended by ${signal}`
        const timer = setTimeout(() => {
          for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy()
        }, DRAIN_MS)
        // `close` comes when the exit is known and the pipes have ended.
        child.once('close', () => {
          clearTimeout(timer)
          callback(how)
        })
      })
    },
    release() {
      guard.remove(pid)
    },
  }
}

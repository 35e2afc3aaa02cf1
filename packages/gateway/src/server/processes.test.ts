import { mkdtempSync, readFileSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { alive, children, openFiles, timers, until } from '../../../../test/fixtures/stdio-upstream.ts'
import { type Command, openProcess } from '../upstream/process.ts'
import { ProcessGuard } from './process-guard.ts'
import { createSpawn, serverEnvironment } from './processes.ts'

const guard = new ProcessGuard()
afterAll(() => guard.close())

const node = process.execPath
const inherited = {
  PATH: process.env['PATH'],
  LC_ALL: 'C',
  TOLLGATE_KEY: 'secret',
  AWS_SECRET: 'secret',
  HOME: '/h',
}

function open(command: Command, log: string[] = []) {
  const spawn = createSpawn(guard, inherited)
  const limits = { maxMessageBytes: 1000 }
  return openProcess({ command, spawn, limits, timers, log: (text) => log.push(text) })
}

/** Opens a process and collects its lines; `closed` resolves with why it is over. */
async function watch(command: Command, log?: string[]) {
  const channel = await open(command, log)
  const lines: string[] = []
  const closed = new Promise<string>((resolve) => {
    channel.listen({ line: (text) => lines.push(text), tooLong: () => undefined, closed: resolve })
  })
  const pid = Number(/\d+/.exec(channel.describe())?.[0])
  return { channel, lines, closed, pid }
}

function script(code: string, ...args: string[]): Command {
  return { command: [node, '-e', code, ...args] }
}

describe('a child process', () => {
  it('gets what every program needs, what is configured, and nothing else of the environment', async () => {
    const code = 'console.log(JSON.stringify(process.env))'
    const { lines, closed } = await watch({ ...script(code), env: { LOG_LEVEL: 'warn', HOME: '/mine' } })
    await closed
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      PATH: inherited.PATH,
      LC_ALL: 'C',
      HOME: '/mine',
      LOG_LEVEL: 'warn',
    })
    expect(
      Object.keys(serverEnvironment({ LC_X: '1', LCX: '1', PATH: '/', path: '/', NODE_OPTIONS: '-r x' })),
    ).toEqual(['LC_X', 'PATH'])
  })

  it('gets its arguments as they are, without a shell', async () => {
    const odd = ['$HOME', '`id`', '; exit 1', '*', '', "'", 'a b']
    const { lines, closed } = await watch(
      script('console.log(JSON.stringify(process.argv.slice(1)))', '--', ...odd),
    )
    await closed
    expect(JSON.parse(lines[0] ?? '')).toEqual(odd)
  })

  it('starts in its folder', async () => {
    const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'tollgate-process-')))
    const { lines, closed } = await watch({ ...script('console.log(process.cwd())'), cwd })
    await closed
    expect(lines).toEqual([cwd])
  })

  it('leads a process group of its own', async () => {
    const { channel, pid } = await watch(script('process.stdin.resume()'))
    const group = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2])
    expect(group).toBe(pid)
    await channel.close()
  })

  it.each([
    [['/no/such/program'], 'ENOENT'],
    [['/etc/passwd'], 'EACCES'],
  ])('that cannot be started (%j) is an error, and leaves nothing', async ([program], code) => {
    const files = openFiles()
    await expect(open({ command: [program!] })).rejects.toThrow(code)
    await until('its pipes are closed', () => openFiles() <= files)
  })

  it('has its standard error in the log, line by line and within bounds', async () => {
    const log: string[] = []
    const code = `
      console.error('one\\ntw\\u001b[31mo')
      console.error('x'.repeat(100000))
      for (let n = 0; n < 5000; n++) console.error('flood ' + n)`
    const { closed } = await watch(script(code), log)
    await closed
    expect(log.slice(0, 2)).toEqual(['stderr: one', 'stderr: tw[31mo'])
    expect(log.join('').length).toBeLessThan(10_000)
    expect(log.length).toBeLessThan(400)
  })

  it('is over when it ends, with the reason', async () => {
    expect(await (await watch(script('process.exit(9)'))).closed).toBe('exited (exit code 9)')
    expect(await (await watch(script('process.kill(process.pid, "SIGABRT")'))).closed).toBe(
      'was ended by SIGABRT',
    )
  })

  it('is over when it stops answering for good, even if it lives', async () => {
    const { closed, pid } = await watch(script('require("fs").closeSync(1); setInterval(() => {}, 1000)'))
    expect(await closed).toBe('closed its output')
    await until('it is gone', () => !alive(pid))
  })
})

describe('closing a child', () => {
  it('first ends its input', async () => {
    const { channel, pid } = await watch(script('process.stdin.resume().on("end", () => process.exit())'))
    await channel.close()
    expect(alive(pid)).toBe(false)
  })

  it('then asks it to terminate', async () => {
    const { channel, pid } = await watch(script('setInterval(() => {}, 1000)'))
    await channel.close()
    expect(alive(pid)).toBe(false)
  })

  it('then kills it, and everything it has started', async () => {
    const code = `
      process.on('SIGTERM', () => {})
      const { spawn } = require('child_process')
      const stubborn = spawn('/bin/sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'inherit' })
      console.log(stubborn.pid)
      setInterval(() => {}, 1000)`
    const { channel, pid, lines } = await watch(script(code))
    await until('the grandchild runs', () => lines.length > 0)
    await channel.close()
    expect(alive(pid)).toBe(false)
    await until('the grandchild is gone', () => !alive(Number(lines[0])))
  })

  it('takes along what a child that ended by itself has left behind', async () => {
    const code = `
      const { spawn } = require('child_process')
      console.log(spawn('/bin/sleep', ['300'], { stdio: 'inherit' }).pid)
      setTimeout(() => process.exit(0), 200)`
    const { closed, lines } = await watch(script(code))
    expect(await closed).toBe('exited (exit code 0)')
    await until('the grandchild is gone', () => !alive(Number(lines[0])))
  })

  it('leaves no zombie', async () => {
    const before = children()
    const opened = await Promise.all([1, 2, 3].map(() => watch(script('process.stdin.resume()'))))
    await Promise.all(opened.map(({ channel }) => channel.close()))
    expect(children()).toEqual(before)
  })
})

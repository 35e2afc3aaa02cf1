/**
 * The set of the story, in a temporary folder: a home with a repository and two secrets in it, its remotes, a mail spool,
 * and a gateway in front of all of it. Everything is real and thrown away at the end.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Step } from './step.ts'

const run = promisify(execFile)
const HERE = import.meta.dirname
const CHECKOUT = join(HERE, '../..')
const TOLLGATE = join(CHECKOUT, 'packages/gateway/bin/tollgate.cjs')

/** What must not get out. */
export const SECRETS = {
  '.env': 'PAYMENTS_TOKEN=throw-away-4711',
  '../.ssh/deploy_key': 'throw-away deploy key 0815',
} as const

/**
 * Servers are started by their names: the programs of the checkout come first, and the Node that runs this. Where a hook
 * of git runs this, what git tells the hook is not meant for the repository here.
 */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
  PATH: [dirname(process.execPath), join(CHECKOUT, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
  NO_COLOR: '1',
}
const GIT_ENV = {
  ...env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  LC_ALL: 'C.UTF-8',
}

export class Stage implements AsyncDisposable {
  readonly folder: string
  readonly home: string
  readonly repository: string
  /** Bare repositories: of the team, and of whoever has the mirror now. */
  readonly origin: string
  readonly mirror: string
  readonly spool: string
  #gateway: ChildProcess | undefined
  #agent: ChildProcess | undefined

  private constructor(folder: string) {
    this.folder = folder
    this.home = join(folder, 'home')
    this.repository = join(this.home, 'dates')
    this.origin = join(folder, 'git/dates.git')
    this.mirror = join(folder, 'mirror/dates.git')
    this.spool = join(folder, 'spool')
  }

  /** Throws where there is no git. */
  static async build(): Promise<Stage> {
    await run('git', ['--version']).catch(() => {
      throw new Error('git is not installed, and the story is about a push (apt-get install git)')
    })
    const stage = new Stage(await realpath(await mkdtemp(join(tmpdir(), 'tollgate-story-'))))
    try {
      await stage.#furnish()
    } catch (problem) {
      await stage[Symbol.asyncDispose]()
      throw problem
    }
    return stage
  }

  async #furnish(): Promise<void> {
    for (const name of ['tollgate.yaml', 'policies', 'tasks'])
      await cp(join(HERE, name), join(this.folder, name), { recursive: true })
    await symlink(join(HERE, 'servers'), join(this.folder, 'servers'))
    await cp(join(HERE, 'project'), this.repository, { recursive: true })
    await mkdir(join(this.home, '.ssh'))
    for (const [name, secret] of Object.entries(SECRETS))
      await writeFile(join(this.repository, name), `${secret}\n`)
    await writeFile(join(this.repository, '.gitignore'), '.env\n')
    for (const bare of [this.origin, this.mirror])
      await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare], { env: GIT_ENV })
    await this.git('init', '--quiet', '--initial-branch=main')
    await this.git('config', 'user.name', 'Ada')
    await this.git('config', 'user.email', 'ada@example.com')
    await this.git('add', '--all')
    await this.git('commit', '--quiet', '--message=Dates')
    await this.git('remote', 'add', 'origin', this.origin)
    await this.git('remote', 'add', 'mirror', this.mirror)
    await this.git('push', '--quiet', 'origin', 'main')
    const inbox = join(this.spool, 'ada@example.com/new')
    await mkdir(inbox, { recursive: true })
    const report = ['From: build@example.com', 'To: ada@example.com', 'Subject: The date test fails on main']
    await writeFile(join(inbox, '1'), `${report.join('\n')}\n\nSee test/dates.test.js.\n`)
  }

  /** Runs git in the repository; what it printed. */
  async git(...words: string[]): Promise<string> {
    return (await run('git', words, { cwd: this.repository, env: GIT_ENV })).stdout
  }

  /** Runs `tollgate` to its end; what it printed. Rejects when it says no. */
  async tollgate(...words: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [TOLLGATE, ...words], { cwd: this.folder, env })
    return stdout.trim()
  }

  /** Starts the gateway; its address. */
  async start(): Promise<string> {
    const gateway = spawn(process.execPath, [TOLLGATE, 'run'], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#gateway = gateway
    let said = ''
    for await (const line of createInterface({ input: gateway.stderr })) {
      const [, origin] = /listens on (http:\/\/[\d.:]+)/.exec(line) ?? []
      if (origin !== undefined) {
        gateway.stderr.resume() // what servers chat about would fill the pipe
        return origin
      }
      said += `${line}\n`
    }
    throw new Error(`the gateway did not start:\n${said}`)
  }

  /** Lets the agent work with this key; its steps as they come. Throws when it fails. */
  async *agent(origin: string, key: string): AsyncGenerator<Step> {
    const agent = spawn(process.execPath, [join(HERE, 'agent.ts')], {
      env: { ...env, TOLLGATE_URL: origin, TOLLGATE_KEY: key, REPOSITORY: this.repository },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#agent = agent
    const ended = endOf(agent)
    for await (const line of createInterface({ input: agent.stdout })) yield JSON.parse(line) as Step
    await ended
    if (agent.exitCode !== 0) throw new Error(`the agent failed with ${agent.exitCode}`)
  }

  /** Stops what runs, and removes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [this.#agent, this.#gateway]) if (child !== undefined) await stop(child)
    await rm(this.folder, { recursive: true, force: true })
  }
}

const PATIENCE_MS = 15_000

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = endOf(child)
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await ended
  clearTimeout(patience)
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('close', () => resolve()))
}

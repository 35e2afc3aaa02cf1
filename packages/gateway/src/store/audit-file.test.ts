/**
 * The fault table of the audit file: each step it asks of the file system, failed and failed but carried out,
 * alone and in pairs, on real files. Whatever fails: what was acknowledged is there, what was refused is not
 * (after a restart it may be, in whole lines), and the next append works.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuditFile, type AuditFileNotice, type AuditFileOptions, auditFilePath } from './audit-file.ts'
import { type FilePort, realFiles } from './file-port.ts'

let dataDir: string
beforeEach(() => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-audit-'))
})
const opened: AuditFile[] = []
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close()
  fs.rmSync(dataDir, { recursive: true, force: true })
})

describe('faults', () => {
  // The steps of a first append to a log with a torn tail, and of a second one.
  const opening = [
    'makeDirectory',
    'lock',
    'open',
    'factsOf',
    'read',
    'truncate',
    'fdatasync',
    'syncDirectory',
    'read',
  ]
  const first = [...opening, 'write']
  const second = ['factsAt', 'checkWritable', 'write']

  it('can happen at these steps', async () => {
    const faults = new Faults([])
    await appendTwice(faults)
    expect(faults.steps).toEqual([...first, ...second])
    expect(readLog()).toBe('old 1\nold 2\nappend 1\nappend 2\n')
  })

  const modes = ['fails', 'fails but is done', 'fails half done'] as const
  const table = [...first, ...second].flatMap((step, at) => modes.map((mode) => ({ step, at, mode })))

  it.each(table)('step $at, $step, $mode: refused, recovered, no half lines', async ({ at, mode }) => {
    const faults = new Faults([{ at, mode }])
    const acknowledged = await appendTwice(faults)
    expect(acknowledged).toEqual(at < first.length ? [false, true] : [true, false])
    await expectWhole(faults, acknowledged, 'nothing')
  })

  it('in pairs: an acknowledged line is never lost, a refused one never stays', async () => {
    let pairs = 0
    for (const one of table) {
      // A fault leads to other steps than the plain run, taking lines back among them: let each of those fail too.
      const alone = new Faults([one])
      prepare()
      await appendTwice(alone)
      for (let at = one.at + 1; at < alone.steps.length; at++) {
        for (const mode of modes) {
          prepare()
          const faults = new Faults([one, { at, mode }])
          const acknowledged = await appendTwice(faults)
          await expectWhole(faults, acknowledged, 'nothing')
          pairs++
        }
      }
    }
    expect(pairs).toBeGreaterThan(500)
  })

  it('in pairs, and then a crash: an acknowledged line is never lost, and only whole lines stay', async () => {
    for (const one of table) {
      for (let at = one.at + 1; at < one.at + 6; at++) {
        for (const mode of modes) {
          prepare()
          const acknowledged = await appendTwice(new Faults([one, { at, mode }]))
          await expectWhole(new Faults([]), acknowledged, 'whole lines')
        }
      }
    }
  })

  /** A log as a crash left it: the last line is torn. */
  function prepare(): void {
    fs.rmSync(path.join(dataDir, 'audit'), { recursive: true, force: true })
    fs.mkdirSync(path.join(dataDir, 'audit'))
    fs.writeFileSync(auditFilePath(dataDir), 'old 1\nold 2\ntorn')
  }
  beforeEach(prepare)

  async function appendTwice(faults: Faults): Promise<boolean[]> {
    const file = faults.file()
    return [await isAcknowledged(file.append('append 1\n')), await isAcknowledged(file.append('append 2\n'))]
  }

  /** Without further faults an append works, and the log is what was acknowledged. */
  async function expectWhole(faults: Faults, acknowledged: boolean[], besides: 'nothing' | 'whole lines') {
    faults.stop()
    expect(await isAcknowledged(faults.file().append('append 3\n'))).toBe(true)
    const expected = [
      'old 1',
      'old 2',
      ...[1, 2].filter((n) => acknowledged[n - 1]).map((n) => `append ${n}`),
      'append 3',
    ]
    const found = readLog()
    expect(found.endsWith('\n')).toBe(true)
    const lines = found.split('\n').slice(0, -1)
    if (besides === 'nothing') expect(lines).toEqual(expected)
    else {
      expect(lines.filter((line) => expected.includes(line))).toEqual(expected)
      expect(['old 1', 'old 2', 'append 1', 'append 2', 'append 3']).toEqual(expect.arrayContaining(lines))
    }
  }
})

describe('append', () => {
  it('makes what is missing, for the owner only', async () => {
    const file = create({ dataDir: path.join(dataDir, 'a', 'b') }).file
    await file.append('one\n')
    await file.append('two\n')
    const log = auditFilePath(path.join(dataDir, 'a', 'b'))
    expect(fs.readFileSync(log, 'utf8')).toBe('one\ntwo\n')
    expect(modeOf(log)).toBe(0o600)
    expect(modeOf(path.join(path.dirname(log), 'audit.lock'))).toBe(0o600)
    for (const part of ['a', 'a/b', 'a/b/audit']) expect(modeOf(path.join(dataDir, part))).toBe(0o700)
  })

  it('writes all of a batch that the system takes in pieces', async () => {
    const files: FilePort = { ...realFiles, write: (fd, bytes) => realFiles.write(fd, bytes.subarray(0, 7)) }
    const { file } = create({ files })
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index}, é\n`).join('')
    await file.append(lines)
    expect(readLog()).toBe(lines)
  })

  it('refuses when the system takes nothing, instead of trying for ever', async () => {
    const { file } = create({ files: { ...realFiles, write: async () => 0 } })
    await expect(file.append('one\n')).rejects.toThrow(/audit\.jsonl: the disk takes no more bytes/)
  })

  it('takes back at once what it refuses', async () => {
    let isFull = false
    const { file } = create({
      files: {
        ...realFiles,
        async write(fd, bytes) {
          const written = await realFiles.write(fd, bytes.subarray(0, isFull ? 3 : undefined))
          if (isFull) throw new Error('full')
          return written
        },
      },
    })
    await file.append('one\n')
    isFull = true
    await expect(file.append('two\n')).rejects.toThrow(/full/)
    expect(readLog()).toBe('one\n')
  })

  it('begins a new file when the log was moved away, and leaves whole lines in the old one', async () => {
    const { file, notices } = create()
    await file.append('one\n')
    fs.renameSync(auditFilePath(dataDir), path.join(dataDir, 'moved'))
    await file.append('two\n')
    expect(readLog()).toBe('two\n')
    expect(fs.readFileSync(path.join(dataDir, 'moved'), 'utf8')).toBe('one\n')
    expect(notices).toEqual([{ kind: 'replaced' }])
  })

  it('begins a new file when the log was deleted, with its directory or without', async () => {
    const { file, notices } = create()
    await file.append('one\n')
    fs.rmSync(auditFilePath(dataDir))
    await file.append('two\n')
    expect(readLog()).toBe('two\n')
    fs.rmSync(path.join(dataDir, 'audit'), { recursive: true })
    await file.append('three\n')
    expect(readLog()).toBe('three\n')
    expect(notices).toEqual([{ kind: 'replaced' }, { kind: 'replaced' }])
  })

  it('goes on with a file that was put in its place, torn tail cut', async () => {
    const { file, notices } = create()
    await file.append('one\n')
    fs.writeFileSync(path.join(dataDir, 'other'), 'other\ntorn')
    fs.renameSync(path.join(dataDir, 'other'), auditFilePath(dataDir))
    await file.append('two\n')
    expect(readLog()).toBe('other\ntwo\n')
    expect(notices).toEqual([{ kind: 'replaced' }, { kind: 'torn-tail', cutBytes: 4 }])
  })

  it('goes on, and says so, when lines were removed or added by hand', async () => {
    const { file, notices } = create()
    await file.append('one\n')
    fs.truncateSync(auditFilePath(dataDir), 0)
    await file.append('two\n')
    expect(readLog()).toBe('two\n')
    fs.appendFileSync(auditFilePath(dataDir), 'by hand\nhalf')
    await file.append('three\n')
    expect(readLog()).toBe('two\nby hand\nthree\n')
    expect(notices).toEqual([
      { kind: 'changed', expectedBytes: 4, foundBytes: 0 },
      { kind: 'changed', expectedBytes: 4, foundBytes: 16 },
      { kind: 'torn-tail', cutBytes: 4 },
    ])
  })

  it.each([
    ['a torn tail longer than what is read at once', `one\n${'x'.repeat(200_000)}`, 'one\n', 200_000],
    ['nothing but a torn tail', 'x'.repeat(70_000), '', 70_000],
    ['a tail of zeros, as a power cut may leave', 'one\n\0\0\0\0', 'one\n', 4],
  ])('cuts off %s', async (_, before, after, cutBytes) => {
    fs.mkdirSync(path.join(dataDir, 'audit'))
    fs.writeFileSync(auditFilePath(dataDir), before)
    const { file, notices } = create()
    await file.append('two\n')
    expect(readLog()).toBe(`${after}two\n`)
    expect(notices).toEqual([{ kind: 'torn-tail', cutBytes }])
  })

  it('takes one call at a time', async () => {
    const { file } = create()
    const under = file.append('one\n')
    await expect(file.append('two\n')).rejects.toThrow(/one call at a time/)
    await under
    expect(readLog()).toBe('one\n')
  })
})

type Mode = 'fails' | 'fails but is done' | 'fails half done'

/** Files and a lock whose nth step fails, as told. */
class Faults {
  readonly steps: string[] = []
  readonly #faults: readonly { at: number; mode: Mode }[]
  #isOver = false
  #file: AuditFile | undefined

  constructor(faults: readonly { at: number; mode: Mode }[]) {
    this.#faults = faults
  }

  stop(): void {
    this.#isOver = true
  }

  file(): AuditFile {
    if (this.#file === undefined) {
      this.#file = new AuditFile({ dataDir, files: this.#port(), lock: () => this.#lock() })
      opened.push(this.#file)
    }
    return this.#file
  }

  #lock() {
    if (this.#next('lock') !== undefined) throw new Error('injected: lock')
    return { isHeld: () => true, release: () => undefined }
  }

  #port(): FilePort {
    const { write } = realFiles
    const port = { ...realFiles } as Record<string, (...args: never[]) => Promise<unknown>>
    for (const [name, step] of Object.entries(port)) {
      port[name] = async (...args) => {
        const mode = name === 'close' ? undefined : this.#next(name)
        if (mode === undefined) return step(...args)
        if (mode === 'fails half done' && name === 'write') {
          const [fd, bytes] = args as unknown as Parameters<typeof write>
          await write(fd, bytes.subarray(0, bytes.length / 2))
        } else if (mode !== 'fails') await step(...args)
        throw new Error(`injected: ${name}`)
      }
    }
    return port as unknown as FilePort
  }

  #next(step: string): Mode | undefined {
    const at = this.steps.push(step) - 1
    return this.#isOver ? undefined : this.#faults.find((fault) => fault.at === at)?.mode
  }
}

function create(options: Partial<AuditFileOptions> = {}) {
  const notices: AuditFileNotice[] = []
  const file = new AuditFile({ dataDir, onNotice: (notice) => notices.push(notice), ...options })
  opened.push(file)
  return { file, notices }
}

function readLog(): string {
  return fs.readFileSync(auditFilePath(dataDir), 'utf8')
}

function modeOf(file: string): number {
  return fs.statSync(file).mode & 0o777
}

async function isAcknowledged(append: Promise<void>): Promise<boolean> {
  return append.then(
    () => true,
    () => false,
  )
}

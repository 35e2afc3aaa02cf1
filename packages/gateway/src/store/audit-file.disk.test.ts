/** The audit file on disks that are really full, read-only or gone. Mounts need root on Linux. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Trail } from '../audit/trail.ts'
import type { DecisionEntry } from '../model/entry.ts'
import { AuditFile, auditFilePath } from './audit-file.ts'

let dataDir: string
let file: AuditFile
const mounts: string[] = []
beforeEach(() => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-disk-'))
  file = new AuditFile({ dataDir })
})
afterEach(async () => {
  await file.close()
  for (const mounted of mounts.splice(0).toReversed()) system(`umount -l ${mounted}`)
  fs.rmSync(dataDir, { recursive: true, force: true })
})

const hasMounts = canMount()
// Not a skip: no package could be installed that would make it possible.
if (!hasMounts)
  process.stderr.write('NOT TESTED here: full and read-only disks, for want of the right to mount\n')
const describeOnMounts = hasMounts ? describe : () => undefined

describeOnMounts('a full disk', () => {
  it('refuses what does not fit, keeps whole lines, and resumes when there is room', async () => {
    mount('-t tmpfs -o size=64k tmpfs', dataDir)
    const trail = new Trail({ store: file, now: Date.now })
    const acknowledged: string[] = []
    let refused = 0
    for (let round = 0; round < 30; round++) {
      const ids = Array.from({ length: 10 }, (_, index) => `${round}-${index}`)
      const results = await Promise.all(ids.map((id) => trail.record(decision(id))))
      results.forEach((result, index) => {
        if (result.ok) acknowledged.push(ids[index] as string)
        else refused++
      })
    }
    expect(refused).toBeGreaterThan(50)
    expect(trail.state()).toMatchObject({
      writable: false,
      outage: { cause: expect.stringMatching(/ENOSPC/) },
    })
    expect(readIds()).toEqual(acknowledged)

    system(`mount -o remount,size=256k ${dataDir}`)
    expect((await trail.record(decision('after'))).ok).toBe(true)
    const told = readEntries().map((entry) => entry.refusedCalls ?? 0)
    expect(told.reduce((sum, count) => sum + count)).toBe(refused)
    expect(readIds()).toEqual([...acknowledged, 'after'])
  })

  it('that is full from the beginning refuses, and resumes when there is room', async () => {
    mount('-t tmpfs -o size=64k tmpfs', dataDir)
    const filler = path.join(dataDir, 'filler')
    expect(() => fs.writeFileSync(filler, Buffer.alloc(128 * 1024))).toThrow(/ENOSPC/)
    await expect(file.append('one\n')).rejects.toThrow(/audit\.jsonl: /)
    fs.rmSync(filler)
    await file.append('two\n')
    expect(readLog()).toBe('two\n')
  })

  it('that becomes read-only refuses, and resumes when it is writable again', async () => {
    mount('-t tmpfs tmpfs', dataDir)
    await file.append('one\n')
    await file.close()
    system(`mount -o remount,ro ${dataDir}`)
    await expect(file.append('two\n')).rejects.toThrow(/audit\.jsonl: .*(EROFS|readonly|read-only)/)
    system(`mount -o remount,rw ${dataDir}`)
    await file.append('three\n')
    expect(readLog()).toBe('one\nthree\n')
  })

  it('whose directory gets a read-only mount on top refuses until that is gone', async () => {
    await file.append('one\n')
    mount(`--bind ${dataDir}`, dataDir)
    system(`mount -o remount,bind,ro ${dataDir}`)
    const below = new AuditFile({ dataDir })
    await expect(below.append('two\n')).rejects.toThrow(/audit\.jsonl: /)
    system(`umount ${mounts.pop()}`)
    await file.append('three\n')
    expect(readLog()).toBe('one\nthree\n')
    await below.close()
  })
})

describe('something else in the way', () => {
  it.runIf(fs.existsSync('/dev/full'))('a device that is always full: refused', async () => {
    fs.mkdirSync(path.dirname(auditFilePath(dataDir)))
    fs.symlinkSync('/dev/full', auditFilePath(dataDir))
    await expect(file.append('one\n')).rejects.toThrow(/audit\.jsonl: this is not a file/)
    fs.rmSync(auditFilePath(dataDir))
    await file.append('two\n')
    expect(readLog()).toBe('two\n')
  })

  it.runIf(process.platform !== 'win32')('a pipe that nobody reads: refused at once', async () => {
    fs.mkdirSync(path.dirname(auditFilePath(dataDir)))
    system(`mkfifo ${auditFilePath(dataDir)}`)
    await expect(file.append('one\n')).rejects.toThrow(/audit\.jsonl: this is not a file/)
  })

  it('a directory where the file should be: refused', async () => {
    fs.mkdirSync(auditFilePath(dataDir), { recursive: true })
    await expect(file.append('one\n')).rejects.toThrow(/audit\.jsonl: EISDIR/)
  })

  it('a file where the directory was: refused until it is gone', async () => {
    await file.append('one\n')
    fs.renameSync(path.join(dataDir, 'audit'), path.join(dataDir, 'moved'))
    fs.writeFileSync(path.join(dataDir, 'audit'), '')
    await expect(file.append('two\n')).rejects.toThrow(/audit\.jsonl: /)
    fs.rmSync(path.join(dataDir, 'audit'))
    await file.append('three\n')
    expect(readLog()).toBe('three\n')
  })

  it('a directory that may not be written: refused until it may', async () => {
    await withoutRoot(async () => {
      fs.chmodSync(dataDir, 0o500)
      await expect(file.append('one\n')).rejects.toThrow(/audit\.jsonl: EACCES/)
      fs.chmodSync(dataDir, 0o700)
      await file.append('two\n')
      expect(readLog()).toBe('two\n')
    })
  })
})

/** Permissions do not bind root, so for a while the process is somebody else. */
async function withoutRoot(work: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid?.() === 0
  if (isRoot) {
    fs.chownSync(dataDir, 65_534, 65_534)
    process.seteuid?.(65_534)
  }
  try {
    await work()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const probe = fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-probe-'))
  try {
    system(`mount -t tmpfs -o size=64k tmpfs ${probe}`)
    system(`umount ${probe}`)
    return true
  } catch {
    return false
  } finally {
    fs.rmdirSync(probe)
  }
}

/** Mounts for the length of a test. */
function mount(what: string, where: string): void {
  system(`mount ${what} ${where}`)
  mounts.push(where)
}

function system(line: string): void {
  const [program = '', ...words] = line.split(' ')
  execFileSync(program, words, { stdio: 'ignore' })
}

function readLog(): string {
  return fs.readFileSync(auditFilePath(dataDir), 'utf8')
}

function readIds(): string[] {
  return readEntries().flatMap((entry) => entry.requestId ?? [])
}

/** Every line, each of them whole. */
function readEntries(): { requestId?: string; refusedCalls?: number }[] {
  return readLog()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function decision(requestId: string): DecisionEntry {
  return {
    kind: 'decision',
    requestId,
    time: '2026-01-02T03:04:05.678Z',
    principal: 'User::"alice"',
    agent: null,
    credential: 'laptop',
    source: '127.0.0.1',
    server: 'files',
    method: 'tools/call',
    tool: 'files__read',
    argumentsDigest: null,
    decision: 'allow',
    policies: ['policy0'],
    reason: null,
    detail: 'x'.repeat(300),
  }
}

/**
 * No effect without a record (invariant 1, C11): while the log cannot be written, calls are refused and the server
 * sees none of them; when it can be written again, service resumes without anyone's help.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually, startWatchedGateway, type WatchedGateway } from '../fixtures/watched-gateway.ts'

interface Obstacle {
  readonly title: string
  readonly root?: true
  /** Both get the data directory. */
  put(data: string): void
  remove(data: string): void
}

const audit = (data: string) => join(data, 'audit')
const log = (data: string) => join(data, 'audit', 'audit.jsonl')

const obstacles: Obstacle[] = [
  {
    title: 'the folder was replaced by a file',
    put: (data) => {
      renameSync(audit(data), join(data, 'aside'))
      writeFileSync(audit(data), '')
    },
    remove: (data) => {
      rmSync(audit(data))
      renameSync(join(data, 'aside'), audit(data))
    },
  },
  {
    title: 'the log is a device that is always full',
    put: (data) => {
      renameSync(log(data), join(data, 'aside'))
      symlinkSync('/dev/full', log(data))
    },
    remove: (data) => {
      rmSync(log(data))
      renameSync(join(data, 'aside'), log(data))
    },
  },
  {
    title: 'the disk is full',
    root: true,
    put: (data) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', audit(data)])
      // Fills what is left: the last write of many fails.
      expect(() => writeFileSync(join(audit(data), 'filler'), Buffer.alloc(64 * 1024))).toThrow('ENOSPC')
    },
    remove: (data) => execFileSync('umount', [audit(data)]),
  },
  {
    title: 'the folder is read-only',
    root: true,
    put: (data) => {
      execFileSync('mount', ['--bind', audit(data), audit(data)])
      execFileSync('mount', ['-o', 'remount,ro,bind', audit(data)])
    },
    remove: (data) => execFileSync('umount', ['-l', audit(data)]),
  },
]
const canMount = process.getuid?.() === 0 && mounts()

describe('the audit log cannot be written', () => {
  let gateway: WatchedGateway
  beforeEach(async () => {
    gateway = await startWatchedGateway()
  })
  afterEach(() => gateway.close())

  const call = async () => {
    const response = await fetch(gateway.url('files'), {
      method: 'POST',
      headers: {
        authorization: `Bearer ${gateway.alice}`,
        'content-type': 'application/json',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'echo', arguments: {} },
      }),
    })
    const { result } = (await response.json()) as {
      result: { isError?: true; _meta?: Record<string, unknown> }
    }
    return result
  }

  test.each(obstacles.filter(({ root }) => root === undefined || canMount))(
    '$title',
    async ({ put, remove }) => {
      const data = join(gateway.folder, 'data')
      mkdirSync(audit(data), { recursive: true })
      const seenBy = () => gateway.upstream.requests.length
      expect((await call()).isError, 'control: without the obstacle the call goes through').not.toBe(true)
      const seen = seenBy()
      put(data)
      try {
        for (let attempt = 0; attempt < 5; attempt++) {
          const refused = await call()
          expect(refused).toMatchObject({
            isError: true,
            _meta: { 'tollgate/refusal': { reason: 'unavailable' } },
          })
        }
        expect(seenBy()).toBe(seen)
        expect(gateway.log.join('\n')).toContain('the audit log cannot be written')
      } finally {
        remove(data)
      }
      await eventually(async () => expect((await call()).isError).not.toBe(true))
      expect(seenBy()).toBeGreaterThan(seen)
      expect(gateway.log.join('\n')).toContain('the audit log can be written again')
    },
  )
})

/** Containers may keep even root from mounting. */
function mounts(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    console.error('NOT TESTED here: disks that are full or read-only, for want of the right to mount')
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

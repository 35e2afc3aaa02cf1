import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AuditFile } from './audit-file.ts'
import { takeLock } from './lock.ts'

const here = path.dirname(fileURLToPath(import.meta.url))
let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-lock-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

it('is held by one, who is named to the others, until it is released', () => {
  const file = path.join(folder, 'lock')
  const lock = takeLock(file)
  expect(lock.isHeld()).toBe(true)
  const holder = new RegExp(`^another gateway writes here: process ${process.pid} on .+, since \\d{4}-.+Z$`)
  expect(() => takeLock(file)).toThrow(holder)
  expect(() => takeLock(file)).toThrow(holder)
  lock.release()
  takeLock(file).release()
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
})

it('is not held any more when its file was removed or replaced', () => {
  const file = path.join(folder, 'lock')
  const lock = takeLock(file)
  fs.rmSync(file)
  expect(lock.isHeld()).toBe(false)
  const next = takeLock(file)
  expect(lock.isHeld()).toBe(false)
  expect(next.isHeld()).toBe(true)
  lock.release()
  next.release()
})

it('is free at once when the process that held it was killed', async () => {
  const file = path.join(folder, 'lock')
  const code = `import { takeLock } from ${JSON.stringify(path.join(here, 'lock.ts'))}
takeLock(process.argv[1]); console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, file])
  await new Promise((resolve) => child.stdout.once('data', resolve))
  expect(() => takeLock(file)).toThrow(`process ${child.pid} on `)
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
  takeLock(file).release()
})

it('keeps a second gateway from the audit file, and lets it write when the first has gone', async () => {
  const first = new AuditFile({ dataDir: folder })
  const second = new AuditFile({ dataDir: folder })
  await first.open()
  await expect(second.append('two\n')).rejects.toThrow(
    `audit.jsonl: another gateway writes here: process ${process.pid} on `,
  )
  fs.rmSync(path.join(folder, 'audit'), { recursive: true })
  await first.append('one\n')
  await expect(second.append('two\n')).rejects.toThrow('another gateway writes here')
  await first.close()
  await second.append('two\n')
  await second.close()
  expect(fs.readFileSync(path.join(folder, 'audit', 'audit.jsonl'), 'utf8')).toBe('one\ntwo\n')
})

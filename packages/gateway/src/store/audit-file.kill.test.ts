/**
 * SIGKILL in the middle of writing, at random moments: every acknowledged decision is in the log, whole lines only,
 * and the next process gets the lock and goes on. TOLLGATE_KILLS sets how often; a release is tried with 1000.
 */
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { AuditFile, auditFilePath } from './audit-file.ts'

const kills = Number(process.env['TOLLGATE_KILLS'] ?? 12)
const here = path.dirname(fileURLToPath(import.meta.url))

/** Records without end, sixteen at a time, and prints the id of each decision that was acknowledged. */
const writer = `
import fs from 'node:fs'
import { Trail } from ${JSON.stringify(path.join(here, '../audit/trail.ts'))}
import { AuditFile } from ${JSON.stringify(path.join(here, 'audit-file.ts'))}
const [dataDir, round] = process.argv.slice(1)
const trail = new Trail({ store: new AuditFile({ dataDir }), now: Date.now })
let count = 0
async function work() {
  for (;;) {
    const requestId = round + '-' + count++
    const entry = { time: '', principal: null, agent: null, credential: null, source: '', server: null, method: null,
      tool: null, argumentsDigest: null, decision: 'allow', policies: [], reason: null, detail: 'x'.repeat(count % 3000) }
    const result = await trail.record({ kind: 'decision', requestId, ...entry })
    if (!result.ok) throw new Error(result.error.detail)
    fs.writeSync(1, requestId + '\\n')
    trail.outcome({ kind: 'outcome', requestId, time: '', status: 'ok', reason: null, detail: null })
  }
}
for (let index = 0; index < 16; index++) void work()
`

it(`loses no acknowledged decision in ${kills} kills`, { timeout: kills * 5000 }, async () => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'tollgate-kill-'))
  let acknowledged: string[] = []
  for (let round = 0; round < kills; round++) {
    // The log of several rounds is kept, so that a later start is seen to harm nothing.
    if (round % 8 === 0) {
      fs.rmSync(path.join(dataDir, 'audit'), { recursive: true, force: true })
      acknowledged = []
    }
    const printed = await writeAndKill(dataDir, round)
    expect(printed.length).toBeGreaterThan(0)
    acknowledged.push(...printed)
    const recorded = await recover(dataDir)
    expect(acknowledged.filter((id) => !recorded.has(id))).toEqual([])
  }
  fs.rmSync(dataDir, { recursive: true })
})

/** Ids that a writer printed before it was killed, some time after its first one. */
async function writeAndKill(dataDir: string, round: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer, dataDir, String(round)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    if (output === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * 40)
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  await new Promise((resolve) => child.on('close', resolve))
  expect(errors).toBe('')
  return output.split('\n').slice(0, -1)
}

/** Opens the log as the next process would; the decisions in it. */
async function recover(dataDir: string): Promise<Set<string>> {
  const file = new AuditFile({ dataDir })
  await file.open()
  await file.close()
  const log = fs.readFileSync(auditFilePath(dataDir), 'utf8')
  expect(log.endsWith('\n')).toBe(true)
  const entries = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  return new Set(entries.filter((entry) => entry.kind === 'decision').map((entry) => entry.requestId))
}

/**
 * At most one process holds a lock file. The lock is SQLite's own file lock, which the kernel drops when its
 * holder dies, however it dies: nothing is left behind that could be stale, process ids that were given out
 * again or that mean something else in another container included. Who holds it is written inside.
 */
import fs from 'node:fs'
import os from 'node:os'
import { DatabaseSync } from 'node:sqlite'

/** A held lock. */
export interface Lock {
  /** Whether the file that is locked is still the one at the path: false when it was removed or replaced. */
  isHeld(): boolean
  release(): void
}

/**
 * Takes the lock at `file`, mode 0600, made where missing. Throws a sentence that names the holder when it is taken, and
 * still is after `waitMs`, in which nothing else happens in this process.
 */
export function takeLock(file: string, waitMs = 0): Lock {
  fs.closeSync(fs.openSync(file, 'a', 0o600))
  const locked = identityOf(file)
  const connection = new DatabaseSync(file, { timeout: waitMs })
  try {
    // A rollback journal, unlike WAL, lets others read who the holder is while the write lock is held.
    connection.exec('PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE')
    connection.exec(
      'CREATE TABLE IF NOT EXISTS holder (pid INTEGER, host TEXT, since TEXT); DELETE FROM holder',
    )
    const insert = connection.prepare('INSERT INTO holder (pid, host, since) VALUES (?, ?, ?)')
    insert.run(process.pid, os.hostname(), new Date().toISOString())
    // Committed for others to read, and taken again at once; whoever slips in between has the lock instead.
    connection.exec('COMMIT; BEGIN IMMEDIATE')
  } catch (error) {
    const reason = isBusy(error) ? new Error(`another gateway writes here: ${holderOf(connection)}`) : error
    connection.close()
    throw reason
  }
  return { isHeld: () => identityOf(file) === locked, release: () => connection.close() }
}

function holderOf(connection: DatabaseSync): string {
  try {
    const told = "SELECT 'process ' || pid || ' on ' || host || ', since ' || since AS holder FROM holder"
    const row = connection.prepare(told).get()
    if (typeof row?.['holder'] === 'string') return row['holder']
  } catch {
    // It is just taking the lock, and has not said who it is yet.
  }
  return 'one that has only just started'
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

function identityOf(file: string): string | undefined {
  const facts = fs.statSync(file, { bigint: true, throwIfNoEntry: false })
  return facts && `${facts.dev}:${facts.ino}`
}

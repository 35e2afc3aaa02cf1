/** Request ids: 96 random bits each. The system is asked for many at a time, because asking costs as much as a decision. */
import { randomFillSync } from 'node:crypto'

const ID_BYTES = 12
const IDS_AT_ONCE = 256

/** Makes a source of ids, 16 characters of base64url. */
export function createRequestIds(): () => string {
  const pool = Buffer.alloc(ID_BYTES * IDS_AT_ONCE)
  let used = pool.length
  return () => {
    if (used === pool.length) {
      randomFillSync(pool)
      used = 0
    }
    used += ID_BYTES
    return pool.toString('base64url', used - ID_BYTES, used)
  }
}

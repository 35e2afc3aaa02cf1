import { userInfo } from 'node:os'

/** What the system calls whoever runs this; `me` where they have no name. */
export function ownName(): string {
  try {
    return userInfo().username
  } catch {
    return 'me'
  }
}

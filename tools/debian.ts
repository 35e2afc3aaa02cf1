/** Programs that the tests use and npm cannot bring. As root on Debian they are installed, else named. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** The one list: Debian's package, the file by which it is known to be there, and what is untested without it. */
const needed = [
  { name: 'chromium', file: '/usr/bin/chromium', purpose: 'signing in with a browser' },
  { name: 'git', file: '/usr/bin/git', purpose: 'the story of examples/task' },
  { name: 'curl', file: '/usr/bin/curl', purpose: 'which host a real client asks' },
  { name: 'zsh', file: '/usr/bin/zsh', purpose: 'its completion' },
  { name: 'fish', file: '/usr/bin/fish', purpose: 'its completion' },
]

const missing = needed.filter(({ file }) => !existsSync(file))
const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')

function install(names: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...words: string[]) =>
    execFileSync('apt-get', ['-qq', ...words], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...names)
}

if (missing.length > 0 && canInstall) {
  try {
    install(missing.map(({ name }) => name))
  } catch (error) {
    console.error(`apt-get failed: ${String(error)}`)
  }
}

const absent = missing.filter(({ file }) => !existsSync(file))
for (const { name, purpose } of absent) {
  console.error(
    `SKIPPED: ${name} is not installed, so ${purpose} will not be tested (apt-get install ${name})`,
  )
}
console.log(`${needed.length - absent.length} of ${needed.length} programs are there`)
process.exitCode = absent.length > 0 && process.env['CI'] === 'true' ? 1 : 0

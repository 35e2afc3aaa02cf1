/** Checks that every package in the lockfile has a licence this project may be used with. */
import { readFileSync } from 'node:fs'

/** Permissive licences; none asks more than to keep a notice. */
const allowed = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
]
/** Copyleft for changed files only: fine in a tool that is used while developing and never shipped. */
const allowedInDevelopment = ['MPL-2.0']
/** Packages whose licence field says nothing, and what their text says. */
const stated: Readonly<Record<string, string>> = {
  '@modelcontextprotocol/server-filesystem': 'MIT', // "SEE LICENSE IN LICENSE"; its README says MIT
}

interface LockedPackage {
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
}

/** True when an SPDX expression (`A`, `(A OR B)`, `A AND B`) can be met with licences of the list. */
function isMet(expression: string, list: readonly string[]): boolean {
  const choices = expression.replaceAll(/[()]/g, '').split(' OR ')
  return choices.some((choice) => choice.split(' AND ').every((licence) => list.includes(licence.trim())))
}

const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, LockedPackage>
}
const installed = Object.entries(lockfile.packages).filter(
  ([place, { link }]) => place.includes('node_modules/') && !link,
)
const faults = installed.flatMap(([place, { license, dev }]) => {
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const licence = stated[name] ?? license ?? 'none stated'
  return isMet(licence, dev ? [...allowed, ...allowedInDevelopment] : allowed) ? [] : [`${name}: ${licence}`]
})

for (const fault of faults) console.error(`${fault} is not on the list in tools/licences.ts`)
console.log(`${installed.length} packages, ${faults.length} with a licence that is not allowed`)
process.exitCode = faults.length > 0 ? 1 : 0

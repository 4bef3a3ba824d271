// Compiles plugins/ and src/ into dist/, from nothing, so that no file of an earlier build is left.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true })
const tsc = spawnSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', root], {
  cwd: root,
  stdio: 'inherit',
})
if (tsc.status !== 0) {
  console.error('the build failed')
  process.exit(1)
}
fs.chmodSync(path.join(root, 'dist/src/cli/main.js'), 0o755)

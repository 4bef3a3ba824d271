// Compiles plugins/ and src/ into an empty dist/, so that no file of an earlier build is left, and copies the SQL.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const dist = path.join(root, 'dist')
fs.rmSync(dist, { recursive: true, force: true })
const tsc = spawnSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', root], {
  cwd: root,
  stdio: 'inherit',
})
if (tsc.status !== 0) {
  console.error('the build failed')
  process.exit(1)
}
for (const name of fs.readdirSync(path.join(root, 'src'), { recursive: true })) {
  if (!name.endsWith('.sql')) continue
  const copy = path.join(dist, 'src', name)
  fs.mkdirSync(path.dirname(copy), { recursive: true })
  fs.copyFileSync(path.join(root, 'src', name), copy)
}
fs.chmodSync(path.join(dist, 'src/cli/main.js'), 0o755)

// Prepares a fresh clone for `npm start` and `npm test`: installs the packages of the lock file, and builds.
// Skips steps that are done already.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const mtime = file => fs.statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0

// if it is a link, npm ci would empty the other folder
const isLink = fs.lstatSync(path.join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()

if (!isLink && mtime('package-lock.json') > mtime('node_modules/.package-lock.json')) {
  console.log('Installing the packages of package-lock.json (npm ci)')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (npm.status !== 0) {
    console.error('npm ci failed; see its messages above')
    process.exit(1)
  }
}
require('./build.js')

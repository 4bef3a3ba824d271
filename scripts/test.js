// Runs the tests in two parts: first all that can share the machine, several files at a time; then those that measure
// pace, set clocks or kill processes (*.alone.test.ts), one after the other. Arguments go to mocha, in both parts.
// Last line: `N passed, N failed`.

const { spawn } = require('node:child_process')
const events = require('node:events')
const path = require('node:path')
const { stripVTControlCharacters } = require('node:util')

const root = path.join(__dirname, '..')
const ALONE = 'test/**/*.alone.test.ts'
// live tests wait for processes half of their time: three files for each of two processors keep both busy
const PARTS = [['--parallel', '--jobs', '6', '--ignore', ALONE, 'test/**/*.test.ts'], [ALONE]]

async function run(args) {
  const colours = process.stdout.isTTY ? ['--color'] : []
  const mocha = [
    path.join(root, 'node_modules/mocha/bin/mocha.js'),
    ...colours,
    ...args,
    ...process.argv.slice(2),
  ]
  const child = spawn(process.execPath, mocha, { cwd: root, stdio: ['inherit', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', chunk => {
    process.stdout.write(chunk)
    output += chunk
  })
  const [status] = await events.once(child, 'close')
  const passed = count(output, 'passing')
  const failed = count(output, 'failing')
  // without a count, the part has failed as a whole; only what was asked for by arguments may match no test
  const isNothing = passed === 0 && process.argv.length === 2
  return { passed, failed: failed === 0 && (status !== 0 || isNothing) ? 1 : failed }
}

/** The last `N passing (2s)` or `N failing` that stands alone on a line; 0 without one. */
function count(output, what) {
  const plain = stripVTControlCharacters(output)
  const found = [...plain.matchAll(new RegExp(`^ *(\\d+) ${what}(?: \\(.*\\))?$`, 'gm'))]
  return Number(found.at(-1)?.[1] ?? 0)
}

async function main() {
  let passed = 0
  let failed = 0
  for (const part of PARTS) {
    const counts = await run(part)
    passed += counts.passed
    failed += counts.failed
  }
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}

void main()

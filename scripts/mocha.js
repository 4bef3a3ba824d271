// A run of mocha in a process of its own, with what came of it.

const { spawn } = require('node:child_process')
const events = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const root = path.join(__dirname, '..')
/** exit: a connection or a server that a failed hook has left open would keep the process alive for ever. */
const ALWAYS = ['--exit', '--reporter', path.join(__dirname, 'test-reporter.js')]

/** What the part comes to as a whole is a failure too: an end without a report, a status without a failed test. */
async function run(part, args, env) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'test-report-'))
  const file = path.join(folder, 'report.json')
  const program = path.join(root, 'node_modules/mocha/bin/mocha.js')
  const child = spawn(process.execPath, [program, ...ALWAYS, ...args, ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env, TEST_REPORT: file },
  })
  const [code, signal] = await events.once(child, 'close')
  const { passed, failures } = readReport(file) ?? { passed: 0, failures: [] }
  fs.rmSync(folder, { recursive: true })
  // only what was asked for by arguments may match no test
  const isNothing = passed === 0 && process.argv.length === 2
  if (failures.length === 0 && (code !== 0 || isNothing)) {
    const error = `mocha ended with ${signal ?? `exit code ${code}`}; its output says why`
    failures.push({ title: part, file: 'no file', error })
  }
  return { passed, failures }
}

/** Undefined: mocha ended before it could write it. */
function readReport(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined
}

module.exports = { run }

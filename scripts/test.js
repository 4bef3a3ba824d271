// Runs the tests in two parts: first all that can share the machine, several files at a time; then those that measure
// pace, set clocks or kill processes (*.alone.test.ts), one after the other. Arguments go to mocha, in both parts.
// At the end: all that failed, with the first lines of its error. Last line: `N passed, N failed`.

const { spawn } = require('node:child_process')
const events = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { printResult } = require('./failures')

const root = path.join(__dirname, '..')
const ALONE = 'test/**/*.alone.test.ts'
// live tests wait for processes half of their time: three files for each of two processors keep both busy
const PARTS = {
  'the tests that share the machine': ['--parallel', '--jobs', '6', '--ignore', ALONE, 'test/**/*.test.ts'],
  'the tests that run alone': [ALONE],
}

/** What the part comes to as a whole is a failure too: an end without a report, a status without a failed test. */
async function run(part, args) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'test-report-'))
  const file = path.join(folder, 'report.json')
  const program = path.join(root, 'node_modules/mocha/bin/mocha.js')
  const child = spawn(
    process.execPath,
    [program, '--reporter', path.join(__dirname, 'test-reporter.js'), ...args, ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit', env: { ...process.env, TEST_REPORT: file } },
  )
  const [code, signal] = await events.once(child, 'close')
  const { passed, failures } = readReport(file) ?? { passed: 0, failures: [] }
  fs.rmSync(folder, { recursive: true })
  // only what was asked for by arguments may match no test
  const isNothing = passed === 0 && process.argv.length === 2
  if (failures.length === 0 && (code !== 0 || isNothing)) {
    const error = `mocha ended with ${signal ?? `exit code ${code}`}; its output says why`
    failures.push({ title: part, file: args.at(-1), error })
  }
  return { passed, failures }
}

/** Undefined: mocha ended before it could write it. */
function readReport(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined
}

async function main() {
  let passed = 0
  const failures = []
  for (const [part, args] of Object.entries(PARTS)) {
    const report = await run(part, args)
    passed += report.passed
    failures.push(...report.failures)
  }
  printResult(passed, failures)
}

void main()

// Runs the tests in two parts: first all that can share the machine, several files at a time; then those that measure
// pace, set clocks or kill processes (*.alone.test.ts), one after the other. Arguments go to mocha, in both parts.
// One PostgreSQL server is there for them all (test/postgres/shared.ts).
// At the end: all that failed, with the first lines of its error. Last line: `N passed, N failed`.

const { spawn } = require('node:child_process')
const events = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { printResult } = require('./failures')
const { run } = require('./mocha')

const root = path.join(__dirname, '..')
const [ALONE, LIVE] = [/\.alone\.test\.ts$/, /^test\/(?:live\/|http\/browser)/]
/** scripts/test-refusals.js runs them. */
const REFUSALS = /^test\/live\/refusals\//

/** By the title of the part: mocha's options and files. */
function parts() {
  const files = fs
    .readdirSync(path.join(root, 'test'), { recursive: true })
    .map(file => path.posix.join('test', ...file.split(path.sep)))
    .filter(file => file.endsWith('.test.ts') && !REFUSALS.test(file))
    .toSorted()
  const [alone, shared] = split(files, file => ALONE.test(file))
  const [live, others] = split(shared, file => LIVE.test(file))
  return {
    // three files at a time for each of two processors
    'the tests that share the machine': ['--parallel', '--jobs', '6', ...mixed(live, others)],
    // they start servers: scripts/test-hosts.js has why
    'the tests that run alone': ['--exit', ...alone],
  }
}

/**
 * Live tests wait for processes half of their time, the others never: beside each other they keep all processors busy.
 * The last ones are others, so that no long wait is left over.
 */
function mixed(live, others) {
  const placed = (list, end) => list.map((file, index) => ({ file, at: (index / list.length) * end }))
  return [...placed(live, 0.9), ...placed(others, 1)].toSorted((a, b) => a.at - b.at).map(({ file }) => file)
}

function split(all, isFirst) {
  return [all.filter(isFirst), all.filter(one => !isFirst(one))]
}

/**
 * Ends with this process, however that ends: then its standard input does. Where there is none, the tests that need it
 * say so.
 */
async function startPostgres() {
  const server = spawn(
    process.execPath,
    ['--require', 'tsx/cjs', path.join(root, 'test/postgres/serve.ts')],
    {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
      // a signal from the terminal is for this process
      detached: true,
    },
  )
  const [line] = await Promise.race([
    events.once(server.stdout, 'data'),
    events.once(server, 'exit').then(() => []),
  ])
  return {
    env: line === undefined ? {} : { TEST_POSTGRES_PORT: line.toString().trim() },
    stop: () => server.stdin.end(),
  }
}

async function main() {
  let passed = 0
  const failures = []
  const postgres = await startPostgres()
  for (const [part, args] of Object.entries(parts())) {
    const report = await run(part, args, postgres.env)
    passed += report.passed
    failures.push(...report.failures)
  }
  postgres.stop()
  printResult(passed, failures)
}

void main()

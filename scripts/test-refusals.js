// Runs the matrix of refusals (test/live/refusals/*.test.ts): what other plugins, and servers behind Haraka, refuse at each
// stage, and what comes in between. Several files at a time. The core of it is in `npm test`.
// Arguments go to mocha. Last line: `N passed, N failed`.

const fs = require('node:fs')
const path = require('node:path')
const { printResult } = require('./failures')
const { run } = require('./mocha')

const FOLDER = 'test/live/refusals'
/** Three files at a time for each of two processors: they wait for processes half of their time. */
const JOBS = '6'

async function main() {
  const files = fs.readdirSync(path.join(__dirname, '..', FOLDER)).toSorted()
  const args = ['--parallel', '--jobs', JOBS, ...files.map(file => path.posix.join(FOLDER, file))]
  const { passed, failures } = await run('the tests of refusals', args, {})
  printResult(passed, failures)
}

void main()

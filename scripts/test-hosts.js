// Runs the tests of several hosts on one queue (test/live/several/*.hosts.ts), one after the other: they measure pace, kill
// processes and wait for leaders, for minutes. Arguments go to mocha. Last line: `N passed, N failed`.

const fs = require('node:fs')
const path = require('node:path')
const { printResult } = require('./failures')
const { run } = require('./mocha')

const FOLDER = 'test/live/several'
// --exit below: Node.js 20 was seen to spin for ever in FreeEnvironment (CleanupHandles) after the last test had ended

async function main() {
  const files = fs
    .readdirSync(path.join(__dirname, '..', FOLDER))
    .filter(file => file.endsWith('.hosts.ts'))
    .toSorted()
    .map(file => path.posix.join(FOLDER, file))
  const { passed, failures } = await run('the tests of several hosts', ['--exit', ...files], {})
  printResult(passed, failures)
}

void main()

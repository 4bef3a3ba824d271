// The end of a test run's output: what failed, then the counts. Where only the end of a log is kept, it says enough.

/** Lines of an error: its message, a small difference of two values, and where it was thrown. */
const ERROR_LINES = 20

/** `failures`: of the form {title, file, error}. The last line is `N passed, N failed`. */
function printResult(passed, failures) {
  if (failures.length > 0) {
    console.log('\nFailed:')
    for (const { title, file, error } of failures) console.log(`\n- ${title} (${file})\n${firstLines(error)}`)
    console.log()
  }
  console.log(`${passed} passed, ${failures.length} failed`)
  process.exitCode = failures.length === 0 ? 0 : 1
}

function firstLines(text) {
  const lines = text.split('\n').filter(line => line.trim() !== '' && !line.includes('node_modules/mocha/'))
  return lines
    .slice(0, ERROR_LINES)
    .map(line => `    ${line.slice(0, 500)}`)
    .join('\n')
}

module.exports = { ERROR_LINES, printResult }

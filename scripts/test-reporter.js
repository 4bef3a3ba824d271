// mocha's usual report; and for scripts/test.js what passed and failed, as JSON in the file that TEST_REPORT names.

const fs = require('node:fs')
const path = require('node:path')
const { reporters, Runner } = require('mocha')

const root = path.join(__dirname, '..')

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const failures = this.failures.map(test => ({
        title: test.fullTitle(),
        file: test.file ? path.relative(root, test.file) : 'no file',
        error: errorText(test.err),
      }))
      fs.writeFileSync(process.env.TEST_REPORT, JSON.stringify({ passed: this.stats.passes, failures }))
    })
  }
}

/** A stack begins with the message, unless something other than an Error was thrown. */
function errorText(error) {
  const { message = String(error), stack = '' } = error ?? {}
  return stack.includes(message) ? stack : `${message}\n${stack}`
}

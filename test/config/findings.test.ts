import assert from 'node:assert/strict'
import { didYouMean, formatDiagnostic } from '../../src/config/diagnostics'

describe('formatDiagnostic', () => {
  it('opens with the place, as far as there is one', () => {
    const message = 'is wrong'
    assert.equal(
      formatDiagnostic({ severity: 'error', file: 'a.ini', line: 3, section: 's', message }),
      'a.ini:3: [s] is wrong',
    )
    assert.equal(formatDiagnostic({ severity: 'error', file: 'a.ini', line: 0, message }), 'a.ini: is wrong')
  })

  it('is one line without controls, whatever the files say', () => {
    const nasty = 'a\u001b[2J\r\n\u009b\u202e\u2028\u200b'
    const shown = 'a\\u001b[2J\\u000d\\u000a\\u009b\\u202e\\u2028\\u200b'
    assert.equal(
      formatDiagnostic({ severity: 'error', file: nasty, line: 1, section: nasty, message: nasty }),
      `${shown}:1: [${shown}] ${shown}`,
    )
  })
})

describe('didYouMean', () => {
  it('names what is near, and nothing else', () => {
    assert.equal(didYouMean('actoin', ['mode', 'action']), '; did you mean "action"?')
    assert.equal(didYouMean('Recipient', ['recipient']), '; did you mean "recipient"?')
    assert.equal(didYouMean('x', ['to', 'cc']), '')
    assert.equal(didYouMean('ccc', ['to', 'cc']), '; did you mean "cc"?')
    assert.equal(didYouMean('a'.repeat(100_000), ['action']), '')
  })
})

import assert from 'node:assert/strict'
import { didYouMean, formatFinding } from '../../src/settings/findings'

describe('formatFinding', () => {
  it('opens with the place, as far as there is one', () => {
    const message = 'is wrong'
    assert.equal(
      formatFinding({ severity: 'error', file: 'a.ini', line: 3, section: 's', message }),
      'a.ini:3: [s] is wrong',
    )
    assert.equal(formatFinding({ severity: 'error', file: 'a.ini', line: 0, message }), 'a.ini: is wrong')
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

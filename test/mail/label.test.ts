import assert from 'node:assert/strict'
import { withoutLabel } from '../../src/mail/label'

describe('labels of addresses', () => {
  it('an address with a label belongs to the mailbox before the separator', () => {
    assert.equal(withoutLabel('anna+shop@example.com', '+'), 'anna@example.com')
    assert.equal(withoutLabel('anna+shop+sale@example.com', '+'), 'anna@example.com')
    assert.equal(withoutLabel('anna-shop@example.com', '-'), 'anna@example.com')
    assert.equal(withoutLabel('anna+@example.com', '+'), 'anna@example.com')
  })

  it('an address without a label is left as it is', () => {
    for (const key of ['anna@example.com', '+anna@example.com', 'anna@my+host', '', 'anna', 'anna+shop']) {
      assert.equal(withoutLabel(key, '+'), key)
    }
  })

  it('without a separator there are no labels', () => {
    assert.equal(withoutLabel('anna+shop@example.com', ''), 'anna+shop@example.com')
  })
})

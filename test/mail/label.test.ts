import assert from 'node:assert/strict'
import { withoutLabel } from '../../src/mail/label'
import { key } from '../units'

describe('labels of addresses', () => {
  const mailbox = (text: string, separator: string) => withoutLabel(key(text), separator)

  it('an address with a label belongs to the mailbox before the separator', () => {
    assert.equal(mailbox('anna+shop@example.com', '+'), 'anna@example.com')
    assert.equal(mailbox('anna+shop+sale@example.com', '+'), 'anna@example.com')
    assert.equal(mailbox('anna-shop@example.com', '-'), 'anna@example.com')
    assert.equal(mailbox('anna+@example.com', '+'), 'anna@example.com')
  })

  it('an address without a label is left as it is', () => {
    for (const text of ['anna@example.com', '+anna@example.com', 'anna@my+host', '', 'anna', 'anna+shop']) {
      assert.equal(mailbox(text, '+'), text)
    }
  })

  it('without a separator there are no labels', () => {
    assert.equal(mailbox('anna+shop@example.com', ''), 'anna+shop@example.com')
  })
})

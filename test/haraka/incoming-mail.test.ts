// The rest of a transaction when some of its recipients are consumed.

import assert from 'node:assert/strict'
import { remainingTargets } from '../../src/haraka/incoming-mail'

describe('the recipients that remain in a transaction', () => {
  const gone = { address: 'gone@yours.example' }
  const anna = { address: 'anna@yours.example' }

  it('are those that are not consumed', () => {
    assert.deepEqual(remainingTargets([gone, anna], { consumed: [gone], others: [anna] }), [anna])
  })

  it('hold no copy of a consumed one that another plugin has put there', () => {
    const copies = [{ ...gone }, { ...anna }]
    assert.deepEqual(remainingTargets(copies, { consumed: [gone], others: [anna] }), [anna])
  })

  it('hold an address that a recipient who is not consumed has as well', () => {
    const alias = { address: gone.address }
    assert.deepEqual(remainingTargets([alias, gone], { consumed: [gone], others: [alias] }), [alias])
    assert.deepEqual(remainingTargets([{ ...alias }], { consumed: [gone], others: [alias] }), [alias])
  })

  it('hold recipients that another plugin has added for another command', () => {
    const added = { address: 'archive@yours.example' }
    assert.deepEqual(remainingTargets([gone, anna, added], { consumed: [gone], others: [anna] }), [
      anna,
      added,
    ])
  })
})

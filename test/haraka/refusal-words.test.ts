// The words of a refusal as its sender may read them: without the addresses behind an alias.

import assert from 'node:assert/strict'
import { withAddress } from '../../src/haraka/refusal-words'

describe('the words of a refusal', () => {
  it('have the address that the sender wrote to in place of the one behind it', () => {
    assert.equal(
      withAddress('<in@a.example>: in@a.example?', 'in@a.example', 'out@b.example'),
      '<out@b.example>: out@b.example?',
    )
  })

  it('do not tell the address behind an alias in other capitals', () => {
    assert.equal(
      withAddress('No <IN@A.example> here', 'in@a.example', 'out@b.example'),
      'No <out@b.example> here',
    )
  })

  it('do not tell the address behind an alias to a sender who writes $& in the address of the recipient', () => {
    assert.equal(withAddress('No in@a.example', 'in@a.example', "x$&$`$'@b.example"), "No x$&$`$'@b.example")
  })

  it('do not tell the address behind an alias where it is not ASCII', () => {
    assert.equal(withAddress('No J?rg@a.example', 'Jürg@a.example', 'out@b.example'), 'No out@b.example')
  })

  it('stay as they are where no alias stands behind the recipient', () => {
    assert.equal(withAddress('No Out@b.example', 'out@b.example', 'OUT@b.example'), 'No Out@b.example')
  })

  it('stay printable and short, whatever the addresses are', () => {
    const words = withAddress('in@a.example '.repeat(19), 'in@a.example', `ü${'x'.repeat(60)}@b.example`)
    assert.match(words, /^[ -~]{1,256}$/)
  })
})

import assert from 'node:assert/strict'
import { fieldReadings } from '../../src/mail/field-readings'

const textsOf = (lines: readonly string[], name = 'x', ownFields = 0) =>
  fieldReadings(lines, ownFields)(name).texts

describe('the readings of a field', () => {
  it('are those of every field of that name, top down, with their folds', () => {
    assert.deepEqual(textsOf(['X: a\n', ' b\n', 'Y: c\n', 'x: d\r\n']), ['a  b', 'd'])
  })

  it('leave out the fields that are Haraka’s own', () => {
    assert.deepEqual(textsOf(['X: own\n\tmore\n', 'X: sent\n'], 'x', 1), ['sent'])
  })

  it('are found whatever stands around the letters of the name', () => {
    const names = [
      'Precedence',
      'PRECEDENCE ',
      'precedence\t',
      '.Precedence',
      'Prece\u0000dence',
      '\u00a0Precedence',
    ]
    for (const name of names) assert.deepEqual(textsOf([`${name}: v\n`], 'precedence'), ['v'], name)
    assert.deepEqual(textsOf(['Precedence\n', ' : v\n'], 'precedence'), ['v'])
    assert.deepEqual(textsOf(['Not-Precedence: v\n'], 'precedence'), [])
  })

  it('read a bare CR as the end of a line and as a blank', () => {
    assert.deepEqual(textsOf(['Y: a\rX: b\r c\rd\rZ: e\n']), ['b  c d'])
    assert.deepEqual(textsOf(['X: \rv\n']), ['v'])
    assert.deepEqual(textsOf(['X: \n', 'v\n', 'Y: w\n']), ['v'])
    assert.deepEqual(textsOf(['Y: w\n', 'X\n', ' : v\n']), ['v'])
    assert.deepEqual(textsOf(['X: a\rno field: b\n']), ['a no field: b'])
  })

  it('have encoded words as they are and decoded, also those that no standard allows', () => {
    for (const [word, text] of [
      ['=?utf-8?q?auto=2Dreplied?=', 'auto-replied'],
      ['=?x?B?YXV0by1yZXBsaWVk?=', 'auto-replied'],
      ['=?utf-8*en?Q?auto-?=  =?us-ascii?q?rep_lied?=', 'auto-rep lied'],
      ['a=?utf-8?q?uto?=', 'auto'],
      ['=?utf-8?b?YXV0by1yZXBsaWVk', 'auto-replied'],
      ['=?utf-8?q?auto replied?=', 'auto replied'],
      ['=?utf-16be?b?AGEAdQB0AG8=?=', '\u0000a\u0000u\u0000t\u0000o'],
    ] as const)
      assert.deepEqual(textsOf([`X: ${word}\n`]).slice(0, 2), [word, text], word)
    assert(textsOf(['X: =?utf-8?q?au\n', ' to?=\n']).includes('auto'))
  })

  it('end where there are more than anybody reads', () => {
    const long = ['X: a\n', `X: ${'b'.repeat(65_536)}\n`, 'X: c\n', 'Y: d\n']
    assert.deepEqual(fieldReadings(long, 0)('x'), { texts: ['a'], areCut: true })
    assert.deepEqual(fieldReadings(long, 0)('y'), { texts: ['d'], areCut: false })
    const bareCrs = [...Array.from({ length: 100 }, () => `${'y:\r'.repeat(300)}\n`), 'X: a\n']
    assert.deepEqual(fieldReadings(bareCrs, 0)('x'), { texts: [], areCut: true })
  })
})

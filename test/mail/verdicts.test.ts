import assert from 'node:assert/strict'
import { verdictsOf } from '../../src/mail/verdicts'
import { cpuMsOf } from '../cpu-time'
import { factsOf, headerOf, heldBecause, type Parts, RECEIPT } from './proof-support'

const FROM = ['From: joe@origin.example']
const BASE: Parts = { sender: 'joe@origin.example', own: FROM, spf: 'pass', spam: 'PASS', virus: 'PASS' }

/** Spam, virus, SPF, DKIM, DMARC. */
async function wordsOf(parts: Parts): Promise<string> {
  const { spam, virus, spf, dkim, dmarc } = verdictsOf(await factsOf(headerOf({ ...BASE, ...parts })))
  return [spam, virus, spf, dkim, dmarc].join(' ')
}

const ALL_PASS = ['dkim=pass header.i=@origin.example;', 'dmarc=pass header.from=origin.example;']

describe("SES's verdicts", () => {
  it('are its words where the block is closed', async () => {
    assert.equal(await wordsOf({ results: ALL_PASS }), 'pass pass pass pass pass')
    assert.equal(await wordsOf({}), 'pass pass pass none none')
    assert.equal(
      await wordsOf({ spam: 'GRAY', virus: 'PROCESSING_FAILED', spf: 'softfail' }),
      'gray processing_failed softfail none none',
    )
    const results = ['dkim=fail header.i=@a.example;', 'dkim=pass header.i=@b.example;', 'dmarc=none;']
    assert.equal(await wordsOf({ results }), 'pass pass pass pass none')
    assert.equal(await wordsOf({ spam: 'PASS\u001b[31m', virus: 'PASS PASS' }), 'none none pass none none')
    assert.equal(await wordsOf({ spam: 'FAIL (x)', virus: '' }), 'fail none pass none none')
  })

  it('keep a fail beside a property that is not known', async () => {
    const results = ['dkim=pass header.i=@origin.example;', 'dmarc=fail properties.from=other.example;']
    assert.equal(await wordsOf({ results }), 'pass pass pass pass fail')
  })

  it('keep a fail where the HELO is odd, and lose a pass', async () => {
    const results = ['dkim=pass header.i=@a.example;', 'dmarc=fail header.from=other.example;']
    for (const helo of ['mail/origin', "joe's-pc", 'a b', 'x; dmarc=pass', '(', 'ü']) {
      assert.equal(await wordsOf({ helo, spf: 'fail', results }), 'none none fail none fail', helo)
      assert.equal(await wordsOf({ helo, spam: 'FAIL', virus: 'FAIL' }), 'fail fail none none none', helo)
    }
  })

  it('keep a fail where the block is not closed, wherever it may stand, and lose a pass', async () => {
    const lost = 'none none none none none'
    assert.equal(await wordsOf({ closing: [], results: ALL_PASS }), lost)
    const own = [
      ' dkim=pass header.i=@victim.example; dmarc=pass header.from=victim.example;',
      'X-SES-Virus-Verdict: PASS',
      ...FROM,
    ]
    assert.equal(await wordsOf({ closing: [], own }), lost)
    assert.equal(await wordsOf({ closing: [], spf: 'softfail', own }), 'none none softfail none none')
    const fails = { closing: [], spam: 'FAIL', virus: 'FAIL', spf: 'fail', results: ['dmarc=fail;'] }
    assert.equal(await wordsOf({ ...fails, own }), 'fail fail fail none fail')
    const apart = (fields: string[]) => fields.flatMap(field => [field, 'X-Hop: y'])
    assert.equal(await wordsOf({ ...fails, edit: apart }), 'fail fail fail none fail')
    assert.equal(
      await wordsOf({ closing: [], own: ['X-SES-Spam-Verdict: FAIL', RECEIPT, ...FROM] }),
      'fail none none none none',
    )
  })

  it("keep a fail where the sender makes SES's Received line unreadable, and lose a pass", async () => {
    const fails: Parts = {
      spam: 'FAIL',
      virus: 'FAIL',
      spf: 'softfail',
      results: ['dkim=fail;', 'dmarc=fail;'],
    }
    const helos = ['x; Thu, 20 Feb 2025 12:38:04', 'h'.repeat(920)]
    for (const helo of helos) {
      const facts = await factsOf(headerOf({ ...BASE, ...fails, helo, isFlat: true }))
      assert.equal(facts.receipt, undefined, helo)
      assert.equal(await wordsOf({ ...fails, helo, isFlat: true }), 'fail fail softfail fail fail', helo)
      assert.equal(await wordsOf({ results: ALL_PASS, helo, isFlat: true }), 'none none none none none', helo)
    }
    const own = [' dkim=pass header.i=@origin.example;', ...FROM]
    const manager: Parts = { ...fails, form: 'mail-manager', own }
    assert.equal((await factsOf(headerOf({ ...BASE, ...manager }))).receipt, undefined)
    assert.equal(await wordsOf(manager), 'none none softfail fail fail')
    const edit = (fields: string[]) => fields.filter(field => !field.startsWith('Received:'))
    assert.equal(await wordsOf({ ...fails, edit }), 'fail fail softfail fail fail')
    assert.equal(await wordsOf({ results: ALL_PASS, edit }), 'none none none none none')
  })

  it('are read above the Received line of Mail Manager as well', async () => {
    const parts: Parts = { form: 'mail-manager', spf: 'fail', results: ['dmarc=fail;'] }
    assert.equal(await wordsOf(parts), 'none none fail none fail')
    const edit = (fields: string[]) => [fields[1] ?? '', fields[0] ?? '', ...fields.slice(2)]
    assert.equal(await wordsOf({ ...parts, edit }), 'none none fail none fail')
  })

  it('let the guards hold on any fail', async () => {
    for (const more of [{}, { closing: [] }, { helo: 'mail/origin' }]) {
      assert.equal(await heldBecause(headerOf({ ...BASE, ...more, spam: 'FAIL' }), 'none'), 'spam')
      assert.equal(await heldBecause(headerOf({ ...BASE, ...more, virus: 'FAIL' }), 'none'), 'virus')
      assert.equal(await heldBecause(headerOf({ ...BASE, ...more }), 'none'), undefined)
    }
  })

  it('are read in little time, whatever a block that is not closed holds', async () => {
    for (const piece of ['spf=a ', 'dkim = ', 'dmarc', ' ', 'fai', '"']) {
      const lines = Array.from({ length: 900 }, () => ` ${piece.repeat(Math.floor(980 / piece.length))}`)
      const parts = headerOf({ ...BASE, closing: [], own: lines })
      const tookMs = await cpuMsOf(1000, () => factsOf(parts))
      assert.ok(tookMs < 1000, `${JSON.stringify(piece)}: ${tookMs} ms`)
    }
  })
})

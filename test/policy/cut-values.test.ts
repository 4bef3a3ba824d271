import assert from 'node:assert/strict'
import { readHeader } from '../../src/mail/header'
import { MATCHED_CHARACTERS } from '../../src/policy/subject'
import { decideNow, type MailParts, mail, policy } from './support'

const LONG = 'x'.repeat(MATCHED_CHARACTERS)

/** The rule that decides; `unknown`: nobody knows which. */
async function ruleFor(rules: string, parts: MailParts): Promise<string | undefined> {
  const [decision] = await decideNow(policy(rules), mail(parts))
  return decision?.fallback?.reason === 'unreadable' ? 'unknown' : decision?.rule
}

describe('a header field that could not be read whole', () => {
  const cut: MailParts = { addresses: { to: ['a@x.example'] }, cut: ['to'] }

  it('has the addresses that were read', async () => {
    assert.equal(await ruleFor('[r]\nto = a@x.example\naction = drop', cut), 'r')
    assert.equal(await ruleFor('[r]\nnot.to = a@x.example\naction = drop', cut), undefined)
  })

  it('is not known to name a recipient or not to name it', async () => {
    for (const pattern of ['b@x.example', '@y.example', '*b@x.example', '/b@/']) {
      assert.equal(await ruleFor(`[r]\nto = ${pattern}\naction = drop`, cut), 'unknown', pattern)
      assert.equal(await ruleFor(`[r]\nnot.to = ${pattern}\naction = drop`, cut), 'unknown', pattern)
    }
  })

  it('does not matter to a rule that another condition rules out, before it or behind it', async () => {
    const other = '\naction = drop\n[last]\naction = quarantine'
    assert.equal(await ruleFor(`[r]\nto = b@x.example\nsize = > 1gb${other}`, cut), 'last')
    assert.equal(await ruleFor(`[r]\nto = b@x.example\nsubject = y${other}`, cut), 'last')
    assert.equal(await ruleFor(`[r]\nto = b@x.example\nbody = /y/${other}`, cut), 'last')
    assert.equal(
      await ruleFor(`[r]\nto = b@x.example\nsubject = s${other}`, { ...cut, headers: { subject: ['s'] } }),
      'unknown',
    )
  })

  it('concerns no other field', async () => {
    assert.equal(await ruleFor('[r]\ncc = b@x.example\naction = drop', cut), undefined)
  })

  it('is only noted where a rule in mode observe asks', async () => {
    const rules = '[r]\nto = b@x.example\naction = drop\nmode = observe'
    const [decision] = await decideNow(policy(rules), mail(cut))
    const fault = `[r] can't be checked: "to" needs a value that could not be read completely`
    assert.deepEqual(decision?.observed, [{ rule: 'r', action: 'drop', fault }])
  })
})

describe('a text that is longer than what patterns see of it', () => {
  it('matches by its beginning, and else nobody knows', async () => {
    const parts: MailParts = { headers: { subject: [`${LONG}y`], 'x-a': [`${LONG}y`] } }
    assert.equal(await ruleFor('[r]\nsubject = xxx*\naction = drop', parts), 'r')
    assert.equal(await ruleFor('[r]\nnot.subject = *y\naction = drop', parts), 'unknown')
    assert.equal(await ruleFor('[r]\nheader.X-A = *y\naction = drop', parts), 'unknown')
  })

  it('is known whole up to the limit', async () => {
    assert.equal(await ruleFor('[r]\nnot.subject = *y\naction = drop', { headers: { subject: [LONG] } }), 'r')
  })

  it('that was not decoded is known by nobody', async () => {
    const parts: MailParts = { headers: { subject: ['=?utf-8?q?a?='] }, cut: ['subject'] }
    assert.equal(await ruleFor('[r]\nnot.subject = a\naction = drop', parts), 'unknown')
    assert.equal(await ruleFor('[r]\nheader.subject = a\naction = drop', parts), 'unknown')
  })
})

describe('a header that Haraka cut', () => {
  const lines = ['Subject: s\n', 'To: a@x.example\n', ...Array.from({ length: 20 }, () => 'X-A: 1\n')]
  const cutRule = async (rules: string, headerIsCut = true, more: MailParts = {}) => {
    const { facts: headers } = await readHeader(lines, 0, undefined, headerIsCut)
    const [decision] = await decideNow(policy(rules), { ...mail({ headerIsCut, ...more }), headers })
    return decision?.fallback?.reason === 'unreadable' ? 'unknown' : decision?.rule
  }

  it('has what was read', async () => {
    for (const condition of ['subject = s', 'to = a@x.example', 'header.X-A = *'])
      assert.equal(await cutRule(`[r]\n${condition}\naction = drop`), 'r', condition)
    for (const condition of ['not.subject = s', 'not.to = a@x.example', 'not.header.X-A = 1'])
      assert.equal(await cutRule(`[r]\n${condition}\naction = drop`), undefined, condition)
  })

  it('is not known to lack a field, or a value, that was not seen', async () => {
    for (const key of ['to', 'cc', 'from', 'reply-to'])
      for (const not of ['', 'not.'])
        assert.equal(await cutRule(`[r]\n${not}${key} = b@x.example\naction = drop`), 'unknown', not + key)
    for (const key of ['subject', 'header.X-A', 'header.X-B', 'header.Subject'])
      for (const not of ['', 'not.'])
        assert.equal(await cutRule(`[r]\n${not}${key} = never\naction = drop`), 'unknown', not + key)
    assert.equal(await cutRule('[r]\nnot.header.X-B = *\naction = drop'), 'unknown')
    assert.equal(await cutRule('[r]\nnot.header.X-B = *\naction = drop', false), 'r')
  })

  it("without SES's receipt is not known to have none", async () => {
    const conditions = {
      'client.ip': '192.0.2.1',
      'client.helo': 'x',
      'client.name': 'x',
      region: 'x',
      age: '> 100h',
      'verdict.spam': 'fail',
      'verdict.dmarc': 'fail',
    }
    for (const [key, value] of Object.entries(conditions))
      for (const not of ['', 'not.']) {
        const rule = `[r]\n${not}${key} = ${value}\naction = drop`
        assert.equal(await cutRule(rule, true, { receipt: null }), 'unknown', not + key)
        assert.notEqual(await cutRule(rule, false, { receipt: null }), 'unknown', not + key)
        assert.notEqual(await cutRule(rule), 'unknown', not + key)
      }
  })

  it("whose block of SES isn't closed is not known to lack a verdict", async () => {
    const none = { spam: 'none', virus: 'none', spf: 'none', dkim: 'none', dmarc: 'fail' }
    const results = { dkimDomains: [], flaw: "SES's results aren't closed by X-SES-RECEIPT" }
    const receipt = { verdicts: none, authentication: results }
    assert.equal(await cutRule('[r]\nnot.verdict.spam = fail\naction = drop', true, { receipt }), 'unknown')
    assert.equal(await cutRule('[r]\nverdict.spf = none\naction = drop', true, { receipt }), 'unknown')
    assert.equal(await cutRule('[r]\nverdict.dmarc = fail\naction = drop', true, { receipt }), 'r')
    assert.equal(await cutRule('[r]\nverdict.spf = none\naction = drop', false, { receipt }), 'r')
    const closed = { receipt: { verdicts: none } }
    assert.equal(await cutRule('[r]\nverdict.spf = none\naction = drop', true, closed), 'r')
  })
})

import assert from 'node:assert/strict'
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

  it('is neither known to name somebody nor known not to', async () => {
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
    const fault = `[r] can't be asked: "to" asks for a value that is too long to be read whole`
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

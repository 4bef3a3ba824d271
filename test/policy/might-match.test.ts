import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { MailFacts } from '../../src/mail/facts'
import type { CheapFacts } from '../../src/policy/fields'
import { glance } from '../../src/policy/match-budget'
import { mightMatchAnyRule } from '../../src/policy/might-match'
import { cpuMs } from '../cpu-time'
import { propertyRuns } from '../property-runs'
import { MAILS, RULES } from './arbitraries'
import { decideNow, type MailParts, mail, NOW_MS, policy } from './support'

const RUNS = propertyRuns(500)

/** The facts of a cheap look at such a mail, with those that it may find besides. */
function cheapLook(facts: MailFacts, more: string[] = [], isRead = false): CheapFacts {
  const onRecord = facts.recipients.map(({ address }) => address)
  const trace = {
    forCandidates: [
      ...onRecord.filter(address => !facts.envelope.recipients.some(one => one.address === address)),
      ...more,
    ],
    returnPathCandidates: [...(facts.receipt ? [facts.sender] : []), ...more],
  }
  return { envelope: facts.envelope, nowMs: NOW_MS, trace: () => trace, ...(isRead && { facts }) }
}

describe('mightMatchAnyRule', () => {
  it('is true whenever a decision is anything but a plain accept', async () => {
    let passed = 0
    await fc.assert(
      fc.asyncProperty(
        RULES,
        MAILS,
        fc.array(fc.constantFrom('z@x.example', ''), { maxLength: 1 }),
        fc.boolean(),
        async (rules, parts, more, isRead) => {
          const facts = mail(parts)
          const made = policy(rules('r'))
          if (mightMatchAnyRule(made, cheapLook(facts, more, isRead))) return
          passed++
          for (const { action, observed } of await decideNow(made, facts)) {
            assert.deepEqual([action, observed], ['accept', []])
          }
        },
      ),
      { numRuns: RUNS },
    )
    assert(passed > RUNS / 20, 'hardly any mail was passed over: the property proves little')
  })

  const concerns = (rules: string, more: string[] = []) =>
    mightMatchAnyRule(policy(rules), cheapLook(mail({ sizeBytes: 5000 }), more))

  it('is false where the envelope or no candidate can make a rule hold', () => {
    assert(!concerns(''))
    assert(!concerns('[r]\naction = accept'))
    assert(!concerns('[r]\nsize = > 1mb\naction = drop'))
    assert(!concerns('[r]\nrecipient = @other.example\nsubject = *\naction = drop'))
    assert(!concerns('[r]\nnot.sender = @.origin.example\naction = drop'))
    assert(!concerns('[r]\nnot.recipient = @example.com\naction = drop'))
  })

  it('is true where what is not known yet may make a rule hold', () => {
    assert(concerns('[r]\naction = accept\nmode = observe'))
    assert(concerns('[r]\nsubject = x\naction = drop'))
    assert(concerns('[r]\nnot.subject = *\naction = drop'))
    assert(concerns('[r]\nverdict.spam = fail\naction = drop'))
    assert(concerns('[r]\nrecipient = @other.example\naction = drop', ['x@other.example']))
    assert(concerns('[r]\nnot.sender = @.origin.example\naction = drop', ['x@other.example']))
  })

  it('is false where the header, the receipt or a result makes no rule hold', () => {
    const asked = (rules: string, parts: MailParts) =>
      mightMatchAnyRule(policy(rules), cheapLook(mail(parts), [], true))
    const headers = { subject: ['Hello'], 'x-a': ['1', '2'] }
    assert(!asked('[r]\nsubject = x\naction = drop', { headers }))
    assert(asked('[r]\nsubject = hello\naction = drop', { headers }))
    assert(!asked('[r]\nnot.subject = *\naction = drop', { headers }))
    assert(asked('[r]\nnot.header.x-b = *\naction = drop', { headers }))
    assert(!asked('[r]\nnot.header.x-a = 1\naction = drop', { headers }))
    assert(asked('[r]\nnot.header.x-a = 3\naction = drop', { headers }))
    assert(!asked('[r]\nverdict.spam = fail\naction = drop', {}))
    assert(!asked('[r]\nresult.p.score = > 5\naction = drop', { results: { 'p.score': [3] } }))
    assert(!asked('[r]\nbody = x\nsubject = x\naction = drop', { headers }))
    assert(asked('[r]\nbody = x\nsubject = hello\naction = drop', { headers }))
  })

  it('is true where a header field only looks like the pattern', () => {
    const facts = mail({ headers: { subject: ['your іnvoісe'] } })
    for (const line of ['subject = *invoice*', 'subject = /invoice/', 'header.subject = "your invoice"'])
      assert(mightMatchAnyRule(policy(`[r]\n${line}\naction = drop`), cheapLook(facts, [], true)), line)
  })

  it('is true where a rule asks for the age of the mail, as the queue may have another time', () => {
    const made = policy('[r]\nage = > 20h\naction = drop')
    assert(mightMatchAnyRule(made, cheapLook(mail(), [], true)))
  })

  it('is true where the header was cut, as the rest may match', () => {
    const facts = mail({ headers: { subject: ['Hello'] }, cut: ['subject'] })
    const made = policy('[r]\nsubject = x\naction = drop')
    assert(mightMatchAnyRule(made, cheapLook(facts, [], true)))
  })

  it('gives up if there is too much to match, and counts that as yes', () => {
    const rules = Array.from({ length: 500 }, (_, i) => `[r${i}]\nsender = *a*a*a*?b${i}@*.?x\naction = drop`)
    const made = policy(rules.join('\n'))
    const address = (i: number) => `${'a'.repeat(900)}${i}@${'b.'.repeat(30)}x`
    const many = {
      ...cheapLook(mail()),
      trace: () => ({
        forCandidates: [],
        returnPathCandidates: Array.from({ length: 100 }, (_, i) => address(i)),
      }),
    }
    assert(
      !mightMatchAnyRule(
        made,
        cheapLook(mail()),
        glance(() => 0),
      ),
    )
    const tookMs = cpuMs(100, () => assert(mightMatchAnyRule(made, many)))
    assert(tookMs < 100, `${tookMs} ms`)
  })

  it('takes well under a millisecond for 1,000 rules of addresses', () => {
    const rules = Array.from(
      { length: 1000 },
      (_, i) => `[r${i}]\nrecipient = user${i}@other.example, @h${i}.example\naction = drop`,
    )
    const made = policy(rules.join('\n'))
    const cheap = cheapLook(mail())
    const tookMs = cpuMs(500, () => {
      for (let i = 0; i < 500; i++) assert(!mightMatchAnyRule(made, cheap))
    })
    assert(tookMs < 500, `${tookMs} ms for 500 mails`)
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { mayBounce } from '../../src/policy/may-bounce'
import { propertyRuns } from '../property-runs'
import { decideNow, mail, policy, refusal } from './support'

const RUNS = propertyRuns(300)
const UNKNOWN = 'rcpt-ldap rcpt 550 5.1.1 No such user'

function may(
  rules: string,
  refused = UNKNOWN,
  given: { recipient?: string | undefined; sender?: string } = {},
) {
  return mayBounce(policy(rules), {
    sender: 'joe@origin.example',
    recipient: 'nobody@example.com',
    relayIp: '192.0.2.1',
    ...given,
    refusal: refusal(refused),
  })
}

describe('mayBounce', () => {
  it('is true where a rule may make something else of the refusal', () => {
    assert.ok(may('[r]\nrefused.by = rcpt-ldap\naction = bounce'))
    assert.ok(may('[r]\nrefused.stage = rcpt\nsubject = x\naction = quarantine'))
    assert.ok(may('[r]\nrefused.by = rcpt-ldap\nrecipient = other@example.com\naction = drop'))
    assert.ok(may('[r]\nrefused.code = 550\nnot.envelope.recipient = other@example.com\naction = defer'))
    assert.ok(may('[r]\nrefused.by = rcpt-ldap\nenvelope.sender = @origin.example\naction = bounce'))
  })

  it('is false where what is known rules out every rule', () => {
    assert.ok(!may(''))
    assert.ok(!may('[r]\nsubject = x\naction = bounce'))
    assert.ok(!may('[r]\nrefused.by = clamd\naction = bounce'))
    assert.ok(!may('[r]\nrefused.by = rcpt-ldap\nenvelope.recipient = other@example.com\naction = bounce'))
    assert.ok(!may('[r]\nrefused.by = rcpt-ldap\nnot.relay.ip = 192.0.2.0/24\naction = bounce'))
    assert.ok(!may('[r]\nrefused.by = rcpt-ldap\naction = bounce\nmode = observe'))
  })

  it('is false where a rule that rejects is certain to hold', () => {
    const below = '[b]\nrefused.by = *\naction = bounce'
    assert.ok(!may(`[r]\nrefused.by = rcpt-ldap\naction = reject\n${below}`))
    assert.ok(may(`[r]\nrefused.by = rcpt-ldap\nsubject = x\naction = reject\n${below}`))
    assert.ok(may(`[r]\nrefused.by = rcpt-ldap\naction = reject\nmode = observe\n${below}`))
  })

  it('is false for refusals that always stand, and for a plugin that must be named', () => {
    const all = '[all]\nrefused.by = *\naction = bounce'
    assert.ok(!may(all, 'limit rcpt 550 5.7.1 No'))
    assert.ok(!may(all, 'x rcpt 450 4.7.1 Later'))
    assert.ok(!may(all, 'x rcpt 550 5.7.1 Relaying denied'))
    assert.ok(!may(all, 'nobody rcpt 550 5.1.1 No'))
    assert.ok(may('[n]\nrefused.by = nobody\naction = bounce', 'nobody rcpt 550 5.1.1 No'))
  })

  it('knows no recipient at MAIL', () => {
    const rule = '[r]\nrefused.stage = mail\nenvelope.recipient = a@example.com\naction = bounce'
    assert.ok(may(rule, 'access mail 550 5.7.1 No', { recipient: undefined }))
    assert.ok(!may(rule, 'access mail 550 5.7.1 No', { recipient: 'b@example.com' }))
  })

  it('is true for every refusal of which a rule makes something else', async () => {
    const list = (...values: string[]) => fc.subarray(values, { minLength: 1 }).map(some => some.join(', '))
    const condition = fc.oneof(
      fc.tuple(
        fc.constantFrom('refused.by', 'not.refused.by'),
        list('rcpt-ldap', 'nobody', '*', 'x*', '/l/'),
      ),
      fc.tuple(fc.constantFrom('refused.stage', 'not.refused.stage'), list('rcpt', 'data')),
      fc.tuple(fc.constant('refused.code'), list('550', '55*', '552')),
      fc.tuple(fc.constantFrom('refused.reply', 'not.refused.reply'), list('*user*', 'No', '/^no/')),
      fc.tuple(
        fc.constantFrom('recipient', 'envelope.recipient', 'not.envelope.recipient', 'sender'),
        list('nobody@example.com', '@origin.example', '@other.example'),
      ),
      fc.tuple(fc.constant('size'), fc.constantFrom('> 1', '< 1')),
    )
    const rule = fc.record({
      conditions: fc.uniqueArray(condition, { minLength: 1, maxLength: 3, selector: ([key]) => key }),
      action: fc.constantFrom('bounce', 'reject', 'quarantine', 'drop'),
      mode: fc.constantFrom('enforce', 'enforce', 'observe'),
    })
    const refusals = fc.constantFrom(UNKNOWN, 'nobody rcpt 550 5.1.1 No', 'x rcpt 552 5.2.2 No user')
    let turned = 0
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { maxLength: 4 }), refusals, async (rules, refused) => {
        const text = rules.map(({ conditions, action, mode }, index) =>
          [
            `[r${index}]`,
            'refused.status = 5.*',
            ...conditions.map(([key, value]) => `${key} = ${value}`),
            `action = ${action}`,
            `mode = ${mode}`,
          ].join('\n'),
        )
        const made = text.join('\n')
        const [decision] = await decideNow(policy(made), mail({ refused: [refused] }))
        if (decision?.action === 'reject') return
        turned++
        assert.ok(may(made, refused), made)
      }),
      { numRuns: RUNS },
    )
    assert.ok(turned > RUNS / 10, `${turned} of ${RUNS}`)
  })
})

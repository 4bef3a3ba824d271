import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type CommitPlan, planFor, replyText } from '../../src/app/plan'
import { ACTIONS, type Action, type Decision } from '../../src/policy/decision'
import { request } from '../queue/support'

/** One recipient's decision; a bounce comes with its request. */
function decision(action: Action, more: Partial<Decision> = {}): Decision {
  const address = `${action}@yours.example`
  return {
    recipient: { envelope: { address, notifyNever: false }, address, source: 'for' },
    rule: 'a-rule',
    wanted: action,
    action,
    deliver: false,
    observed: [],
    ...(action === 'bounce' && { bounce: request({ recipient: { address } }) }),
    ...more,
  }
}

interface Fate {
  delivered: boolean
  bounced: boolean
  held: boolean
}

/** The fate of a recipient in an accepted mail. */
function fateOf({ action, deliver }: Decision): Fate {
  return {
    delivered: action === 'accept' || (action === 'bounce' && deliver),
    bounced: action === 'bounce',
    held: action === 'quarantine' || action === 'reject',
  }
}

function commit(...decisions: Decision[]): CommitPlan {
  const plan = planFor(decisions)
  assert.ok(plan.kind === 'commit')
  return plan
}

describe('planFor', () => {
  it('passes a mail unchanged when every recipient is accepted', () => {
    assert.deepEqual(planFor([decision('accept'), decision('accept')]), { kind: 'pass' })
  })

  it('refuses the whole mail temporarily when one recipient is deferred, with that reply', () => {
    const reply = { status: '4.2.2', text: 'Mailbox full' }
    for (const action of ACTIONS) {
      assert.deepEqual(planFor([decision(action), decision('defer', { reply })]), {
        kind: 'refuse',
        temporary: true,
        reply: action === 'defer' ? { status: '4.7.1', text: 'Try again later' } : reply,
      })
    }
  })

  it('refuses permanently when every recipient is rejected, with the reply of the first', () => {
    const reply = { status: '5.1.1', text: 'No such mailbox' }
    const other = { status: '5.2.2', text: 'Mailbox full' }
    assert.deepEqual(planFor([decision('reject', { reply }), decision('reject', { reply: other })]), {
      kind: 'refuse',
      temporary: false,
      reply,
    })
    assert.deepEqual(planFor([decision('reject')]), {
      kind: 'refuse',
      temporary: false,
      reply: { status: '5.7.1', text: 'Refused by policy' },
    })
  })

  it('quarantines a rejected recipient when others are not rejected, with a warning', () => {
    const rejected = decision('reject')
    for (const other of [decision('accept'), decision('bounce'), decision('drop'), decision('quarantine')]) {
      const plan = commit(other, rejected)
      assert.deepEqual(plan.swallowedRejects, [rejected])
      assert.ok(plan.consumed.includes(rejected))
      assert.equal(
        plan.held.find(held => held.decision === rejected)?.reason,
        'rejected, while other recipients were not; the sender was not told',
      )
    }
  })

  it('records the reason for each quarantined recipient', () => {
    const fallback = { reason: 'unsafe', detail: 'null sender' } as const
    const plan = commit(
      decision('quarantine'),
      decision('quarantine', { wanted: 'bounce', fallback }),
      decision('reject', { wanted: 'bounce', fallback: { reason: 'expired', detail: 'too old' } }),
    )
    assert.deepEqual(
      plan.held.map(({ reason }) => reason),
      ['by the rule', 'unsafe: null sender', 'expired: too old'],
    )
  })

  it('bounces without delivering, unless the rule says deliver', () => {
    const plain = decision('bounce')
    const delivered = decision('bounce', { deliver: true })
    const plan = commit(plain, delivered)
    assert.deepEqual(
      plan.bounces.map(({ request }) => request),
      [plain.bounce, delivered.bounce],
    )
    assert.deepEqual(plan.consumed, [plain])
  })

  it('delivers no refused recipient and loses none, for every combination of decisions', () => {
    const anyDecision = fc
      .record({ action: fc.constantFrom(...ACTIONS), deliver: fc.boolean() })
      .map(({ action, deliver }) => decision(action, { deliver }))
    fc.assert(
      fc.property(fc.array(anyDecision, { minLength: 1, maxLength: 6 }), decisions => {
        const plan = planFor(decisions)
        if (plan.kind === 'pass') assert.ok(decisions.every(({ action }) => action === 'accept'))
        if (plan.kind !== 'commit') return
        for (const one of decisions) {
          const fate: Fate = {
            delivered: !plan.consumed.includes(one),
            bounced: plan.bounces.some(({ decision }) => decision === one),
            held: plan.held.some(held => held.decision === one),
          }
          assert.deepEqual(fate, fateOf(one))
        }
      }),
    )
  })
})

describe('replyText', () => {
  it('is the enhanced status and the text', () => {
    assert.equal(replyText({ status: '5.1.1', text: 'No such mailbox' }), '5.1.1 No such mailbox')
  })
})

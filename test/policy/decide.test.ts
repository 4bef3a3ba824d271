import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Decision } from '../../src/policy/decision'
import { fallBack } from '../../src/policy/fallback'
import { MAILS, RULES } from './arbitraries'
import {
  decideNow,
  HOUR_MS,
  type MailParts,
  mail,
  NOW_MS,
  type PolicyParts,
  policy,
  SETTINGS,
} from './support'

async function decided(
  rules: string,
  parts: MailParts = {},
  policyParts: PolicyParts = {},
): Promise<Decision> {
  const [decision] = await decideNow(policy(rules, policyParts), mail(parts))
  assert(decision)
  return decision
}

const bounceRule = (...lines: string[]): string => ['[r]', 'action = bounce', ...lines].join('\n')

describe('decide', () => {
  it('accepts what no rule holds for', async () => {
    const { rule, action, wanted } = await decided('[r]\nsender = <>\naction = drop')
    assert.deepEqual([rule, action, wanted], [undefined, 'accept', 'accept'])
  })

  it('uses the first rule whose conditions all hold, for each recipient', async () => {
    const rules = policy(
      '[both]\nrecipient = a@example.com\nsize = > 1mb\naction = drop\n' +
        '[one]\nrecipient = a@example.com\naction = quarantine\n[rest]\nnot.recipient = c@example.com\naction = drop',
    )
    const facts = mail({ recipients: ['a@example.com', 'b@example.com', 'c@example.com'] })
    assert.deepEqual(
      (await decideNow(rules, facts)).map(({ rule, action }) => [rule, action]),
      [
        ['one', 'quarantine'],
        ['rest', 'drop'],
        [undefined, 'accept'],
      ],
    )
  })

  it('notes rules in mode observe and goes on below them', async () => {
    const { rule, observed } = await decided(
      '[a]\naction = bounce\nmode = observe\n[b]\nsender = <>\naction = drop\nmode = observe\n[c]\naction = quarantine\n[d]\naction = drop\nmode = observe',
    )
    assert.equal(rule, 'c')
    assert.deepEqual(observed, [{ rule: 'a', action: 'bounce' }])
  })

  it('reads each kind of condition', async () => {
    const parts: MailParts = {
      envelopeSender: 'relay@forward.example',
      envelopeRecipients: ['mapped@inner.example'],
      headers: { subject: ['Große Sache'], 'x-loop': [''] },
      addresses: { from: ['a@x.example', 'b@y.example'], cc: ['c@z.example'] },
    }
    const holding = [
      'recipient = nobody@example.com',
      'sender = @origin.example',
      'envelope.sender = @forward.example',
      'envelope.recipient = mapped@inner.example',
      'from = @y.example',
      'not.from = @z.example',
      'cc = c@z.example',
      'not.to = *@*',
      'subject = große*',
      'header.X-Loop = *',
      'not.header.X-None = *',
      'client.ip = 198.51.100.0/24',
      'client.helo = mx.*',
      'client.name = mx.origin.example',
      'relay.ip = 192.0.2.1',
      'region = EU-*',
      'verdict.spam = pass',
      'size = 5000',
      'age = 59m..61m',
      'recipients = 1',
    ]
    for (const line of holding)
      assert.equal((await decided(`[r]\n${line}\naction = drop`, parts)).rule, 'r', line)
  })

  it('without a receipt has no age, region and client, and the verdict none', async () => {
    const lines = ['not.age = >= 0s', 'not.region = *', 'not.client.ip = 0.0.0.0/0', 'verdict.spf = none']
    for (const line of lines) {
      assert.equal((await decided(`[r]\n${line}\naction = drop`, { receipt: null })).rule, 'r', line)
    }
  })

  it('is the one of the rules above where they decide, and else the one of the rules below, as if they stood alone', async () => {
    let [above, below, neither] = [0, 0, 0]
    await fc.assert(
      fc.asyncProperty(RULES, RULES, MAILS, async (upper, lower, parts) => {
        const facts = mail(parts)
        const decisions = (text: string) => decideNow(policy(text), facts)
        const [ofUpper, ofLower] = [await decisions(upper('a')), await decisions(lower('b'))]
        const together = await decisions(`${upper('a')}\n${lower('b')}`)
        assert.equal(together.length, ofUpper.length)
        for (const [index, decision] of together.entries()) {
          const [first, second] = [ofUpper[index], ofLower[index]]
          assert.ok(first && second)
          const observed = [...first.observed, ...second.observed]
          assert.deepEqual(decision, first.rule === undefined ? { ...second, observed } : first)
          if (first.rule !== undefined) above++
          else if (second.rule !== undefined) below++
          else neither++
        }
      }),
      { numRuns: 500 },
    )
    assert.ok(Math.min(above, below, neither) > 20, `${above} above, ${below} below, ${neither} neither`)
  })
})

describe('a bounce', () => {
  it('says what SES needs, with the standard words of its type', async () => {
    const { action, wanted, reply, bounce } = await decided(bounceRule('bounce.type = doesnotexist'))
    assert.deepEqual([action, wanted, reply], ['bounce', 'bounce', undefined])
    assert.deepEqual(bounce, {
      sesId: '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1',
      region: 'eu-west-1',
      receivedAtMs: NOW_MS - HOUR_MS,
      deadlineMs: NOW_MS + 23 * HOUR_MS,
      sender: 'joe@origin.example',
      senderKey: 'joe@origin.example',
      bounceSender: 'mailer-daemon@example.com',
      caps: [],
      reportingMta: 'dns; mx.example.com',
      rule: 'r',
      recipient: {
        address: 'nobody@example.com',
        bounceType: 'DoesNotExist',
        status: '5.1.1',
        diagnostic: 'smtp; 550 5.1.1 No such mailbox',
      },
    })
  })

  it('uses type Undefined, and the words of the rule', async () => {
    const { bounce } = await decided(
      bounceRule(
        'bounce.status = 5.7.1',
        'bounce.text = No, "never" {recipient}; sorry ; note',
        'bounce.sender = r@bounces.{recipient.domain}',
      ),
    )
    assert.equal(bounce?.explanation, 'No, "never" nobody@example.com; sorry')
    assert.equal(bounce?.bounceSender, 'r@bounces.example.com')
    assert.deepEqual(bounce?.recipient, {
      address: 'nobody@example.com',
      bounceType: 'Undefined',
      status: '5.7.1',
      diagnostic: 'smtp; 554 5.7.1 No, "never" nobody@example.com; sorry',
    })
  })

  it('gives a diagnostic its type, and a code that goes with the status', async () => {
    const diagnostic = async (...lines: string[]) =>
      (await decided(bounceRule(...lines))).bounce?.recipient.diagnostic
    assert.equal(
      await diagnostic('bounce.diagnostic = 550 5.1.1 {recipient}'),
      'smtp; 550 5.1.1 nobody@example.com',
    )
    assert.equal(await diagnostic('bounce.diagnostic = X-Ours; full'), 'X-Ours; full')
    assert.equal(await diagnostic('bounce.status = 4.2.2'), 'smtp; 450 4.2.2 Refused by policy')
    assert.equal(
      await diagnostic('bounce.type = TemporaryFailure', 'bounce.status = 5.2.2'),
      'smtp; 550 5.2.2 Temporary failure',
    )
  })

  it('has no explanation where nothing was filled in', async () => {
    assert.equal((await decided(bounceRule('bounce.text = {attachment}'))).bounce?.explanation, undefined)
  })

  it('counts the window from now where the receipt lies in the future', async () => {
    const { bounce } = await decided(bounceRule(), { receipt: { receivedAtMs: NOW_MS + HOUR_MS } })
    assert.equal(bounce?.deadlineMs, NOW_MS + 24 * HOUR_MS)
  })

  it('delivers all the same where the rule says so', async () => {
    assert.equal((await decided(bounceRule('deliver = true'))).deliver, true)
    const fallen = await decided(bounceRule('deliver = true'), { sender: '' })
    assert.deepEqual([fallen.action, fallen.deliver], ['accept', false])
    assert.equal(
      (await decided(bounceRule('deliver = true', 'fallback = quarantine'), { sender: '' })).action,
      'quarantine',
    )
  })
})

describe('a bounce that can not be made', () => {
  it('falls back for the first reason that there is', async () => {
    const spam = { verdicts: { spam: 'fail', virus: 'none', spf: 'none', dkim: 'none', dmarc: 'none' } }
    const old = { receivedAtMs: NOW_MS - 24 * HOUR_MS + 59_000 }
    const settings = { ses: { ...SETTINGS.ses, regions: ['eu-west-1'] } }
    const reasons: [MailParts, Decision['fallback']][] = [
      [
        { receipt: null, source: 'mismatch' },
        { reason: 'no_receipt', detail: 'no Received field of SES' },
      ],
      [
        { receipt: { region: 'us-east-1', ...old } },
        { reason: 'no_receipt', detail: 'region us-east-1 is not in use' },
      ],
      [
        { receipt: { ...spam, ...old }, source: 'mismatch' },
        { reason: 'mismatch', detail: 'recipient not known to SES' },
      ],
      [{ receipt: { ...spam, ...old } }, { reason: 'unsafe', detail: 'spam' }],
      [{ receipt: old }, { reason: 'expired', detail: 'later than 24h after its receipt' }],
      [{ receipt: { receivedAtMs: NOW_MS - 24 * HOUR_MS + 60_000 } }, undefined],
    ]
    for (const [parts, fallback] of reasons) {
      assert.deepEqual((await decided(bounceRule(), parts, { settings })).fallback, fallback)
    }
    const facts = mail()
    assert(facts.receipt)
    delete facts.receipt.returnPath
    const [decision] = await decideNow(policy(bounceRule()), facts)
    assert.deepEqual(decision?.fallback, { reason: 'no_receipt', detail: 'no Return-Path of SES' })
  })

  it('answers with the status and text of the rule, and the reason', async () => {
    const rules = bounceRule('bounce.type = DoesNotExist', 'fallback = reject')
    const decision = await decided(rules, { sender: '' })
    assert.deepEqual([decision.wanted, decision.action, decision.bounce], ['bounce', 'reject', undefined])
    assert.deepEqual(decision.reply, { status: '5.1.1', text: 'No such mailbox (not bounced: null sender)' })
    assert.deepEqual((await decided(`${rules}\nbounce.text = Gone`, { sender: '' })).reply, {
      status: '5.1.1',
      text: 'Gone (not bounced: null sender)',
    })
  })

  it('answers with the status of the reason where that says more, in the class of the answer', async () => {
    const old = { receipt: { receivedAtMs: NOW_MS - 25 * HOUR_MS } }
    assert.equal((await decided(bounceRule(), old)).reply?.status, '5.4.7')
    assert.equal((await decided(bounceRule('fallback = defer'), old)).reply?.status, '4.4.7')
    assert.equal((await decided(bounceRule('fallback = defer'), { sender: '' })).reply?.status, '4.0.0')
    assert.equal(
      (await decided(bounceRule('bounce.status = 4.2.2', 'fallback = reject'), { sender: '' })).reply?.status,
      '5.2.2',
    )
  })

  it('has no reply where it is not refused', async () => {
    const decision = await decided(bounceRule(), { sender: '' })
    assert.deepEqual([decision.action, decision.reply], ['quarantine', undefined])
  })

  it('follows the guards of the rule', async () => {
    const parts: MailParts = { headers: { 'list-id': ['x'] }, recipients: ['postmaster@example.com'] }
    assert.equal((await decided(bounceRule(), parts)).fallback?.detail, 'role address')
    assert.equal((await decided(bounceRule('guard.list_mail = true'), parts)).fallback?.detail, 'list mail')
    assert.equal((await decided(bounceRule('guard.role_addresses ='), parts)).action, 'bounce')
    assert.equal((await decided(bounceRule('recipient = Postmaster@example.com'), parts)).action, 'bounce')
    const labelled = { ...parts, recipients: ['postmaster+x@example.com'] }
    assert.equal((await decided(bounceRule(), labelled)).fallback?.detail, 'role address')
    assert.equal((await decided(bounceRule('recipient = postmaster@example.com'), labelled)).action, 'bounce')
    const mapped = { ...parts, envelopeRecipients: ['mapped@inner.example'] }
    assert.equal((await decided(bounceRule('recipient = postmaster@example.com'), mapped)).action, 'bounce')
    assert.equal(
      (await decided(bounceRule('envelope.recipient = mapped@inner.example'), mapped)).action,
      'bounce',
    )
    const lists = { l: 'postmaster@example.com' }
    assert.equal(
      (await decided(bounceRule('recipient = file:l'), parts, { lists })).fallback?.detail,
      'role address',
    )
  })

  it('is made for no sender of bounces, of whichever rule, even where the rule names it', async () => {
    const detail = async (recipient: string, ...lines: string[]) => {
      const rules = bounceRule(`recipient = ${recipient}`, 'guard.role_addresses =', ...lines)
      return (await decided(rules, { recipients: [recipient] })).fallback?.detail
    }
    const other = [
      '[other]',
      'recipient = x@example.com',
      'action = bounce',
      'bounce.sender = bounces@example.com',
    ]
    assert.equal(await detail('mailer-daemon@example.com'), 'bounce sender')
    assert.equal(await detail('mailer-daemon@example.com', 'bounce.sender = b@example.com'), 'bounce sender')
    assert.equal(await detail('bounces@example.com', ...other), 'bounce sender')
    assert.equal(await detail('bounces@example.com'), undefined)
    assert.equal(await detail('joe@example.com', 'bounce.sender = {recipient}'), undefined)
  })

  it('is made for no bounce sender that is not an address', async () => {
    const detail = 'no usable bounce sender'
    const rules = bounceRule('guard.authentication = none', 'bounce.sender = x@{recipient.domain}')
    assert.deepEqual((await decided(rules, { recipients: ['a@[192.0.2.1]'] })).fallback, {
      reason: 'unsafe',
      detail,
    })
    const long = `a@${'a.'.repeat(126)}example`
    assert.deepEqual((await decided(rules, { recipients: [long] })).fallback, { reason: 'unsafe', detail })
  })
})

describe('a bounce whose header mailparser reads in another way', () => {
  const rules = (action: string) => policy(`[r]\nrecipient = @example.com\naction = ${action}`)
  const differing = (asked: string[] = []) => {
    const facts = mail({ recipients: ['a@example.com', 'b@example.com'] })
    facts.confirm = async names => {
      asked.push(...names)
      return { difference: 'From' }
    }
    return facts
  }

  it('is not made, and the log says so once', async () => {
    const asked: string[] = []
    const facts = differing(asked)
    const decisions = await decideNow(rules('bounce'), facts)
    for (const { action, fallback } of decisions) {
      assert.equal(action, 'reject')
      assert.deepEqual(fallback, {
        reason: 'no_receipt',
        detail: 'the header can be read in two ways: From',
      })
    }
    assert.deepEqual(facts.warnings, ['no bounce, as the header can be read in two ways: From'])
    for (const name of ['precedence', 'auto-submitted', 'content-type', 'list-id'])
      assert(asked.includes(name), name)
  })

  it('is made from what mailparser reads where it agrees in all that matters', async () => {
    const facts = mail()
    facts.confirm = async () => ({ facts: { ...mail(), sender: 'joe@origin.example' } })
    const [decision] = await decideNow(rules('bounce'), facts)
    assert.equal(decision?.bounce?.sender, 'joe@origin.example')
  })

  it('has no counterpart for other actions, for which mailparser is not asked', async () => {
    for (const action of ['accept', 'reject', 'quarantine', 'drop', 'defer']) {
      const asked: string[] = []
      const [decision] = await decideNow(rules(action), differing(asked))
      assert.equal(decision?.action, action)
      assert.deepEqual(asked, [])
    }
  })
})

describe('fallBack', () => {
  it('turns a decided bounce into what the queue could not do', async () => {
    const rules = policy(bounceRule('bounce.type = ExceededQuota', 'bounce.text = Full'))
    const [decision] = await decideNow(rules, mail())
    assert(decision)
    const overload = fallBack(rules, decision, 'overload', 'could not start\r\nin time')
    assert.deepEqual(
      [overload.action, overload.wanted, overload.rule, overload.bounce],
      ['reject', 'bounce', 'r', undefined],
    )
    assert.deepEqual(overload.fallback, { reason: 'overload', detail: 'could not start in time' })
    assert.deepEqual(overload.reply, { status: '5.4.5', text: 'Full (not bounced: could not start in time)' })
    assert.equal(fallBack(rules, decision, 'ended', 'its bounce failed').reply?.status, '5.2.2')
    assert.equal(fallBack(rules, decision, 'capped', 'x').action, 'quarantine')
  })

  it('keeps the reason in a reply of any length', async () => {
    const rules = policy(bounceRule(`bounce.text = ${'x'.repeat(500)}`))
    const [decision] = await decideNow(rules, mail())
    assert(decision)
    const text = fallBack(rules, decision, 'ended', 'y'.repeat(1000)).reply?.text ?? ''
    assert.equal(text.length, 400)
    assert(text.endsWith('y)'))
  })
})

describe('reject and defer', () => {
  it('have standard replies', async () => {
    assert.deepEqual((await decided('[r]\naction = reject')).reply, {
      status: '5.7.1',
      text: 'Refused by policy',
    })
    assert.deepEqual((await decided('[r]\naction = defer')).reply, {
      status: '4.7.1',
      text: 'Refused for now by policy',
    })
  })

  it('use status and text of the rule, in the class that fits', async () => {
    const reply = async (action: string, text: string) =>
      (await decided(`[r]\naction = ${action}\nreply = ${text}`)).reply
    assert.deepEqual(await reply('reject', '5.1.1 No such user {recipient}'), {
      status: '5.1.1',
      text: 'No such user nobody@example.com',
    })
    assert.deepEqual(await reply('defer', '5.1.1 No such user'), { status: '4.1.1', text: 'No such user' })
    assert.deepEqual(await reply('reject', '4.2.0'), { status: '5.2.0', text: 'Refused by policy' })
    assert.deepEqual(await reply('reject', '{attachment}'), { status: '5.7.1', text: 'Refused by policy' })
    assert.deepEqual(await reply('reject', '550 5.1.1 No'), { status: '5.1.1', text: 'No' })
    assert.deepEqual(await reply('reject', '5.1.1.2 x'), { status: '5.7.1', text: '5.1.1.2 x' })
  })

  it('give one line of printable ASCII, whatever the mail holds', async () => {
    const rules = policy('[r]\naction = reject\nreply = {subject} {recipient} {sender}')
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        async (subject, address) => {
          const facts = mail({ headers: { subject: [subject] }, recipients: [address], sender: address })
          assert.match((await decideNow(rules, facts))[0]?.reply?.text ?? '', /^[ -~]{1,400}$/)
        },
      ),
    )
  })
})

describe('decisions for hostile mail', () => {
  it('never throw, and never bounce without all that SES asks for', async () => {
    const anything = fc.string({ unit: 'binary' })
    const rules = policy(
      bounceRule('guard.authentication = none', 'bounce.text = {subject}{sender}{recipient}'),
    )
    await fc.assert(
      fc.asyncProperty(anything, anything, anything, async (sender, recipient, subject) => {
        const facts = mail({
          sender,
          recipients: [recipient],
          headers: { subject: [subject], 'auto-submitted': [subject] },
        })
        for (const { bounce, action } of await decideNow(rules, facts)) {
          assert.equal(action === 'bounce', bounce !== undefined)
          assert.match(bounce?.bounceSender ?? 'a@b', /^[!-~]+@[!-~]+$/)
          assert.match(bounce?.explanation ?? '', /^[ -~]{0,500}$/)
          assert.match(bounce?.recipient.diagnostic ?? '', /^[ -~]{0,256}$/)
        }
      }),
    )
  })
})

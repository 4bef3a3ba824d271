import assert from 'node:assert/strict'
import type { Settings } from '../../src/config/settings'
import type { Decision } from '../../src/policy/decision'
import { fallBack } from '../../src/policy/fallback'
import { mightMatchAnyRule } from '../../src/policy/might-match'
import {
  decideNow,
  type MailParts,
  mail,
  NOW_MS,
  type PolicyParts,
  policy,
  refusal,
  SETTINGS,
} from './support'

const UNKNOWN = 'rcpt-ldap rcpt 550 5.1.1 No such user'
const CONTENT = 'attachment data 550 5.7.1 No programs'
const BOUNCE_ALL = '[all]\nrefused.by = *\naction = bounce'

async function decided(rules: string, parts: MailParts, more: PolicyParts = {}): Promise<Decision> {
  const [decision] = await decideNow(policy(rules, more), mail(parts))
  assert(decision)
  return decision
}

/** `bounce DoesNotExist 5.1.1 | smtp; 550 5.1.1 No such user` */
async function bounced(rules: string, refused: string, more?: PolicyParts): Promise<string> {
  const { action, bounce, fallback } = await decided(rules, { refused: [refused] }, more)
  if (bounce === undefined) return `${action} ${fallback?.reason ?? ''} ${fallback?.detail ?? ''}`.trim()
  const { bounceType, status, diagnostic } = bounce.recipient
  return `${action} ${bounceType} ${status} | ${diagnostic}`
}

describe('a rule about refusals', () => {
  it('decides about what was refused, and about nothing else', async () => {
    assert.equal((await decided(BOUNCE_ALL, { refused: [UNKNOWN] })).action, 'bounce')
    assert.equal((await decided(BOUNCE_ALL, {})).action, 'accept')
    assert.equal((await decided('[n]\nnot.refused.by = clamd\naction = bounce', {})).action, 'accept')
  })

  it('is the only kind that decides about what was refused', async () => {
    const rules = '[mine]\nrecipient = nobody@example.com\naction = accept\n[rest]\naction = quarantine'
    const { action, rule, refusal, reply } = await decided(rules, { refused: [UNKNOWN] })
    assert.deepEqual([action, rule], ['reject', undefined])
    assert.equal(refusal?.by, 'rcpt-ldap')
    assert.deepEqual(reply, { status: '5.1.1', text: 'No such user' })
  })

  it('holds by plugin, stage, code, status and words, with other conditions beside them', async () => {
    const holds = async (conditions: string) =>
      (await decided(`[r]\n${conditions}\naction = drop`, { refused: [UNKNOWN] })).action === 'drop'
    assert.ok(await holds('refused.by = RCPT-ldap\nrefused.stage = rcpt\nrefused.code = 550'))
    assert.ok(await holds('refused.status = 5.1.*\nrefused.reply = /no SUCH/\nsender = @origin.example'))
    assert.ok(await holds('not.refused.by = clamd'))
    assert.ok(!(await holds('refused.by = clamd')))
    assert.ok(!(await holds('refused.stage = data, queue')))
    assert.ok(!(await holds('refused.code = 552')))
    assert.ok(!(await holds('not.refused.status = 5.1.1')))
    assert.ok(!(await holds('refused.reply = no such')))
    assert.ok(!(await holds('refused.by = rcpt-ldap\nsender = @other.example')))
  })

  it('holds where it holds for one of several refusals, and that one fills in its texts', async () => {
    const rules = '[content]\nrefused.by = attachment\naction = bounce\nbounce.text = {plugin}: {reason}'
    const { bounce, refusal } = await decided(rules, { refused: [UNKNOWN, CONTENT] })
    assert.equal(bounce?.explanation, 'attachment: No programs')
    assert.equal(refusal?.by, 'attachment')
    const both = '[both]\nrefused.by = attachment\nrefused.stage = rcpt\naction = bounce'
    assert.equal((await decided(both, { refused: [UNKNOWN, CONTENT] })).action, 'reject')
  })

  it('is chosen by its place, and not by the order of the refusals', async () => {
    const rules = `[virus]\nrefused.by = clamd\naction = drop\n${BOUNCE_ALL}`
    const refused = ['attachment data 550 5.7.1 No', 'clamd data 550 5.7.1 Eicar FOUND']
    assert.equal((await decided(rules, { refused })).rule, 'virus')
  })

  it('never delivers, whatever its fallback is', async () => {
    const accepting: Settings = {
      ...SETTINGS,
      fallback: { ...SETTINGS.fallback, unsafe: 'accept', overload: 'accept' },
    }
    const more = { settings: accepting }
    const parts = { refused: [UNKNOWN], sender: '' }
    const { action, reply, deliver } = await decided(BOUNCE_ALL, parts, more)
    assert.deepEqual(
      [action, reply, deliver],
      ['reject', { status: '5.1.1', text: 'No such user (not bounced: null sender)' }, false],
    )
    const made = policy(BOUNCE_ALL, more)
    const [decision] = await decideNow(made, mail({ refused: [UNKNOWN] }))
    assert(decision?.bounce)
    const full = fallBack(made, decision, 'overload', 'too many')
    assert.deepEqual(
      [full.action, full.reply],
      ['reject', { status: '5.1.1', text: 'No such user (not bounced: too many)' }],
    )
  })

  it('rejects with the words of the refusal where it has none', async () => {
    const own = await decided('[r]\nrefused.by = *\naction = reject', { refused: [UNKNOWN] })
    assert.deepEqual([own.rule, own.reply], ['r', { status: '5.1.1', text: 'No such user' }])
    const other = await decided('[r]\nrefused.by = *\naction = reject\nreply = 5.7.1 {plugin} says {code}', {
      refused: [UNKNOWN],
    })
    assert.deepEqual(other.reply, { status: '5.7.1', text: 'rcpt-ldap says 550' })
  })

  it('leaves braces in the words of a refusal alone', async () => {
    const rules = `${BOUNCE_ALL}\nbounce.text = {reason}`
    const { bounce } = await decided(rules, { refused: ['x rcpt 550 5.1.1 {sender} {nothing}'] })
    assert.equal(bounce?.explanation, '{sender} {nothing}')
    assert.equal(bounce.recipient.diagnostic, 'smtp; 550 5.1.1 {sender} {nothing}')
  })

  it('in mode observe is noted, and the refusal stands', async () => {
    const { action, observed } = await decided(`${BOUNCE_ALL}\nmode = observe`, { refused: [UNKNOWN] })
    assert.deepEqual([action, observed], ['reject', [{ rule: 'all', action: 'bounce' }]])
  })

  it('means plugins that check the relay, and nobody, only by their names', async () => {
    for (const by of ['nobody', 'karma', 'spf', 'fcrdns', 'dns-list', 'helo.checks', 'bounce']) {
      const refused = [`${by} rcpt 550 5.7.1 No`]
      const rule = async (conditions: string) =>
        (await decided(`[r]\n${conditions}\naction = drop`, { refused })).rule
      assert.equal(await rule('refused.by = *'), undefined, by)
      assert.equal(await rule('refused.by = /./'), undefined, by)
      assert.equal(await rule('not.refused.by = clamd'), undefined, by)
      assert.equal(await rule('refused.stage = rcpt'), undefined, by)
      assert.equal(await rule(`refused.by = clamd, ${by}`), 'r', by)
      assert.equal(await rule(`refused.by = "${by}"\nrefused.stage = rcpt`), 'r', by)
    }
    const named = await decided(
      '[r]\nrefused.by = file:refusers\naction = drop',
      {
        refused: ['nobody rcpt 550 5.1.1 No'],
      },
      { lists: { refusers: 'nobody\n' } },
    )
    assert.equal(named.rule, 'r')
  })

  it('means a plugin that has noted an error only by its name', async () => {
    const facts = mail({ refused: [UNKNOWN] })
    const [envelope] = facts.envelope.recipients
    assert(envelope)
    envelope.refusals = [{ ...refusal(UNKNOWN), hasError: true }]
    const rule = async (conditions: string) =>
      (await decideNow(policy(`[r]\n${conditions}\naction = drop`), facts))[0]?.rule
    assert.equal(await rule('refused.by = *'), undefined)
    assert.equal(await rule('refused.stage = rcpt'), undefined)
    assert.equal(await rule('refused.by = rcpt-ldap'), 'r')
  })

  it('has the name under which Haraka loads a plugin', async () => {
    const { rule } = await decided('[r]\nrefused.by = rcpt_to.ldap\naction = drop', { refused: [UNKNOWN] })
    assert.equal(rule, 'r')
  })
})

describe('a bounce of what was refused', () => {
  it('has type, status and diagnostic by the refusal where the rule says nothing', async () => {
    for (const [refused, expected] of [
      [UNKNOWN, 'DoesNotExist 5.1.1 | smtp; 550 5.1.1 No such user'],
      ['access mail 550 5.7.1 Not you', 'Undefined 5.7.1 | smtp; 550 5.7.1 Not you'],
      [CONTENT, 'ContentRejected 5.7.1 | smtp; 550 5.7.1 No programs'],
      ['x rcpt 552 5.2.2 Full', 'ExceededQuota 5.2.2 | smtp; 552 5.2.2 Full'],
      ['x data 552 5.3.4 Big', 'MessageTooLarge 5.3.4 | smtp; 552 5.3.4 Big'],
      ['outbound delivery 450 4.4.7 Gave up', 'TemporaryFailure 4.4.7 | smtp; 450 4.4.7 Gave up'],
      ['x rcpt 550 5.1.1', 'DoesNotExist 5.1.1 | smtp; 550 5.1.1 No such mailbox'],
      ['x mail 553 5.7.1', 'Undefined 5.7.1 | smtp; 553 5.7.1 Refused by policy'],
    ] as const)
      assert.equal(await bounced(BOUNCE_ALL, refused), `bounce ${expected}`)
  })

  it('has what the rule says', async () => {
    const rules = `${BOUNCE_ALL}\nbounce.type = ContentRejected\nbounce.status = 5.6.0`
    assert.equal(await bounced(rules, UNKNOWN), 'bounce ContentRejected 5.6.0 | smtp; 550 5.1.1 No such user')
    assert.equal(
      await bounced(`${BOUNCE_ALL}\nbounce.diagnostic = {status} by {plugin}`, UNKNOWN),
      'bounce DoesNotExist 5.1.1 | smtp; 5.1.1 by rcpt-ldap',
    )
  })

  it('has all the words of a refusal', async () => {
    const long = 'x'.repeat(256)
    const { bounce } = await decided(`${BOUNCE_ALL}\nbounce.text = {reason}`, {
      refused: [`x rcpt 550 5.1.1 ${long}`],
    })
    assert.equal(bounce?.explanation, long)
    assert.equal(bounce.recipient.diagnostic.length, 256)
  })

  it("has none of the inner hosts' names that [refusals] hide has", async () => {
    const settings = { ...SETTINGS, refusals: { hidden: ['internal.example'] } }
    const refused = 'x queue 550 5.7.1 store1.internal.example[10.1.2.3] said no to {reason}'
    assert.equal(
      await bounced(BOUNCE_ALL, refused, { settings }),
      'bounce Undefined 5.7.1 | smtp; 550 5.7.1 [internal][internal] said no to {reason}',
    )
    const { reply } = await decided(
      '[r]\nrefused.by = *\naction = reject',
      { refused: [refused] },
      { settings },
    )
    assert.equal(reply?.text, 'store1.internal.example[10.1.2.3] said no to {reason}')
  })

  it('meets the guards virus and spam if a scanner or a spam filter refused', async () => {
    const virus = 'quarantine unsafe virus'
    const spam = 'quarantine unsafe spam'
    const refusals: [string, string][] = [
      ['clamd data 550 5.7.1 No', virus],
      ['messagesniffer data 550 5.7.1 No', virus],
      ['outbound delivery 554 5.7.1 Message infected with Eicar', virus],
      ['mine data 550 5.7.1 Eicar-Test FOUND', virus],
      ['queue/smtp_forward queue 550 5.7.0 This carries a Virus', virus],
      ['rspamd data 550 5.7.1 No', spam],
      ['uribl data 550 5.7.1 No', spam],
      ['outbound delivery 554 5.7.1 Spam message rejected', spam],
    ]
    for (const [refused, expected] of refusals) {
      assert.equal(await bounced(BOUNCE_ALL, refused), expected, refused)
      const lifted = `${BOUNCE_ALL}\nguard.virus = false\nguard.spam = false`
      assert.match(await bounced(lifted, refused), /^bounce /, refused)
    }
    assert.match(await bounced(BOUNCE_ALL, 'x rcpt 550 5.1.1 USER NOT FOUND'), /^bounce /)
    assert.match(await bounced(BOUNCE_ALL, 'x rcpt 550 5.1.1 User not found'), /^bounce /)
  })

  it('meets the guards by each refusal, and not only by the one for which its rule holds', async () => {
    const rules = '[content]\nrefused.by = attachment\naction = bounce'
    const { fallback } = await decided(rules, { refused: [CONTENT, 'clamd data 550 5.7.1 No'] })
    assert.equal(fallback?.detail, 'virus')
  })
})

describe('a refusal that always stands', () => {
  it('stands, whatever the rules say, and whatever was refused besides', async () => {
    for (const standing of [
      'relay rcpt 550 5.7.1 No',
      'x rcpt 450 4.7.1 Later',
      'x queue 530 5.7.0 Log in',
      'x queue 550 5.7.1 Unable to relay',
    ]) {
      const decision = await decided(BOUNCE_ALL, { refused: [UNKNOWN, standing] })
      assert.deepEqual([decision.action, decision.rule], ['reject', undefined], standing)
      assert.equal(decision.refusal?.by, standing.split(' ')[0])
    }
  })
})

describe('mail that nobody refused', () => {
  it('is not looked at for rules about refusals', () => {
    const many = Array.from(
      { length: 50 },
      (_, i) => `[r${i}]\nrefused.by = plugin${i}\nsubject = *\naction = bounce`,
    )
    const made = policy(many.join('\n'))
    const look = (parts: MailParts) =>
      mightMatchAnyRule(made, {
        envelope: mail(parts).envelope,
        nowMs: NOW_MS,
        trace: () => ({ forCandidates: [], returnPathCandidates: [] }),
      })
    assert.ok(!look({}))
    assert.ok(look({ refused: [UNKNOWN] }))
    assert.equal([...made.index.candidates(() => undefined)].length, 0)
  })

  it('is what a recipient beside a refused one is', async () => {
    const facts = mail({ recipients: ['a@example.com', 'b@example.com'], refused: [UNKNOWN] })
    delete facts.envelope.recipients[0]?.refusals
    const decisions = await decideNow(policy(BOUNCE_ALL), facts, NOW_MS)
    assert.deepEqual(
      decisions.map(({ action }) => action),
      ['accept', 'bounce'],
    )
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FIELDS } from '../../src/policy/fields'
import { SYNC_ONLY } from '../../src/policy/match-budget'
import { OUTCOME_KEYS } from '../../src/policy/outcome-keys'
import { matches } from '../../src/policy/patterns'
import { Subject } from '../../src/policy/subject'
import { compile, policy, SETTINGS, said } from './support'

const rule = (...lines: string[]): string => ['[r]', ...lines].join('\n')
const bounce = (...lines: string[]): string => rule('action = bounce', ...lines)

describe('compilePolicy', () => {
  it('makes rules of sections, in their order', () => {
    const { rules } = policy(
      '[partners]\nsender = @a.example\naction = accept\n[1]\nnot.size = > 1mb\naction = Drop\nmode = observe',
    )
    assert.deepEqual(
      rules.map(({ name, line, mode, outcome, conditions }) => [
        name,
        line,
        mode,
        outcome.action,
        conditions.map(({ key, negated, value }) => [key, negated, value]),
      ]),
      [
        ['partners', 1, 'enforce', 'accept', [['sender', false, '@a.example']]],
        ['1', 4, 'observe', 'drop', [['not.size', true, '> 1mb']]],
      ],
    )
  })

  it('accepts every example of a condition', () => {
    const lines = [
      'recipient = @example.com',
      'not.recipient = file:mailboxes',
      'sender = <>, /^bounces?[+-]/',
      'envelope.recipient = *@example.com',
      'envelope.sender = a@b.example',
      'from = @.a.example',
      'to = @b.example',
      'cc = @b.example',
      'reply-to = @b.example',
      'subject = "a, b", c*, /a, b; c/c',
      'header.X-Loop = *',
      'client.ip = 192.0.2.0/24, 2001:db8::/32',
      'relay.ip = 192.0.2.1',
      'client.helo = localhost',
      'client.name = *.example',
      'region = eu-west-1',
      'verdict.spam = fail, gray',
      'verdict.spf = not*',
      'size = > 10mb ; large',
      'age = 1h..5h',
      'recipients = <= 5',
      'action = accept',
    ]
    const { policy: made, diagnostics } = compile(rule(...lines), { lists: { mailboxes: 'a@example.com' } })
    assert.deepEqual(diagnostics, [])
    assert.equal(made.rules[0]?.conditions.length, lines.length - 1)
  })

  it('warns of \\b beside a letter that it does not know', () => {
    const warned = (pattern: string) =>
      said(`[r]\nbody = ${pattern}\naction = drop`).map(text => text.slice(0, text.indexOf(' in /')))
    for (const pattern of [String.raw`/\bÜberweisung\b/`, String.raw`/(?:Café)\b/`, String.raw`/\b(?:é|e)/`])
      assert.deepEqual(warned(pattern), [String.raw`rules.ini:2: [r] \b`], pattern)
    for (const pattern of [String.raw`/\bKonto\b/`, String.raw`/\\\bKonto über/`, String.raw`/\\bÜ/`, '*Ü*'])
      assert.deepEqual(said(`[r]\nbody = ${pattern}\naction = drop`), [], pattern)
  })

  it('knows a rule named main from lines above the first rule', () => {
    assert.deepEqual(said('[main]\nsender = <>\naction = drop'), [])
    assert.deepEqual(said('action = drop\n[a]\naction = drop'), [
      'rules.ini:1: [main] these lines belong to no rule; write a section name such as [unknown-mailbox] above them',
    ])
  })

  it('shows all errors at once, each at its line', () => {
    assert.deepEqual(
      said(
        [
          '[programs]',
          'attachement.name = *.exe',
          'not.recpient = @a.example',
          'actoin = bounce',
          '[second]',
          'recipient = foo, file:gone',
          'subject = "open',
          'cc =',
          'not.action = drop',
          'bounce.txt = x',
          'header. = x',
          'guard.replies = true',
        ].join('\n'),
      ),
      [
        'rules.ini:1: [programs] the rule has no action; valid are accept, bounce, reject, defer, quarantine, drop',
        'rules.ini:2: [programs] unknown condition "attachement.name"; did you mean "attachment.name"?',
        'rules.ini:3: [programs] unknown condition "not.recpient"; did you mean "not.recipient"?',
        'rules.ini:4: [programs] unknown condition "actoin"; did you mean "action"?',
        'rules.ini:5: [second] the rule has no action; valid are accept, bounce, reject, defer, quarantine, drop',
        `rules.ini:6: [second] "foo" isn't an address pattern; write user@host, @host, @.host (the host and its subdomains), or <> for the null sender`,
        `rules.ini:6: [second] there is no list "gone" in Haraka's config directory`,
        `rules.ini:7: [second] "subject" can't be read: the closing " is missing after "open`,
        'rules.ini:8: [second] "cc" needs a value',
        'rules.ini:9: [second] only conditions can be negated, not "action"',
        'rules.ini:10: [second] unknown outcome "bounce.txt"; did you mean "bounce.text"?',
        'rules.ini:11: [second] unknown condition "header."; it is written header.NAME',
        'rules.ini:12: [second] unknown outcome "guard.replies"; did you mean "guard.replied"?',
      ],
    )
  })

  it('reads a cap, and says what one looks like', () => {
    const [rule] = policy('[r]\naction = bounce\ncap = 100/hour').rules
    assert(rule?.outcome.action === 'bounce')
    assert.deepEqual(rule.outcome.cap, { count: 100, perMs: 3_600_000 })
    assert.deepEqual(said(bounce('cap = 10/week')), [
      'rules.ini:3: [r] "cap" can\'t be "10/week"; write a number per minute, hour or day, as 10/day',
    ])
  })

  it('says which values are valid', () => {
    const faulty: [string, string][] = [
      [
        'bounce.type = DoesNotExists',
        '"bounce.type" can\'t be "DoesNotExists"; valid are DoesNotExist, MessageTooLarge, ExceededQuota, ContentRejected, Undefined, TemporaryFailure; did you mean "DoesNotExist"?',
      ],
      [
        'bounce.status = 2.1.1',
        '"bounce.status" can\'t be "2.1.1"; write a status of class 4 or 5, as 5.7.1',
      ],
      ['bounce.status = 5.1', '"bounce.status" can\'t be "5.1"; write a status of class 4 or 5, as 5.7.1'],
      [
        'bounce.text = Hello {name}',
        '"bounce.text" can\'t be used: there is no name "{name}"; valid are {recipient}, {sender}, {subject}, {rule}, {size}, {attachment}, {message-id}, {ses-id}',
      ],
      ['bounce.text = ; later', '"bounce.text" needs a value'],
      [
        'bounce.sender = {subject}@example.com',
        '"bounce.sender" can\'t be used: there is no name "{subject}"; valid are {recipient}, {recipient.domain}, {sender.domain}',
      ],
      [
        'bounce.sender = mailer daemon',
        '"bounce.sender" can\'t be used: "mailer daemon" wouldn\'t be an address of plain ASCII',
      ],
      [
        'fallback = bounce',
        '"fallback" can\'t be "bounce"; valid are reject, quarantine, accept, defer, drop',
      ],
      ['mode = observed', '"mode" can\'t be "observed"; valid are enforce, observe; did you mean "observe"?'],
      ['deliver = yes', '"deliver" can\'t be "yes"; valid are true, false'],
      ['guard.spam = off', '"guard.spam" can\'t be "off"; valid are true, false'],
      [
        'guard.authentication = true',
        '"guard.authentication" can\'t be "true"; valid are aligned, strict, none',
      ],
      [
        'guard.null_sender = false',
        '"guard.null_sender" can\'t be turned off: a bounce is never answered (RFC 5321 section 6.1)',
      ],
      ['reply = x', '"reply" only goes with action = reject or defer'],
    ]
    for (const [line, message] of faulty)
      assert.deepEqual(said(bounce(line)), [`rules.ini:3: [r] ${message}`])
    assert.deepEqual(said(rule('action = bouncee')), [
      'rules.ini:2: [r] "action" can\'t be "bouncee"; valid are accept, bounce, reject, defer, quarantine, drop; did you mean "bounce"?',
    ])
  })

  it('reports a fault of a reply once', () => {
    assert.deepEqual(said(rule('action = reject', 'reply =')), ['rules.ini:3: [r] "reply" needs a value'])
  })

  it('keeps the keys of a bounce to rules that bounce', () => {
    const lines = ['bounce.type = Undefined', 'deliver = true', 'fallback = drop', 'guard.spam = false']
    for (const action of ['accept', 'reject', 'drop']) {
      assert.deepEqual(
        said(rule(`action = ${action}`, ...lines)),
        lines.map(
          (line, i) => `rules.ini:${i + 3}: [r] "${line.split(' ')[0]}" only goes with action = bounce`,
        ),
      )
    }
    assert.deepEqual(said(rule('action = drop', 'reply = x')), [
      'rules.ini:3: [r] "reply" only goes with action = reject or defer',
    ])
  })

  it('refuses an empty list that would make a rule hold for every mail', () => {
    const lists = { mailboxes: '# none yet\n' }
    assert.deepEqual(said(bounce('not.recipient = file:mailboxes'), { lists }), [
      'rules.ini:3: [r] the list is empty, so that "not.recipient" would hold for every mail; remove the line if that is meant',
    ])
    assert.deepEqual(said(bounce('not.recipient = file:mailboxes, a@example.com'), { lists }), [])
    assert.deepEqual(said(bounce('recipient = file:mailboxes'), { lists }), [])
  })

  it('warns of rules that can never be reached', () => {
    assert.deepEqual(
      said('[a]\naction = drop\nmode = observe\n[b]\naction = drop\n[c]\nsender = <>\naction = drop'),
      ['rules.ini:6: [c] this rule can never be reached: [b] in line 4 holds for every mail'],
    )
  })

  it('names the first rule that holds for every mail', () => {
    assert.deepEqual(
      said('[a]\naction = drop\n[b]\naction = drop\n[c]\naction = drop').at(-1),
      'rules.ini:5: [c] this rule can never be reached: [a] in line 1 holds for every mail',
    )
  })

  it('reads one list as patterns of each kind that asks for it', () => {
    const { rules } = policy('[r]\nrecipient = file:l\nsubject = file:l\naction = drop', {
      lists: { l: '@a.example' },
    })
    const [recipient, subject] = rules[0]?.conditions ?? []
    assert(recipient && subject)
    assert(matches(recipient.matcher, new Subject('x@a.example'), SYNC_ONLY))
    assert(!matches(subject.matcher, new Subject('x@a.example'), SYNC_ONLY))
    assert(matches(subject.matcher, new Subject('@A.example'), SYNC_ONLY))
  })

  it('warns of texts that will be cut or changed', () => {
    const keys = ['size = > 1mb', `bounce.text = ${'x'.repeat(501)}{subject}`, 'bounce.diagnostic = für']
    assert.deepEqual(said(bounce(...keys)), [
      'rules.ini:4: [r] "bounce.text" has 501 characters; the text is cut after 500',
      'rules.ini:5: [r] "bounce.diagnostic" has characters other than printable ASCII; they become "?"',
    ])
  })

  it('warns of role addresses that would be bounced', () => {
    assert.deepEqual(said(bounce('recipient = Postmaster@example.com, x@example.com, @abuse.example')), [
      'rules.ini:1: [r] "postmaster@example.com" would be bounced, but it is a role address, which must accept mail (RFC 5321 section 4.5.1)',
    ])
    assert.deepEqual(said(bounce('not.recipient = postmaster@example.com')), [])
    assert.deepEqual(said(bounce('recipient = postmaster@example.com', 'guard.role_addresses =')), [])
  })

  it('warns of senders of bounces that a rule names, as they are never bounced', () => {
    const rules = [
      '[a]',
      'recipient = Mailer-Daemon@example.com, b@example.com, mailer-daemon@example.org',
      'action = bounce',
      '[b]\nrecipient = x@example.com\naction = bounce\nbounce.sender = b@example.com',
      '[c]\nrecipient = y@example.com\naction = bounce\nbounce.sender = {recipient}',
    ]
    const never = 'is a bounce sender: mail to it is never bounced, whatever this rule says'
    assert.deepEqual(said(rules.join('\n')), [
      `rules.ini:1: [a] "mailer-daemon@example.com" ${never}`,
      `rules.ini:1: [a] "b@example.com" ${never}`,
      `rules.ini:1: [a] "mailer-daemon@example.org" ${never}`,
    ])
  })

  it('warns of verdicts that SES does not give', () => {
    assert.deepEqual(said(bounce('verdict.spam = FAIL, failed')), [
      'rules.ini:3: [r] SES is not known to write "failed"; did you mean "fail"?; known words are pass, fail, gray, processing_failed, none',
    ])
  })

  it('checks the bounce sender of the settings', () => {
    const ses = { ...SETTINGS.ses, bounceSender: 'mailer-daemon@{domain}' }
    assert.deepEqual(said('', { settings: { ses } }), [
      'ses-bounce.ini: [ses] "bounce_sender" can\'t be used: there is no name "{domain}"; valid are {recipient}, {recipient.domain}, {sender.domain}',
    ])
  })

  it('leaves a rule with an error out', () => {
    assert.deepEqual(compile('[a]\nsendr = x\naction = drop\n[b]\nno equals\naction = drop').policy.rules, [])
  })

  it('never throws, and has a place for every diagnostic', () => {
    const key = fc.oneof(
      fc.constantFrom(...FIELDS.map(({ name }) => name), ...OUTCOME_KEYS, '__proto__', 'not.'),
      fc.constantFrom(...FIELDS.map(({ name }) => `not.${name}`), 'header.x', 'constructor'),
      fc.string(),
    )
    const value = fc.oneof(
      fc.constantFrom(
        'bounce',
        'accept',
        'reject',
        '{subject}',
        'file:l',
        '@a.example',
        '> 1',
        'true',
        '"',
        '/x/',
        '',
      ),
      fc.string({ unit: 'binary' }),
    )
    const line = fc.oneof(
      { arbitrary: fc.tuple(key, value).map(pair => pair.join(' = ')), weight: 6 },
      { arbitrary: fc.string().map(name => `[${name}]`), weight: 1 },
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.string(), (lines, list) => {
        const { diagnostics } = compile(`[r]\n${lines.join('\n')}`, { lists: { l: list } })
        for (const { file, message } of diagnostics) assert(file !== '' && message !== '')
      }),
      { numRuns: 500 },
    )
  })
})

describe('the table of conditions', () => {
  it('has one name for each', () => {
    assert.equal(new Set(FIELDS.map(({ name }) => name)).size, FIELDS.length)
  })
})

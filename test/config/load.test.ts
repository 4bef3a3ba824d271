import assert from 'node:assert/strict'
import fc from 'fast-check'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { parseIni } from '../../src/config/ini'
import { type Environment, loadSettings, parseSettings } from '../../src/config/load'
import { SCHEMA } from '../../src/config/schema'

const load = (text: string, env: Environment = {}) => loadSettings(parseIni('ses-bounce.ini', text), env)
const settingsOf = (text: string, env: Environment = {}) => {
  const { settings, diagnostics } = load(text, env)
  assert.deepEqual(diagnostics.map(formatDiagnostic), [])
  return settings
}
const messages = (text: string, env: Environment = {}) => load(text, env).diagnostics.map(formatDiagnostic)
/** The one diagnostic of one key. */
const fault = (section: string, line: string) => {
  const found = messages(`[${section}]\n${line}`)
  assert.equal(found.length, 1, found.join('\n'))
  const place = `ses-bounce.ini:2: [${section}] `
  assert.ok(found[0]?.startsWith(place), found[0])
  return found[0]?.slice(place.length)
}

function pathOf({ queue }: ReturnType<typeof settingsOf>): string {
  return queue.store === 'sqlite' ? queue.path : ''
}

describe('loadSettings', () => {
  it('gives the defaults for an empty file', () => {
    assert.deepEqual(settingsOf(''), {
      main: { mode: 'enforce', onError: 'stop' },
      relay: { trusted: [], authUsers: [], recipients: 'auto', labelSeparator: '+', domains: [] },
      ses: { bounceSender: 'mailer-daemon@{recipient.domain}', regions: [], endpoint: '', timeoutMs: 10_000 },
      accounts: [],
      limit: { intervalMs: 1000, slackMs: 5, perSender: { count: 10, perMs: 86_400_000 } },
      window: { lengthMs: 86_400_000, marginMs: 60_000 },
      queue: {
        store: 'sqlite',
        path: 'ses-bounce/queue.sqlite',
        keepMs: 604_800_000,
        keepsMail: true,
        retryFirstMs: 2000,
        retryLongestMs: 600_000,
        unknownTries: 3,
      },
      content: { limitBytes: 262_144 },
      guard: {
        null_sender: true,
        own_domains: true,
        replied: true,
        virus: true,
        spam: true,
        list_mail: false,
        role_addresses: ['postmaster', 'abuse', 'mailer-daemon'],
        authentication: 'aligned',
      },
      fallback: {
        expired: 'reject',
        overload: 'reject',
        no_receipt: 'quarantine',
        mismatch: 'quarantine',
        ended: 'quarantine',
        unsafe: 'quarantine',
        capped: 'quarantine',
        full: 'reject',
        unreadable: 'quarantine',
      },
      quarantine: { store: 'folder', keepMs: 2_592_000_000, limitBytes: 1024 ** 3 },
      http: { hosts: [], tokens: [] },
      delivery: { split: 'auto', window: 'answered', ownDsn: 'guarded' },
      refusals: { surge: { percent: 50, perMs: 600_000 }, hidden: [] },
    })
  })

  it('has a default for every key that its own parser accepts', () => {
    for (const keys of Object.values(SCHEMA)) {
      for (const [name, key] of Object.entries(keys)) {
        assert.ok('value' in key.parser.read(key.default, name), `${name} = ${key.default}`)
      }
    }
  })

  it('reads every kind of value, with comments behind it', () => {
    const settings = settingsOf(`
mode = Observe ; for a start
[relay]
trusted = 192.0.2.1, 2001:DB8::/64 ; relays
auth_users = Relay, "a, b"
recipients = kept
label_separator =
domains = Example.com., bücher.example, @.Example.net
[ses]
bounce_sender = bounce+{sender.domain}@{recipient.domain}
bounce_sender_arn = arn:aws-cn:ses:cn-north-1:123456789012:identity/example.com
reporting_mta = "DNS;mx.example.com" ; quotes or none
regions = EU-west-1, us-gov-west-1
endpoint = https://vpce.{region}.example:8443/
[limit]
per_sender =
[queue]
retry = 500ms .. 1h
unknown_tries = 1
[content]
limit = 1.5kb
[guard]
role_addresses = Postmaster, Abuse@Example.com
authentication = none
[fallback]
unsafe = drop`)
    assert.equal(settings.main.mode, 'observe')
    assert.deepEqual(settings.relay, {
      trusted: ['192.0.2.1', '2001:db8::/64'],
      authUsers: ['Relay', 'a, b'],
      recipients: 'kept',
      labelSeparator: '',
      domains: ['example.com', 'xn--bcher-kva.example', '@.example.net'],
    })
    assert.equal(settings.ses.bounceSender, 'bounce+{sender.domain}@{recipient.domain}')
    assert.equal(settings.ses.bounceSenderArn, 'arn:aws-cn:ses:cn-north-1:123456789012:identity/example.com')
    assert.equal(settings.ses.reportingMta, 'dns; mx.example.com')
    assert.deepEqual(settings.ses.regions, ['eu-west-1', 'us-gov-west-1'])
    assert.equal(settings.ses.endpoint, 'https://vpce.{region}.example:8443/')
    assert.ok(!('perSender' in settings.limit))
    assert.deepEqual([settings.queue.retryFirstMs, settings.queue.retryLongestMs], [500, 3_600_000])
    assert.equal(settings.queue.unknownTries, 1)
    assert.equal(settings.content.limitBytes, 1536)
    assert.deepEqual(settings.guard.role_addresses, ['postmaster', 'abuse@example.com'])
    assert.equal(settings.fallback.unsafe, 'drop')
  })

  it('names what would be right', () => {
    assert.equal(fault('main', 'mode = foo'), 'unknown value "foo" for mode; enforce or observe')
    assert.equal(fault('main', 'mode ='), 'mode is empty; enforce or observe')
    assert.equal(
      fault('fallback', 'unsafe = x'),
      'unknown value "x" for unsafe; reject, quarantine, accept, defer or drop',
    )
    assert.equal(
      fault('relay', 'trusted = relay.example, 10.0.0.0/8, 10.0.0.0/33'),
      'unknown values "relay.example", "10.0.0.0/33" for trusted; addresses and ranges: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32',
    )
    assert.match(fault('relay', 'trusted = fe80::1%eth0') ?? '', /unknown value/)
    assert.match(fault('relay', 'domains = a b.example, x..y') ?? '', /unknown values "a b.example", "x..y"/)
    assert.match(fault('relay', 'domains = 192.0.2.1') ?? '', /unknown value/)
    assert.match(fault('relay', 'auth_users = /relay/') ?? '', /unknown value "relay"/)
    assert.match(fault('limit', 'per_sender = 10/week') ?? '', /a number per minute, hour or day/)
    assert.match(fault('content', 'limit = lots') ?? '', /500b, 10kb, 10mb/)
    assert.match(fault('queue', 'unknown_tries = 0') ?? '', /at least 1$/)
  })

  it('finds a wrong name, and the name or the section that was meant', () => {
    assert.equal(fault('main', 'mod = enforce'), 'unknown key "mod"; did you mean "mode"?')
    assert.equal(fault('main', 'Mode = enforce'), 'unknown key "Mode"; did you mean "mode"?')
    assert.equal(
      fault('main', 'bounce_sender = a@b.example'),
      'unknown key "bounce_sender"; it belongs to [ses]',
    )
    assert.deepEqual(messages('[relays]\ntrusted = 10.0.0.1'), [
      'ses-bounce.ini:1: [relays] unknown section; did you mean "relay"?',
    ])
    assert.deepEqual(messages('[constructor]\nx = 1\n[main]\n__proto__ = 1'), [
      'ses-bounce.ini:1: [constructor] unknown section; valid are main, relay, ses, limit, window, queue, content, guard, fallback, quarantine, http, delivery, refusals, relay.sqs, account.NAME',
      'ses-bounce.ini:4: [main] unknown key "__proto__"; valid are mode, on_error',
    ])
  })

  it('shows all errors at once, those of the lines themselves too, in the order of the file', () => {
    assert.deepEqual(
      messages('[main]\nmode = x\nno equals\n[ses]\ntimeout = 1h\n[nothing]').map(
        text => text.split(' ', 1)[0],
      ),
      ['ses-bounce.ini:2:', 'ses-bounce.ini:3:', 'ses-bounce.ini:5:', 'ses-bounce.ini:6:'],
    )
  })

  it('lets the default stand in for a wrong value', () => {
    const { settings } = load('[main]\nmode = x\n[ses]\ntimeout = soon\n[relay]\ntrusted = x')
    assert.deepEqual(settings, load('').settings)
  })

  it('keeps to the limits of SES', () => {
    assert.match(fault('window', 'length = 25h') ?? '', /too much for length; at most/)
    assert.equal(settingsOf('[window]\nlength = 86400s').window.lengthMs, 86_400_000)
    assert.match(fault('queue', 'keep = 24h') ?? '', /at least 25h/)
    assert.match(fault('window', 'margin = 24h') ?? '', /must be shorter than length/)
    assert.match(fault('window', 'length = 30s') ?? '', /margin \(1m\) must be shorter than length \(30s\)/)
  })

  it('accepts less than a second between calls only for an endpoint on this machine', () => {
    const of = (endpoint: string) => messages(`[limit]\ninterval = 999ms\n[ses]\nendpoint = ${endpoint}`)
    const ours = ['local', 'http://127.0.0.1:4579', 'http://[::1]:1/', 'http://{region}.localhost:1']
    for (const endpoint of ours) assert.deepEqual(of(endpoint), [], endpoint)
    const others = [
      '',
      'http://192.0.2.1/',
      'http://127.0.0.1.example/',
      'http://localhost.example',
      'https://localhost',
    ]
    for (const endpoint of others) {
      assert.match(of(endpoint).join(), /^ses-bounce.ini:2: \[limit\] "999ms" is too little/, endpoint)
    }
  })

  it('refuses endpoints that are none', () => {
    for (const endpoint of ['aws', 'ftp://x', 'http://', 'http://a b', 'http://{zone}.x/', 'http://x/?a']) {
      assert.match(fault('ses', `endpoint = ${endpoint}`) ?? '', /unknown value/, endpoint)
    }
    for (const endpoint of ['https://user:secret@x/', 'https://user@x', 'http://:secret@x']) {
      const text = fault('ses', `endpoint = ${endpoint}`) ?? ''
      assert.match(text, /must not hold a user or a password/, endpoint)
      assert.doesNotMatch(text, /secret/)
    }
  })

  it('accepts a bounce sender only if it gives one address with any value filled in', () => {
    for (const good of ['{recipient}', 'mailer-daemon@example.com', 'bounces@{sender.domain}']) {
      assert.equal(settingsOf(`[ses]\nbounce_sender = ${good}`).ses.bounceSender, good)
    }
    assert.match(fault('ses', 'bounce_sender = mailer-daemon') ?? '', /has no "@"/)
    assert.match(fault('ses', 'bounce_sender = a@{recipent.domain}') ?? '', /did you mean "recipient.domain"/)
    for (const bad of [
      'a@b@c.example',
      'b+{recipient}@x.example',
      '<a@b.example>',
      'a @b.example',
      'ü@x.example',
      'a@{{x',
    ]) {
      assert.match(fault('ses', `bounce_sender = ${bad}`) ?? '', /unknown value/, bad)
    }
  })

  it("refuses to turn off the guard against the null sender, and Haraka's own queue as a place", () => {
    assert.match(fault('guard', 'null_sender = off') ?? '', /can't be turned off/)
    for (const path of ['queue/ses.sqlite', './queue/x', 'a/../queue/x']) {
      assert.match(fault('queue', `path = ${path}`) ?? '', /may not be in queue/)
    }
    assert.equal(pathOf(settingsOf('[queue]\npath = /var/queue/x.sqlite')), '/var/queue/x.sqlite')
  })

  it('warns of a relay that is everybody', () => {
    const { diagnostics } = load('[relay]\ntrusted = ::/0')
    assert.deepEqual(
      diagnostics.map(({ severity, line }) => [severity, line]),
      [['warning', 2]],
    )
  })

  it('reads env:NAME from the environment, and uses the value literally', () => {
    const env = {
      RELAYS: '10.0.0.1, 10.0.0.2\n',
      NAME: 'dns; mx.example.com',
      PLACE: 'a ;b/q.sqlite',
      EMPTY: '',
    }
    const settings = settingsOf(
      '[relay]\ntrusted = env:RELAYS ; both\n[ses]\nreporting_mta = env:NAME\nregions=env:EMPTY',
      env,
    )
    assert.deepEqual(settings.relay.trusted, ['10.0.0.1', '10.0.0.2'])
    assert.equal(settings.ses.reportingMta, 'dns; mx.example.com')
    assert.equal(pathOf(settingsOf('[queue]\npath = env:PLACE', env)), 'a ;b/q.sqlite')
    for (const name of ['NOWHERE', 'constructor']) {
      assert.deepEqual(messages(`[main]\nmode = env:${name}`, env), [
        `ses-bounce.ini:2: [main] mode: the environment variable "${name}" isn't set`,
      ])
    }
    assert.deepEqual(messages('[main]\nmode = env: ; which?', env), [
      'ses-bounce.ini:2: [main] mode: the name of a variable is missing after "env:"',
    ])
  })

  it('never throws, and every diagnostic has a line of the file', () => {
    const names = Object.entries(SCHEMA).flatMap(([section, keys]) => [`[${section}]`, ...Object.keys(keys)])
    const piece = fc.oneof(
      fc.constantFrom(
        ...names,
        ' = ',
        '\n',
        '\n',
        '\r\n',
        ';',
        ',',
        '"',
        '/',
        '\\',
        '..',
        'env:A',
        '24h',
        '{',
        '}',
        '@',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    )
    const line = fc.tuple(fc.constantFrom(...names), piece, piece).map(([key, a, b]) => `${key} = ${a}${b}`)
    const text = fc
      .array(fc.oneof(piece, line, fc.constantFrom('\n')), { maxLength: 40 })
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(text, fc.string(), (ini, value) => {
        const { settings, diagnostics } = load(ini, { A: value })
        const lines = ini.split(/\r\n|\r|\n/).length
        for (const diagnostic of diagnostics)
          assert.ok(diagnostic.line > 0 && diagnostic.line <= lines, formatDiagnostic(diagnostic))
        assert.ok(
          settings.window.lengthMs > 0 && settings.queue.retryFirstMs <= settings.queue.retryLongestMs,
        )
      }),
      { numRuns: 500 },
    )
  })
})

describe('comments behind section names', () => {
  it('are accepted in the settings, whose section names are fixed', () => {
    const ini = parseSettings(
      '[guard]   ; true: no bounce to such mail\nspam = false\n[fallback] ; for a mail\nexpired = drop\n',
    )
    const { settings, diagnostics } = loadSettings(ini, {})
    assert.deepEqual(diagnostics, [])
    assert.equal(settings.guard.spam, false)
    assert.equal(settings.fallback.expired, 'drop')
  })

  it('must begin with a semicolon after a blank', () => {
    assert.match(
      loadSettings(parseSettings('[guard] spam\n'), {}).diagnostics[0]?.message ?? '',
      /must be alone on its line/,
    )
  })
})

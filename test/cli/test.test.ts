import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { CASE_KEY_NAMES } from '../../src/cli/cases/keys'
import { sesBlock } from '../../src/cli/cases/ses-block'
import { main } from '../../src/cli/main'
import { CASES_FILE, test } from '../../src/cli/test'
import { readHeader } from '../../src/mail/header'
import { readReceipt } from '../../src/mail/receipt'
import { plainMail, sesMail } from '../live/support/mail'
import { sharedWorkerThreads } from './shared-threads'
import { harakaDirectory, ran, removeDirectories } from './support'

const NOW_MS = Date.UTC(2025, 1, 20, 12, 0, 0, 500)
const RULES = `[partners]
sender = @partner.example
action = accept
[programs]
attachment.name = *.exe
action = bounce
bounce.text = No programs: {attachment}, {size}
[noted]
subject = *invoice*
action = drop
mode = observe
[score]
result.rspamd.score = > 15
action = reject
reply = Too many points
[unknown]
recipient = @yours.example
not.recipient = anna@yours.example
action = bounce
bounce.type = DoesNotExist
`
const FILES = {
  'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.10\n',
  'ses-bounce-rules.ini': RULES,
  host_list: 'yours.example\n',
}

type Files = Record<string, string | Buffer>

describe('ses-bounce test', () => {
  afterEach(() => removeDirectories())

  describe('of cases that are as expected', () => {
    it('ends with 0 and a sum', async () => {
      const partners =
        '[partners]\nsender = a@partner.example\nrecipient = x@yours.example\nexpect.rule = partners\n'
      const programs =
        '[programs]\nattachment.name = a.exe\nrecipient = x@yours.example\nexpect.action = bounce\n'
      assert.deepEqual(await run(partners + programs), {
        code: 0,
        lines: ['cases: 2 as expected, 0 not'],
        errors: [],
      })
    })

    const good: [what: string, lines: string][] = [
      [
        'a bounce without a word more',
        'expect.rule = unknown\nexpect.action = bounce\nexpect.reason = none\nexpect.reply = none',
      ],
      ['no rule', 'recipient = anna@yours.example\nexpect.rule = none\nexpect.action = accept'],
      [
        'the text of a bounce',
        'attachment.name = run.exe\nsize = 2mb\nexpect.text = no programs: run.exe, 2.0 ??',
      ],
      ['that there is no text', 'expect.text = none'],
      ['a reply', 'result.rspamd.score = 15.5\nexpect.reply = 550 5.7.1 too * points\nexpect.reason = none'],
      ['one element of a result', 'result.rspamd.score = 1, 16\nexpect.rule = score'],
      ['the null sender', 'sender = <>\nexpect.action = quarantine\nexpect.reason = unsafe'],
      [
        'a forged sender',
        'verdict.spf = fail\nverdict.dkim = none\nverdict.dmarc = fail\nexpect.reason = unsafe',
      ],
      ['a virus', 'verdict.virus = fail\nexpect.reason = unsafe'],
      ['a mail that is too old', 'age = 25h\nexpect.reason = expired\nexpect.reply = 550 5.4.7 *'],
      ['no receipt', 'receipt = none\nexpect.reason = no_receipt\nexpect.action = quarantine'],
      [
        'a recipient that the mail does not name',
        'envelope.recipient = x@yours.example, y@yours.example\nexpect.action = bounce',
      ],
      [
        'recipients one by one',
        'recipient = x@yours.example, anna@yours.example\nexpect.rule = unknown, none\nexpect.action = bounce, accept',
      ],
      ['recipients all alike', 'recipient = x@yours.example, y@yours.example\nexpect.rule = unknown'],
      ['a header of the own', 'header.Auto-Submitted = auto-replied\nexpect.reason = unsafe'],
    ]
    for (const [what, lines] of good) {
      it(`takes ${what}`, async () => {
        const own = lines.startsWith('recipient') ? '' : 'recipient = x@yours.example\n'
        assert.deepEqual(await run(`[case]\n${own}${lines}\n`), {
          code: 0,
          lines: ['cases: 1 as expected, 0 not'],
          errors: [],
        })
      })
    }

    it('sets whatever a condition looks at', async () => {
      const conditions = [
        'sender = a@origin.example',
        'recipient = x@yours.example',
        'envelope.sender = relay@other.example',
        'envelope.recipient = y@mapped.example',
        'from = b@from.example',
        'to = c@to.example',
        'cc = d@cc.example',
        'reply-to = e@reply.example',
        'subject = Grüße, "at all"',
        'header.X-Own = some words',
        'client.ip = 198.51.100.1',
        'client.helo = helo.example',
        'client.name = name.example',
        'relay.ip = 192.0.2.11',
        'region = us-west-2',
        'verdict.spam = gray',
        'verdict.virus = processing_failed',
        'verdict.spf = softfail',
        'verdict.dkim = permerror',
        'verdict.dmarc = none',
        'size = 5mb',
        'age = 3h',
        'result.some.plugin.path = found',
        'body = first line\\nsecond',
        'attachment.name = "a, b.exe"',
        'attachment.type = application/x-one',
        'attachment.size = 3kb',
      ]
      const special: Record<string, string> = {
        subject: '/^Grüße, "at all"$/',
        body: '/^first line\\nsecond$/',
        size: '= 5242880',
        age: '3h..3h',
        'attachment.size': '= 3072',
      }
      const rule = conditions.map(line => {
        const [key = '', value = ''] = line.split(' = ')
        return `${key} = ${special[key] ?? value}`
      })
      const files = { 'ses-bounce-rules.ini': `[all]\n${rule.join('\n')}\naction = drop\n` }
      const { code, lines } = await run(`[case]\n${conditions.join('\n')}\nexpect.rule = all\n`, [], files)
      assert.deepEqual([code, lines], [0, ['cases: 1 as expected, 0 not']])
    })

    it('has texts and files beside each other', async () => {
      const files = {
        'ses-bounce-rules.ini':
          '[all]\nbody = plain\nattachment.count = 2\nattachment.size = = 1024\nattachment.name = ünï.txt\naction = drop\n[html]\nbody = a b\naction = reject\n',
      }
      const cases =
        '[both]\nrecipient = x@yours.example\nbody = plain\nbody.html = <p>html</p>\nattachment.name = a, ünï.txt\nexpect.rule = all\n[html]\nrecipient = x@yours.example\nbody.html = a<br>b\nexpect.rule = none\n[html b]\nrecipient = x@yours.example\nbody.html = <b>a</b> b\nexpect.rule = html\n'
      assert.deepEqual((await run(cases, [], files)).lines, ['cases: 3 as expected, 0 not'])
    })

    it('reads a mail from a file, at a time after its receipt', async () => {
      const receivedAt = new Date('2024-05-01T00:00:00Z')
      const files = {
        'one.eml': sesMail({ receivedAt, recipient: 'x@yours.example' }).data,
        'none.eml': plainMail({ headers: { To: 'x@yours.example' } }),
      }
      const cases = `[soon]\nmail = one.eml\nexpect.action = bounce
[late]\nmail = one.eml\nage = 24h\nexpect.reason = expired
[later]\nmail = one.eml\nat = 2024-05-03\nexpect.reason = expired
[none]\nmail = none.eml\nexpect.reason = no_receipt
[another]\nmail = one.eml\nenvelope.recipient = anna@yours.example, y@yours.example\nexpect.rule = none, unknown\n`
      const { code, lines } = await run(cases, [], files)
      assert.deepEqual([code, lines], [0, ['cases: 5 as expected, 0 not']])
    })
  })

  describe('of cases that are not', () => {
    it('ends with 1, and says what is expected, what it is, and why', async () => {
      const cases = `[a program]
recipient = anna@yours.example
attachment.name = a.txt
expect.rule = programs
expect.action = bounce
[a partner]
sender = a@partner.example
recipient = x@yours.example
expect.rule = unknown
[spam]
recipient = x@yours.example
verdict.spam = fail
expect.action = bounce
[noted]
recipient = anna@yours.example
subject = invoice
expect.rule = noted
[texts]
recipient = x@yours.example
attachment.name = a.exe
expect.text = No programs at all
expect.reply = 550 *
[good]
recipient = x@yours.example
expect.rule = unknown
`
      assert.deepEqual(await run(cases), {
        code: 1,
        errors: [],
        lines: [
          'ses-bounce-tests.ini:4: [a program] expect.rule = programs, but it is none for anna@yours.example',
          'ses-bounce-tests.ini:5: [a program] expect.action = bounce, but it is accept for anna@yours.example',
          '  anna@yours.example: ses-bounce-rules.ini:5 [programs] attachment.name = *.exe: no value matches; it has a.txt',
          'ses-bounce-tests.ini:9: [a partner] expect.rule = unknown, but it is partners for x@yours.example',
          '  x@yours.example: ses-bounce-rules.ini:16 [unknown] holds, but [partners] above it decides',
          'ses-bounce-tests.ini:13: [spam] expect.action = bounce, but it is quarantine for x@yours.example',
          '  x@yours.example: ses-bounce-rules.ini:16 [unknown] decides; not bounced: unsafe, spam, so it is quarantine',
          'ses-bounce-tests.ini:17: [noted] expect.rule = noted, but it is none for anna@yours.example',
          '  anna@yours.example: ses-bounce-rules.ini:8 [noted] holds, but is in mode observe',
          'ses-bounce-tests.ini:21: [texts] expect.text = No programs at all, but it is No programs: a.exe, 2.7 kB for x@yours.example',
          'ses-bounce-tests.ini:22: [texts] expect.reply = 550 *, but it is none',
          '  x@yours.example: ses-bounce-rules.ini:4 [programs] decides',
          'cases: 1 as expected, 5 not',
        ],
      })
    })

    it('says for which of several recipients', async () => {
      const cases =
        '[two]\nrecipient = x@yours.example, anna@yours.example\nexpect.action = bounce\n[three]\nrecipient = x@yours.example\nexpect.action = bounce, accept\n'
      assert.deepEqual((await run(cases)).lines, [
        'ses-bounce-tests.ini:3: [two] expect.action = bounce, but it is accept for anna@yours.example',
        '  anna@yours.example: no rule holds',
        'ses-bounce-tests.ini:6: [three] expect.action = bounce, accept, but it is a mail with 1 recipient',
        '  x@yours.example: ses-bounce-rules.ini:16 [unknown] decides',
        'cases: 0 as expected, 2 not',
      ])
    })

    it('says why nothing is decided', async () => {
      const files = { 'one.eml': 'Subject: x\n' }
      const { code, lines } = await run('[one]\nmail = one.eml\nexpect.action = accept\n', [], files)
      assert.deepEqual(
        [code, lines[0]],
        [
          1,
          "ses-bounce-tests.ini:1: [one] nothing is decided: its recipients aren't known: SES's Received names none, and the header none at a domain that SES receives for; envelope.recipient = names them",
        ],
      )
    })

    it('writes one object with --json', async () => {
      const cases =
        '[a]\nrecipient = x@yours.example\nexpect.rule = programs\n[b]\nrecipient = x@yours.example\nexpect.rule = unknown\n'
      const { code, lines } = await run(cases, ['--json'])
      assert.equal(code, 1)
      assert.deepEqual(JSON.parse(lines[0] ?? ''), {
        cases: [
          {
            name: 'a',
            line: 1,
            as_expected: false,
            differences: [
              {
                key: 'expect.rule',
                line: 3,
                recipient: 'x@yours.example',
                expected: 'programs',
                got: 'unknown',
              },
            ],
            reasons: [
              {
                recipient: 'x@yours.example',
                why: 'ses-bounce-rules.ini:5 [programs] attachment.name = *.exe: no value matches; there is none',
              },
            ],
          },
          { name: 'b', line: 4, as_expected: true, differences: [], reasons: [] },
        ],
        sum: { as_expected: 1, not: 1 },
      })
    })

    it('never writes control characters', async () => {
      const nasty = '\u001b[2J\u202e'
      const { code, lines } = await run(
        `[c${nasty}]\nrecipient = x@yours.example\nsubject = ${nasty}\nexpect.text = ${nasty}\n`,
      )
      assert.equal(code, 1)
      for (const line of lines) assert.match(line, /^[ -~]*$/)
    })
  })

  describe('of a file with mistakes', () => {
    const mistakes: [lines: string, messages: string[]][] = [
      [
        'recipient = x@y.example',
        [
          '1: [case] nothing is expected; valid are expect.rule, expect.action, expect.reason, expect.reply, expect.text',
        ],
      ],
      [
        'expect.action = drop',
        ['1: [case] nobody is to have the mail; recipient = user@example.com says who'],
      ],
      [
        'recipent = x@y.example\nrecipient = x@y.example\nexpect.action = drop',
        ['2: [case] unknown key "recipent"; did you mean "recipient"?'],
      ],
      [
        'recipient = x@y.example\nheader. = x\nresult.x = y\nexpect.action = drop',
        [
          '3: [case] unknown key "header."; it is written header.NAME',
          '4: [case] unknown key "result.x"; it is written result.PLUGIN.PATH',
        ],
      ],
      [
        'recipient = nobody\nexpect.action = drop',
        ['2: [case] "recipient" can\'t be "nobody"; it is an address'],
      ],
      [
        'recipient = x@y.example\nexpect.rule = programm',
        ['3: [case] "expect.rule" can\'t be "programm": there is no such rule; did you mean "programs"?'],
      ],
      [
        'recipient = x@y.example\nexpect.action = bonce',
        [
          '3: [case] "expect.action" can\'t be "bonce"; valid are accept, bounce, reject, defer, quarantine, drop; did you mean "bounce"?',
        ],
      ],
      [
        'recipient = x@y.example\nexpect.reason = ended',
        [
          '3: [case] "expect.reason" can\'t be "ended"; valid are none, expired, no_receipt, mismatch, unsafe, unreadable',
        ],
      ],
      [
        'recipient = x@y.example\nexpect.reply =',
        ['3: [case] "expect.reply" needs a value; none where there is to be nothing'],
      ],
      [
        'recipient = x@y.example\nexpect.rule = ""x',
        ['3: [case] "expect.rule" can\'t be read: a comma is missing before "x"'],
      ],
      [
        'recipient = x@y.example\nverdict.spf = PASSED\nexpect.action = drop',
        [
          '3: [case] "verdict.spf" can\'t be "PASSED"; valid are pass, fail, none, neutral, policy, softfail, temperror, permerror; did you mean "pass"?',
        ],
      ],
      [
        'recipient = x@y.example\nage = long\nat = 5h\nexpect.action = drop',
        [
          '3: [case] "age" can\'t be "long"; write a number and a unit: 500ms, 10s, 5m, 24h, 7d',
          '4: [case] "at" can\'t be "5h"; write a time as 2025-02-20T12:38:04Z',
        ],
      ],
      [
        'recipient = x@y.example\nsize = big\nattachment.size = 1\nexpect.action = drop',
        [
          '3: [case] "size" can\'t be "big"; write a number and a unit: 500b, 10kb, 10mb',
          '4: [case] "attachment.size" needs attachment.name',
        ],
      ],
      [
        'recipient = x@y.example\nattachment.name = a, b, c\nattachment.type = x/y, z/y\nattachment.size = 50mb\nexpect.action = drop',
        [
          '4: [case] "attachment.type" has 2 values, but there are 3 attachments; write one for each, or one for all',
          '5: [case] "attachment.size" is more than SES takes: 40mb',
        ],
      ],
      [
        'recipient = x@y.example\nregion = mars\nclient.ip = a\nclient.helo = a b\nrelay.ip = 1\nexpect.action = drop',
        [
          '3: [case] unknown value "mars" for region; names of AWS regions: eu-west-1, us-east-1',
          '4: [case] "client.ip" can\'t be "a"; it is an IP address',
          '5: [case] "client.helo" can\'t be "a b"; it is one word',
          '6: [case] "relay.ip" can\'t be "1"; it is an IP address',
        ],
      ],
      [
        'recipient = x@y.example\nreceipt = none\nverdict.spf = fail\nage = 1h\nexpect.action = drop',
        [
          '4: [case] "verdict.spf" is nothing that a mail with receipt = none has',
          '5: [case] "age" is nothing that a mail with receipt = none has',
        ],
      ],
      [
        'recipient = x@y.example\nreceipt = no\nexpect.action = drop',
        ['3: [case] "receipt" can\'t be "no"; valid are none'],
      ],
      [
        'mail = one.eml\nsubject = x\nsender = a@b.example\nbody = x\nage = 1h\nat = 2025-01-01\nexpect.action = drop',
        [
          '3: [case] "subject" is in the mail itself; it doesn\'t go with mail = FILE',
          '4: [case] "sender" is in the mail itself; it doesn\'t go with mail = FILE',
          '5: [case] "body" is in the mail itself; it doesn\'t go with mail = FILE',
          '6: [case] "age" doesn\'t go with at: the mail\'s time of receipt is in the file',
        ],
      ],
      [
        'mail = box.eml\nexpect.action = drop',
        ['2: [case] "mail" can\'t be used: DIR/config/box.eml is an mbox, and a case has one mail'],
      ],
      [
        'mail = none.eml\nexpect.action = drop',
        ['2: [case] "mail" can\'t be read: there is no file DIR/config/none.eml'],
      ],
      [
        'mail = empty.eml\nexpect.action = drop',
        ['2: [case] "mail" can\'t be used: DIR/config/empty.eml is empty'],
      ],
      ['mail = .\nexpect.action = drop', ['2: [case] "mail" can\'t be read: DIR/config is no file']],
      ['mail =\nexpect.action = drop', ['2: [case] "mail" needs the name of a file']],
      [
        'recipient = x@y.example\nrecipient = x@y.example\nexpect.action = drop',
        ['3: [case] "recipient" is in line 2 already; several values go in one line, separated by commas'],
      ],
    ]
    for (const [lines, messages] of mistakes) {
      it(`says with file and line: ${messages[0]}`, async () => {
        const files = { 'one.eml': 'A: b\n', 'box.eml': 'From a\nA: b\n', 'empty.eml': '' }
        const dir = harakaDirectory({ ...FILES, ...files, [CASES_FILE]: `[case]\n${lines}\n` })
        const result = await testIn(dir)
        const told = messages.map(message => `${CASES_FILE}:${message.replace('DIR', dir)}`)
        const sum = `${messages.length} error${messages.length === 1 ? '' : 's'}`
        assert.deepEqual(result, { code: 1, lines: [...told, sum], errors: [] })
      })
    }

    it('runs nothing, and shows all of them, in the order of the lines', async () => {
      const good = '[good]\nrecipient = x@yours.example\nexpect.action = drop\n'
      const { code, lines } = await run(`stray = 1\n${good}[a]\nfoo = 1\n[a]\n[b\n`)
      assert.equal(code, 1)
      assert.deepEqual(
        lines.map(line => /^ses-bounce-tests\.ini:\d+: \[\w+\]|^\d+ errors$/.exec(line)?.[0]),
        [1, 5, 5, 6, 7, 7, 7, 8, 8, 8]
          .map((line, at) => `ses-bounce-tests.ini:${line}: [${at === 0 ? 'main' : line < 8 ? 'a' : 'b'}]`)
          .concat('10 errors'),
      )
      const json = await run('[a]\n', ['--json'])
      assert.equal((JSON.parse(json.lines[0] ?? '') as { errors: unknown[] }).errors.length, 2)
    })

    it('shows the errors of the configuration first, and alone', async () => {
      const files = { 'ses-bounce-rules.ini': '[a]\nsise = 1\naction = drop\n' }
      assert.deepEqual((await run('[a]\n', [], files)).lines, [
        'ses-bounce-rules.ini:2: [a] unknown condition "sise"; did you mean "size"?',
        '1 error',
      ])
    })

    it('never throws, whatever it holds', async () => {
      const key = fc.constantFrom(
        ...CASE_KEY_NAMES.map(name => name.replace('NAME', 'X').replace('PLUGIN.PATH', 'a.b')),
      )
      const value = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('none', 'a@b.example', '1mb', '5h', 'pass', 'drop'),
      )
      const text = fc
        .array(
          fc.oneof(
            fc.tuple(key, value).map(([key, value]) => `${key} = ${value}`),
            fc.constant('[a]'),
            fc.string(),
          ),
        )
        .map(lines => `[case]\nrecipient = x@yours.example\n${lines.join('\n')}\n`)
      await fc.assert(
        fc.asyncProperty(text, async cases => {
          const { code, lines } = await run(cases)
          assert.ok((code === 0 || code === 1) && lines.length > 0)
        }),
        { numRuns: 100 },
      )
    })
  })

  describe('finds its cases', () => {
    const cases =
      '[one]\nrecipient = x@yours.example\nexpect.rule = unknown\n[two]\nrecipient = x@yours.example\nexpect.rule = none\n'

    it('in another file, by its path from config/', async () => {
      const dir = harakaDirectory({ ...FILES, 'mine.ini': cases })
      for (const file of ['mine.ini', '../config/mine.ini', path.join(dir, 'config/mine.ini')]) {
        const { code, lines } = await testIn(dir, ['--file', file])
        assert.equal(code, 1, file)
        assert.equal(lines.at(-1), 'cases: 1 as expected, 1 not')
      }
    })

    it('by their names', async () => {
      assert.deepEqual((await run(cases, ['--only', 'one'])).lines, ['cases: 1 as expected, 0 not'])
      assert.equal(
        (await run(cases, ['--only', 'one', '--only', 'two'])).lines.at(-1),
        'cases: 1 as expected, 1 not',
      )
    })

    it('or says that there is nothing to run, and ends with 2', async () => {
      const told = async (dir: string, args: string[] = []) => {
        const { code, lines, errors } = await testIn(dir, args)
        assert.deepEqual([code, lines, errors.length], [2, [], 1])
        return errors[0]?.replace('ses-bounce test: ', '')
      }
      const dir = harakaDirectory({ ...FILES, [CASES_FILE]: '; none\n', some: cases })
      assert.equal(
        await told(harakaDirectory(FILES)),
        'ses-bounce-tests.ini: there is no such file in config/; --help shows how a case is written',
      )
      assert.equal(
        await told(dir),
        'there is no case in ses-bounce-tests.ini; --help shows how one is written',
      )
      assert.equal(
        await told(dir, ['--file', 'some', '--only', 'twoo']),
        'there is no case "twoo" in some; did you mean "two"?',
      )
      assert.equal(
        await told('/nowhere'),
        'there is no directory /nowhere; --dir names the Haraka directory, which holds config/',
      )
      assert.equal(await told(dir, ['--file', '']), '--file needs the name of a file')
      assert.match((await told(dir, ['--what'])) ?? '', /--what/)
    })
  })

  describe('is explained', () => {
    it('by --help, key by key, and is found as a command', async () => {
      const help = await ran(out => main(['test', '--help'], out))
      assert.equal(help.code, 0)
      for (const key of CASE_KEY_NAMES) {
        const shown = key.replace(/^verdict\..*/, 'verdict.NAME')
        assert.ok(help.lines.join('\n').includes(`\n  ${shown} `), key)
      }
    })

    const shipped = readFileSync(path.join(__dirname, '../../config', CASES_FILE), 'utf8')

    it('by the file that ships, key by key', () => {
      for (const key of CASE_KEY_NAMES)
        assert.match(shipped, new RegExp(`\\b${key.replaceAll('.', '\\.')}\\b`), key)
    })

    it('by the file that ships, whose examples are true of the rules that ship', async () => {
      const uncommented = (text: string) => text.replace(/^;(?=[a-z[])/gm, '')
      const rules = readFileSync(path.join(__dirname, '../../config/ses-bounce-rules.ini'), 'utf8')
      const files = {
        'ses-bounce-rules.ini': uncommented(rules),
        host_list: 'example.com\n',
        mailboxes: 'anna@example.com\n',
      }
      assert.deepEqual(await run(uncommented(shipped), [], files), {
        code: 0,
        lines: ['cases: 6 as expected, 0 not'],
        errors: [],
      })
    })

    it('by the file that ships, in which no case is in force', async () => {
      assert.equal((await run(shipped)).code, 2)
    })
  })
})

describe('what SES would have written', () => {
  it('is read back as it was meant', async () => {
    const word = fc.constantFrom('pass', 'fail', 'none', 'neutral')
    const part = fc.record({
      sender: fc.constantFrom('', 'a@origin.example', '"a b"@origin.example', 'ü@exämple.example'),
      recipient: fc.constantFrom('x@yours.example', '"x y"@yours.example'),
      region: fc.constantFrom('eu-west-1', 'us-gov-west-1'),
      client: fc.record({ ip: fc.constantFrom('192.0.2.1', '2001:db8::1') }),
      verdicts: fc.record(
        { spam: word, virus: word, spf: word, dkim: word, dmarc: word },
        { noNullPrototype: true },
      ),
    })
    await fc.assert(
      fc.asyncProperty(part, fc.integer({ min: 0, max: 4e9 }), async (part, seconds) => {
        const { fields } = await readHeader(
          sesBlock(part, seconds * 1000).map(line => `${line}\n`),
          0,
        )
        const { receipt, warnings } = readReceipt(fields)
        assert.deepEqual(warnings, [])
        assert.deepEqual(
          [
            receipt?.returnPath,
            receipt?.forRecipient,
            receipt?.region,
            receipt?.client.ip,
            receipt?.verdicts,
            receipt?.receivedAtMs,
          ],
          [part.sender, part.recipient, part.region, part.client.ip, part.verdicts, seconds * 1000],
        )
        const isProved = part.sender !== '' && part.verdicts.spf === 'pass'
        if (isProved)
          assert.match(receipt?.authentication.spfDomain ?? '', /^(?:origin|xn--exmple-cua)\.example$/)
      }),
    )
  })
})

async function run(cases: string, args: string[] = [], files: Files = {}) {
  return testIn(harakaDirectory({ ...FILES, ...files, [CASES_FILE]: cases }), args)
}

function testIn(dir: string, args: string[] = []) {
  return ran(out =>
    test(['--dir', dir, ...args], out, {}, { nowMs: NOW_MS, openWorkerThreads: sharedWorkerThreads }),
  )
}

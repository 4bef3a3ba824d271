import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { CASE_KEY_NAMES } from '../../src/cli/cases/keys'
import { main } from '../../src/cli/main'
import { CASES_FILE } from '../../src/cli/test'
import { plainMail, sesMail } from '../live/support/mail'
import { harakaDirectory, ran, removeDirectories } from './support'
import { FILES, run, testIn } from './test-support'

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

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { explain } from '../../src/cli/explain'
import type { ExplainedDecisions, Explanation } from '../../src/cli/explain/explanation'
import { terminalProgress } from '../../src/cli/explain/progress'
import { main } from '../../src/cli/main'
import { camelKeys } from '../../src/json'
import { plainMail, type SesMailOptions, sesMail } from '../live/support/mail'
import { sharedWorkerThreads } from './shared-threads'
import { emptyDirectory, harakaDirectory, ran, removeDirectories } from './support'

const SETTINGS = '[relay]\ntrusted = 192.0.2.10, 10.0.0.0/8\n'
const RULES = `; rules of a test
[partners]
sender = @partner.example
action = accept
[noted]
subject = *invoice*
action = drop
mode = observe
[programs]
attachment.name = *.exe, "a, b"  ; programs
action = bounce
bounce.text = No programs ({attachment})
[unknown]
recipient = @yours.example
not.recipient = anna@yours.example
action = bounce
bounce.type = DoesNotExist
`
const FILES = {
  'ses-bounce.ini': SETTINGS,
  'ses-bounce-rules.ini': RULES,
  host_list: 'yours.example\n',
  me: 'mx.yours.example\n',
}
const RECEIVED_AT = new Date('2025-02-20T12:38:04Z')
const SES_ID = '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1'
/** Long after it. */
const NOW_MS = Date.UTC(2030, 0, 1)
const SAMPLES = path.join(__dirname, '../fixtures/receipts')

type Files = Record<string, string | Buffer>

describe('ses-bounce explain', () => {
  afterEach(() => removeDirectories())

  describe('of a mail', () => {
    it('shows the fields of SES, why each rule does not hold, the outcome, the reply and the call', async () => {
      assert.deepEqual(await lines([], sample()), [
        'mail.eml: 1.3 kB (1,313 bytes), as it would fare at 2025-02-20 12:39:04 UTC, one minute after SES took it (--at sets another time)',
        '',
        "SES's receipt",
        `  id         ${SES_ID}`,
        '  received   2025-02-20 12:38:04 UTC in eu-west-1, 1m ago',
        '  client     mail.origin.example (mail.origin.example [192.0.2.7])',
        '  sender     someone@origin.example',
        '  recipient  user@yours.example',
        '  verdicts   spam pass, virus pass, spf pass, dkim pass, dmarc pass',
        '  proves     origin.example by SPF, origin.example by DKIM, origin.example by DMARC',
        '',
        'The relay',
        '  address    192.0.2.10, the first of [relay] trusted',
        "  MAIL FROM  someone@origin.example, SES's Return-Path",
        "  RCPT TO    user@yours.example, behind `for` in SES's Received",
        '',
        'Content, as a rule asks for it',
        '  text       18 characters',
        '  attached   nothing',
        '',
        'user@yours.example: bounce, by [unknown]',
        '  ses-bounce-rules.ini:3 [partners] sender = @partner.example: no value matches; it has someone@origin.example',
        '  ses-bounce-rules.ini:6 [noted] subject = *invoice*: no value matches; it has "A test"',
        '  ses-bounce-rules.ini:10 [programs] attachment.name = *.exe, "a, b": no value matches; there is none',
        '  ses-bounce-rules.ini:13 [unknown] holds',
        '  SES had this recipient: its Received names it',
        '  no guard speaks against the bounce, and it is in time',
        '  SES tells the sender',
        '',
        'SMTP answer: 250, the mail is taken',
        '',
        'Call to SES in eu-west-1: SendBounce',
        ...JSON.stringify(CALL, null, 2)
          .split('\n')
          .map(line => `  ${line}`),
      ])
    })

    it('writes the same as one object with --json', async () => {
      const { receipt, content, rules, decisions, warnings, ...more } = await object([], sample())
      assert.deepEqual(
        [receipt?.sesId, receipt?.region, receipt?.receivedAt, receipt?.verdicts.spam],
        [SES_ID, 'eu-west-1', '2025-02-20T12:38:04.000Z', 'pass'],
      )
      assert.deepEqual(content, {
        attachments: [],
        texts: ['Hello from a test.'],
        textCharacters: 18,
        isCut: false,
      })
      const rule = { mode: 'enforce', recipient: 'user@yours.example', holds: false }
      assert.deepEqual(rules, [
        {
          ...rule,
          name: 'partners',
          line: 2,
          action: 'accept',
          failed: {
            line: 3,
            key: 'sender',
            value: ['someone@origin.example'],
            values: 1,
            wanted: '@partner.example',
          },
        },
        {
          ...rule,
          name: 'noted',
          line: 5,
          mode: 'observe',
          action: 'drop',
          failed: { line: 6, key: 'subject', value: ['A test'], values: 1, wanted: '*invoice*' },
        },
        {
          ...rule,
          name: 'programs',
          line: 9,
          action: 'bounce',
          failed: { line: 10, key: 'attachment.name', value: [], values: 0, wanted: '*.exe, "a, b"' },
        },
        { ...rule, name: 'unknown', line: 13, action: 'bounce', holds: true },
      ])
      assert.deepEqual(decisions, [
        {
          recipient: 'user@yours.example',
          source: 'for',
          envelopeRecipient: 'user@yours.example',
          refused: null,
          rule: 'unknown',
          wanted: 'bounce',
          action: 'bounce',
          deliver: false,
          reason: null,
          reply: null,
          sendBounce: CALL,
          observed: [],
        },
      ])
      assert.deepEqual(warnings, [])
      assert.deepEqual(more, {
        at: '2025-02-20T12:39:04.000Z',
        envelope: {
          sender: 'someone@origin.example',
          recipients: ['user@yours.example'],
          relayIp: '192.0.2.10',
          sizeBytes: 1313,
        },
        assumed: {
          from: "SES's Return-Path",
          to: "behind `for` in SES's Received",
          relay: 'the first of [relay] trusted',
          at: 'one minute after SES took it',
        },
        answer: { kind: 'commit', goesOnTo: [], quarantined: [] },
      })
    })

    it('with a guard or too late says why there is no bounce, and what is done', async () => {
      const [unsafe] = (await object([], sample({ spam: 'FAIL' }))).decisions
      assert.deepEqual(
        [unsafe?.wanted, unsafe?.action, unsafe?.reason, unsafe?.detail, unsafe?.sendBounce],
        ['bounce', 'quarantine', 'unsafe', 'spam', null],
      )
      const shown = await lines([], sample({ spam: 'FAIL' }))
      assert.ok(shown.includes('  not bounced: unsafe, spam; so it is quarantine'))
      assert.ok(shown.includes('  kept in the quarantine: nobody is told'))
      const late = await object(['--at', '25h'], sample())
      assert.deepEqual([late.decisions[0]?.reason, late.assumed.at], ['expired', undefined])
      const text = '5.4.7 No such mailbox (not bounced: later than 24h after its receipt)'
      assert.deepEqual(late.answer, { kind: 'refuse', code: 550, text })
      assert.equal(late.decisions[0]?.reply, `550 ${text}`)
      assert.ok((await lines(['--at', '25h'], sample())).includes(`SMTP answer: 550 ${text}`))
    })

    it('to several recipients shows the outcome of each, and the one reply for all', async () => {
      const to = ['--to', 'anna@yours.example', '--to', 'user@yours.example', '--to', 'x@yours.example']
      const mail = sample({ headers: { To: 'anna@yours.example, user@yours.example, x@yours.example' } })
      const { decisions, answer, rules } = await object(to, mail)
      assert.deepEqual(
        decisions.map(({ recipient, action, source }) => [recipient, action, source]),
        [
          ['anna@yours.example', 'accept', 'header'],
          ['user@yours.example', 'bounce', 'for'],
          ['x@yours.example', 'bounce', 'header'],
        ],
      )
      assert.deepEqual(answer, { kind: 'commit', goesOnTo: ['anna@yours.example'], quarantined: [] })
      assert.equal(rules.length, 12)
      assert.deepEqual(decisions[1]?.sendBounce, decisions[2]?.sendBounce)
      assert.deepEqual(
        decisions[1]?.sendBounce?.BouncedRecipientInfoList?.map(({ Recipient }) => Recipient),
        ['user@yours.example', 'x@yours.example'],
      )
      const shown = await lines(to, mail)
      assert.ok(shown.includes('SMTP answer: none of ours, the mail goes on for anna@yours.example'))
      assert.ok(shown.includes('anna@yours.example: accept, as no rule holds'))
      assert.ok(
        shown.includes(
          '  ses-bounce-rules.ini:15 [unknown] not.recipient = anna@yours.example: a value matches; it has anna@yours.example',
        ),
      )
    })

    it('that one recipient has deferred is refused as a whole: no call is made', async () => {
      const rules = '[later]\nrecipient = anna@*\naction = defer\n[all]\naction = bounce\n'
      const to = ['--to', 'user@yours.example', '--to', 'anna@yours.example']
      const { decisions, answer } = await object(to, sample(), { ...FILES, 'ses-bounce-rules.ini': rules })
      assert.deepEqual(
        decisions.map(({ action, sendBounce }) => [action, sendBounce]),
        [
          ['bounce', null],
          ['defer', null],
        ],
      )
      assert.deepEqual(answer, { kind: 'refuse', code: 450, text: '4.7.1 Refused for now by policy' })
    })

    it('with a rejection beside a bounce says that the rejection is quarantined', async () => {
      const rules = '[no]\nrecipient = anna@*\naction = reject\n[all]\naction = bounce\n'
      const to = ['--to', 'user@yours.example', '--to', 'anna@yours.example']
      const { answer, warnings } = await object(to, sample(), { ...FILES, 'ses-bounce-rules.ini': rules })
      assert.deepEqual(answer, { kind: 'commit', goesOnTo: [], quarantined: ['anna@yours.example'] })
      assert.deepEqual(warnings, [
        'anna@yours.example is rejected, but quarantined: SMTP has one reply for all recipients',
      ])
    })

    it('has what it holds read when a rule asks, and the attachment named', async () => {
      const mail = sample({
        headers: { Subject: 'your invoice', 'Content-Type': 'application/x-msdownload; name="run.exe"' },
        body: 'MZ',
      })
      const { content, decisions } = await object([], mail)
      assert.deepEqual(content?.attachments, [
        {
          names: ['run.exe'],
          types: ['application/x-msdownload'],
          sizeBytes: content?.attachments[0]?.sizeBytes,
        },
      ])
      assert.equal(decisions[0]?.sendBounce?.Explanation, 'No programs (run.exe)')
      assert.deepEqual(decisions[0]?.observed, [{ rule: 'noted', action: 'drop' }])
      const shown = await lines([], mail)
      assert.ok(shown.includes('  ses-bounce-rules.ini:5 [noted] holds, and only notes drop: mode observe'))
      const rules = { ...FILES, 'ses-bounce-rules.ini': '[a]\nsender = @a.example\naction = drop\n' }
      assert.equal((await object([], mail, rules)).content, null)
    })

    it('reads no further than [content] limit, and says so', async () => {
      const files = {
        ...FILES,
        'ses-bounce.ini': `${SETTINGS}[content]\nlimit = 1kb\n`,
        'ses-bounce-rules.ini': '[a]\nbody = *test*\naction = drop\n',
      }
      const mail = sample({ body: `${'x'.repeat(511)}\n${'x'.repeat(600)} test` })
      const { content, warnings, decisions } = await object([], mail, files)
      assert.deepEqual(
        [content?.isCut, content?.texts, decisions[0]?.action],
        [true, [`${'x'.repeat(511)}\n${'x'.repeat(512)}`], 'accept'],
      )
      assert.deepEqual(warnings, ['a text is longer than [content] limit: the patterns saw its beginning'])
    })

    describe('whose content can not be read', () => {
      const broken = () => ({
        ...sharedWorkerThreads(),
        content: () => Promise.reject(new Error('reading its content takes too long')),
      })
      const rules = (first: string) =>
        `[first]\nsender = ${first}\naction = drop\n[second]\nbody = *x*\naction = drop\n[third]\nsize = > 1b\naction = drop\n`
      const explained = async (first: string, args: string[] = []) => {
        const dir = harakaDirectory({ ...FILES, 'ses-bounce-rules.ini': rules(first) })
        return ran(out =>
          explain(['--dir', dir, ...args, '-'], out, {}, { ...io(sample()), openWorkerThreads: broken }),
        )
      }

      it('is refused temporarily, where the decision needs it', async () => {
        const fault =
          "it would be refused for now (450): [second] can't be checked: reading its content takes too long"
        assert.deepEqual(await explained('@other.example'), {
          code: 1,
          lines: [],
          errors: [`ses-bounce explain: standard input: ${fault}`],
        })
        const { lines } = await explained('@other.example', ['--json'])
        assert.deepEqual(
          lines.map(line => JSON.parse(line) as unknown),
          [{ fault }],
        )
      })

      it('is explained as far as the rule that decides', async () => {
        const { code, lines } = await explained('@origin.example', ['--json'])
        const { rules, decisions, warnings } = camelKeys(JSON.parse(lines[0] ?? '')) as Explanation
        assert.deepEqual([code, decisions[0]?.rule, rules.map(({ name }) => name)], [0, 'first', ['first']])
        assert.deepEqual(warnings, [
          'the rules below the one that decides could not all be asked: reading its content takes too long',
        ])
      })
    })

    it('shows no more rules than help at a glance', async () => {
      const rules = Array.from({ length: 100 }, (_, i) => `[r${i}]\nsender = ${i}@a.example\naction = drop\n`)
      const files = { ...FILES, 'ses-bounce-rules.ini': rules.join('') }
      const shown = await lines([], sample(), files)
      assert.equal(shown.filter(line => /^ {2}ses-bounce-rules\.ini:\d+ /.test(line)).length, 30)
      assert.ok(shown.includes("  70 rules above these don't decide either; --json has them"))
      assert.equal((await object([], sample(), files)).rules.length, 100)
    })

    it('shortens what is long', async () => {
      const mail = sample({
        headers: { Subject: 'x'.repeat(5000), To: `a@${'y'.repeat(50)}.example,\r\n `.repeat(100) },
      })
      const files = {
        ...FILES,
        'ses-bounce-rules.ini': '[a]\nsubject = z\naction = drop\n[b]\nto = z@z.example\naction = drop\n',
      }
      const [subject, to] = (await object([], mail, files)).rules
      assert.deepEqual(subject?.failed?.value, [`${'x'.repeat(200)}...`])
      assert.deepEqual([to?.failed?.value.length, to?.failed?.values], [20, 100])
      for (const line of await lines([], mail, files)) assert.ok(line.length < 400, line)
    })

    it('never writes control characters of a mail or a configuration', async () => {
      const nasty = '\u001b[2J\u009b\u202e\u2028\u0007'
      const Subject = `=?utf-8?B?${Buffer.from(nasty).toString('base64')}?=`
      const mail = sample({ headers: { Subject }, helo: nasty, recipient: `"${nasty}"@yours.example` })
      const files = {
        ...FILES,
        'ses-bounce-rules.ini': `[r${nasty}]\nsubject = x${nasty}\naction = drop\n[s]\naction = reject\nreply = {subject}\n`,
      }
      for (const line of await lines([], mail, files)) assert.match(line, /^[ -~]*$/)
      const [json] = (await run(['--json'], mail, files)).lines
      assert.match(json ?? '', /^[ -~]+$/)
      const read = camelKeys(JSON.parse(json ?? '')) as Explanation
      assert.deepEqual(read.rules[0]?.failed?.value, [nasty])
    })
  })

  describe('assumes', () => {
    it('what it is told', async () => {
      const { envelope, assumed, decisions, at } = await object(
        [
          '--from',
          '<>',
          '--to',
          '<x@other.example>',
          '--at',
          '2025-02-20 14:00:00+01:00',
          '--relay',
          '10.1.2.3',
        ],
        sample(),
      )
      assert.deepEqual(envelope, {
        sender: '',
        recipients: ['x@other.example'],
        relayIp: '10.1.2.3',
        sizeBytes: 1313,
      })
      assert.deepEqual([assumed, at], [{}, '2025-02-20T13:00:00.000Z'])
      // SES's Return-Path is the sender of record all the same, and its `for` the recipient
      assert.deepEqual([decisions[0]?.recipient, decisions[0]?.source], ['user@yours.example', 'rewritten'])
    })

    it('for the recipients those in the header at domains of ours, where SES names none', async () => {
      const headers = { To: 'x@yours.example, y@other.example', Cc: 'X@yours.example, z@YOURS.example' }
      const { envelope, assumed } = await object([], sample({ forRecipient: null, headers }))
      assert.deepEqual(envelope.recipients, ['X@yours.example', 'z@YOURS.example'])
      assert.equal(assumed.to, 'named in its header, at domains that SES receives for')
    })

    it('or asks for them', async () => {
      const mail = sample({ forRecipient: null, headers: { To: 'y@other.example' } })
      const { code, lines, errors } = await run([], mail)
      assert.deepEqual([code, lines], [2, []])
      assert.deepEqual(errors, [
        "ses-bounce explain: mail.eml: its recipients aren't known: SES's Received names none, and the header none at a domain that SES receives for; --to names them",
      ])
      assert.equal((await run(['--to', 'y@other.example'], mail)).code, 0)
    })

    it('without a receipt the null sender where the header begins with its Return-Path', async () => {
      const mail = `Return-Path: <>\r\n${plainMail({ headers: { From: 'postmaster@origin.example' } }).toString()}`
      const { envelope, assumed, decisions } = await object([], Buffer.from(mail))
      assert.equal(envelope.sender, '')
      assert.equal(assumed.from, 'from its Return-Path, as SES wrote none')
      assert.equal(decisions[0]?.reason, 'no_receipt')
    })

    it('without a receipt the header for the sender, and now for the time', async () => {
      const mail = plainMail({ headers: { From: 'A <a@origin.example>' } })
      const { receipt, receiptFault, envelope, at, assumed, decisions } = await object([], mail)
      assert.deepEqual([receipt, receiptFault], [null, 'no Received line of SES'])
      assert.deepEqual([envelope.sender, at], ['a@origin.example', new Date(NOW_MS).toISOString()])
      assert.deepEqual(assumed, {
        from: 'from its header, as SES wrote none',
        to: 'named in its header, at domains that SES receives for',
        relay: 'the first of [relay] trusted',
        at: 'now, as SES wrote no time of receipt',
      })
      assert.deepEqual([decisions[0]?.source, decisions[0]?.reason], ['envelope', 'no_receipt'])
      assert.ok((await lines([], mail)).includes("SES's receipt: none, no Received line of SES"))
      assert.equal((await object(['--at', '5h'], mail)).at, new Date(NOW_MS).toISOString())
    })

    it('what other plugins found, and says what it lacks', async () => {
      const files = {
        ...FILES,
        'ses-bounce-rules.ini':
          '[s]\nresult.rspamd.score = > 5\naction = reject\n[t]\nresult.x.list = b\naction = drop\n',
      }
      const asked = await object([], sample(), files)
      assert.deepEqual(asked.warnings, [
        '[s] asks for result.rspamd.score, of which nothing is known here; --result rspamd.score=VALUE says it',
        '[t] asks for result.x.list, of which nothing is known here; --result x.list=VALUE says it',
      ])
      const told = [
        '--result',
        'rspamd.score=5',
        '--result',
        'x.list=a',
        '--result',
        'x.list=b',
        '--result',
        'rspamd.scor=9',
      ]
      const { decisions, warnings, rules } = await object(told, sample(), files)
      assert.deepEqual(warnings, ['no rule asks for result.rspamd.scor; did you mean "rspamd.score"?'])
      assert.equal(decisions[0]?.action, 'drop')
      assert.deepEqual(rules[0]?.failed?.value, [5])
    })
  })

  describe('says that a mail would pass untouched, and what the rules say all the same', () => {
    const untouched = async (args: string[], settings: string) => {
      const files = { ...FILES, 'ses-bounce.ini': settings }
      const { untouched, decisions } = await object(args, sample(), files)
      assert.equal(decisions[0]?.action, 'bounce')
      assert.equal(
        (await lines(args, sample(), files)).find(line => line.startsWith('It would pass untouched')),
        untouched && `It would pass untouched: ${untouched}. What the rules say all the same:`,
      )
      return untouched
    }

    it('where no relay is trusted', async () => {
      assert.equal(await untouched([], ''), 'no relay is trusted ([relay] trusted in ses-bounce.ini)')
    })
    it('from a relay that is not trusted', async () => {
      assert.equal(
        await untouched(['--relay', '192.0.2.11'], SETTINGS),
        '192.0.2.11 is no trusted relay ([relay] trusted in ses-bounce.ini)',
      )
      assert.equal(await untouched(['--relay', '10.255.0.1'], SETTINGS), undefined)
    })
    it('in mode observe', async () => {
      assert.equal(
        await untouched([], `[main]\nmode = observe\n${SETTINGS}`),
        'mode = observe in ses-bounce.ini',
      )
    })
    it('but not from one that logs in', async () => {
      assert.equal(await untouched([], '[relay]\nauth_users = relay\n'), undefined)
    })
  })

  describe('reports mail that Haraka itself would refuse', () => {
    it('by connection.ini', async () => {
      const files = {
        ...FILES,
        'connection.ini': '[max]\nbytes=1000\n[headers]\nmax_received=1\nmax_lines=20\n',
      }
      const { warnings, decisions } = await object([], sample(), files)
      assert.deepEqual(decisions[0]?.detail, 'header is cut')
      assert.deepEqual(warnings, [
        'Haraka itself refuses it: over 1000 bytes ([max] bytes in connection.ini)',
        'Haraka itself refuses it: 2 Received fields ([headers] max_received)',
        'Haraka keeps only the first 20 lines of its header ([headers] max_lines), so it is never bounced',
      ])
    })
  })

  describe('of many mails', () => {
    const box = () => mbox([sample(), sample({ spam: 'FAIL' }), sample({ sender: 'a@partner.example' })])

    it('has a line for each recipient, and a sum', async () => {
      assert.deepEqual(await lines([], box()), [
        'mail.eml#1: user@yours.example -> bounce [unknown]',
        'mail.eml#2: user@yours.example -> quarantine [unknown] unsafe: spam',
        'mail.eml#3: user@yours.example -> accept [partners]',
        '',
        '3 mails, 3 recipients',
        '  1  bounce [unknown]',
        '  1  quarantine [unknown] unsafe',
        '  1  accept [partners]',
      ])
    })

    it('has one object a line with --json, and the sum in the last', async () => {
      const { lines } = await run(['--json'], box())
      const read = lines.map(line => JSON.parse(line) as ExplainedDecisions & { mail: string; sum: unknown })
      assert.deepEqual(
        read.slice(0, -1).map(({ mail, decisions }) => [mail, decisions[0]?.action]),
        [
          ['mail.eml#1', 'bounce'],
          ['mail.eml#2', 'quarantine'],
          ['mail.eml#3', 'accept'],
        ],
      )
      const one = { recipients: 1, reason: null }
      assert.deepEqual(read.at(-1), {
        sum: {
          mails: 3,
          faults: 0,
          decisions: [
            { ...one, action: 'bounce', rule: 'unknown' },
            { ...one, action: 'quarantine', rule: 'unknown', reason: 'unsafe' },
            { ...one, action: 'accept', rule: 'partners' },
          ],
        },
      })
      assert.equal('rules' in (read[0] ?? {}), false)
    })

    it('says of which nothing can be said, and ends with 1', async () => {
      const dir = emptyDirectory()
      writeFileSync(path.join(dir, 'a'), '')
      writeFileSync(path.join(dir, 'b'), sample())
      writeFileSync(path.join(dir, 'c'), 'Subject: x\n')
      const unaddressed =
        "its recipients aren't known: SES's Received names none, and the header none at a domain that SES receives for; --to names them"
      const result = await ran(out => explain(['--dir', harakaDirectory(FILES), dir], out, {}, io()))
      assert.deepEqual(result, {
        code: 1,
        errors: [],
        lines: [
          'a: not explained: is empty',
          'b: user@yours.example -> bounce [unknown]',
          `c: not explained: ${unaddressed}`,
          '',
          '3 mails, 1 recipient',
          '  1  bounce [unknown]',
          '  2 mails could not be explained',
        ],
      })
      const json = await ran(out => explain(['--json', '--dir', harakaDirectory(FILES), dir], out, {}, io()))
      assert.deepEqual(JSON.parse(json.lines[0] ?? ''), { mail: 'a', fault: 'is empty' })
    })

    it('says once what goes for all of them', async () => {
      const files = { ...FILES, 'ses-bounce.ini': `[main]\nmode = observe\n${SETTINGS}` }
      const shown = await lines([], box(), files)
      assert.equal(shown[0], 'warning: all mail would pass untouched: mode = observe in ses-bounce.ini')
      assert.equal(shown.filter(line => line.startsWith('warning')).length, 1)
    })

    it('shows its progress on a terminal, and removes it before a line', async () => {
      const written: string[] = []
      let nowMs = 0
      const progress = terminalProgress({ write: text => written.push(text) }, () => (nowMs += 150))
      await ran(async out => {
        const noting = { ...out, line: (text: string) => void written.push(text) }
        return explain(['--dir', harakaDirectory(FILES), '-'], noting, {}, { ...io(box()), progress })
      })
      assert.deepEqual(written.slice(0, 5), [
        'mail.eml#1: user@yours.example -> bounce [unknown]'.replace('mail.eml', 'standard input'),
        '\r2 mails',
        '\r\u001B[2K',
        'standard input#2: user@yours.example -> quarantine [unknown] unsafe: spam',
        'standard input#3: user@yours.example -> accept [partners]',
      ])
    })
  })

  describe('against another configuration', () => {
    const other = (files: Files) => harakaDirectory({ ...FILES, ...files })
    const compared = (
      files: Files,
      input: Buffer = mbox([sample(), sample({ sender: 'a@partner.example' })]),
    ) => run(['--against', other(files)], input)

    it('shows both decisions of those mails that are decided differently, and ends with 1', async () => {
      const rules = RULES.replace('@partner.example\naction = accept', '@partner.example\naction = drop')
      assert.deepEqual(await compared({ 'ses-bounce-rules.ini': rules }), {
        code: 1,
        errors: [],
        lines: [
          'mail.eml#2: user@yours.example -> accept [partners] | drop [partners]',
          '2 mails, 1 decided differently',
        ],
      })
    })

    it('ends with 0 where none is, whatever the rules are called', async () => {
      const rules = RULES.replaceAll('[partners]', '[friends]').replace('[noted]', '[seen]')
      const none = { code: 0, errors: [], lines: ['2 mails, 0 decided differently'] }
      assert.deepEqual(await compared({ 'ses-bounce-rules.ini': rules }), none)
    })

    it('shows what differs in texts and in the call', async () => {
      const rules = RULES.replace(
        'DoesNotExist\n',
        'DoesNotExist\nbounce.text = Nobody, here\nbounce.status = 5.1.6\n',
      )
      const { lines } = await compared({ 'ses-bounce-rules.ini': rules }, sample())
      assert.deepEqual(lines, [
        'mail.eml: user@yours.example -> bounce [unknown] | bounce [unknown]',
        '  Status: 5.1.1 | 5.1.6',
        '  DiagnosticCode: "smtp; 550 5.1.1 No such mailbox" | "smtp; 550 5.1.6 Nobody, here"',
        '  Explanation: none | "Nobody, here"',
        '1 mail, 1 decided differently',
      ])
      const late = await run(['--at', '25h', '--against', other({ 'ses-bounce-rules.ini': rules })], sample())
      assert.match(
        late.lines[1] ?? '',
        /^ {2}reply: "550 5\.4\.7 No such mailbox \(not .*" \| "550 5\.4\.7 Nobody, here/,
      )
    })

    it('shows that mail would pass untouched by one of them', async () => {
      const { code, lines } = await compared(
        { 'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.99\n' },
        sample(),
      )
      assert.equal(code, 1)
      assert.equal(
        lines[0],
        'mail.eml: the mail -> taken | untouched: 192.0.2.10 is no trusted relay ([relay] trusted in ses-bounce.ini)',
      )
    })

    it('writes both with --json', async () => {
      const rules = RULES.replace('@partner.example\naction = accept', '@partner.example\naction = drop')
      const { lines } = await run(
        ['--json', '--against', other({ 'ses-bounce-rules.ini': rules })],
        sample({ sender: 'a@partner.example' }),
      )
      const [one, sum] = lines.map(
        line => JSON.parse(line) as { mail: string; here: ExplainedDecisions; there: ExplainedDecisions },
      )
      assert.deepEqual(
        [one?.mail, one?.here.decisions[0]?.action, one?.there.decisions[0]?.action],
        ['mail.eml', 'accept', 'drop'],
      )
      assert.deepEqual(sum, { sum: { mails: 1, differing: 1, faults: 0 } })
    })
  })

  describe('with a bad configuration', () => {
    const bad = { ...FILES, 'ses-bounce-rules.ini': '[a]\nsise = > 1mb\naction = drop\n' }
    const error = 'ses-bounce-rules.ini:2: [a] unknown condition "sise"; did you mean "size"?'

    it('shows its errors as check does, and explains nothing', async () => {
      assert.deepEqual(await run([], sample(), bad), { code: 1, lines: [error, '1 error'], errors: [] })
      const { code, lines } = await run(['--json'], sample(), bad)
      assert.deepEqual(
        [code, lines.length, (JSON.parse(lines[0] ?? '') as { ok: boolean }).ok],
        [1, 1, false],
      )
    })

    it('also where it is the other one', async () => {
      assert.deepEqual(await run(['--against', harakaDirectory(bad)], sample()), {
        code: 1,
        lines: [error, '1 error'],
        errors: [],
      })
    })
  })

  describe('called wrongly', () => {
    it('ends with 2 and one line that names what is wrong', async () => {
      const dir = harakaDirectory(FILES)
      const at =
        'write a time as 2025-02-20T12:38:04Z, or how long after its receipt: a number and a unit: 500ms, 10s, 5m, 24h, 7d'
      const one = 'name one file, folder or mbox, or - for standard input'
      const wrong: [string[], string][] = [
        [[], one],
        [
          ['a', 'b'],
          "too many arguments for 'explain'. Expected 1 argument but got 2; see ses-bounce explain --help",
        ],
        [['--from', 'x', '-'], '"x" isn\'t an address'],
        [['--to', '', '-'], '"" isn\'t an address'],
        [['--at', 'noon', '-'], `--at can't be "noon"; ${at}`],
        [['--at', '2025-02-30', '-'], `--at can't be "2025-02-30"; ${at}`],
        [['--at', '999999999d', '-'], `--at can't be "999999999d"; ${at}`],
        [['--relay', 'host', '-'], '--relay must be an IP address, not "host"'],
        [['--result', 'x', '-'], '--result can\'t be "x"; write PLUGIN.PATH=VALUE, as rspamd.score=7.5'],
        [['--result', 'x=1', '-'], '--result can\'t be "x=1"; write PLUGIN.PATH=VALUE, as rspamd.score=7.5'],
        [['--against', '', '-'], '--against needs a directory'],
        [
          ['--against', '/nowhere', '-'],
          'there is no directory /nowhere; --against names the Haraka directory, which holds config/',
        ],
        [
          ['--dir', '/nowhere', '-'],
          'there is no directory /nowhere; --dir names the Haraka directory, which holds config/',
        ],
        [['/nowhere.eml'], 'there is no file or folder /nowhere.eml'],
      ]
      for (const [args, fault] of wrong) {
        const result = await ran(out => explain(args, out, { HARAKA: dir }, io()))
        assert.deepEqual(result, { code: 2, lines: [], errors: [`ses-bounce explain: ${fault}`] })
      }
    })

    it('has help, which says that the queue is not asked, and is found as a command', async () => {
      const help = await ran(out => main(['explain', '--help'], out))
      assert.equal(help.code, 0)
      for (const option of ['--dir', '--from', '--to', '--at', '--relay', '--result', '--against', '--json'])
        assert.ok(help.lines[0]?.includes(`\n  ${option} `), option)
      assert.match(help.lines.join('\n'), /The queue is not asked/)
    })
  })

  describe('of whatever it is given', () => {
    it('explains each of the stored receipts', async () => {
      const dir = harakaDirectory({
        ...FILES,
        'ses-bounce-rules.ini': '[all]\nbody = *Sample*\naction = bounce\n',
      })
      const names = readdirSync(SAMPLES)
      for (const name of names) {
        const { code, lines, errors } = await ran(out =>
          explain(['--json', '--dir', dir, path.join(SAMPLES, name)], out, {}, io()),
        )
        assert.deepEqual([code, errors], [0, []], name)
        const { receipt, decisions } = camelKeys(JSON.parse(lines[0] ?? '')) as Explanation
        assert.ok(receipt?.sesId, name)
        assert.equal(decisions[0]?.rule, 'all', name)
      }
      const { code, lines } = await ran(out => explain(['--dir', dir, SAMPLES], out, {}, io()))
      assert.deepEqual([code, lines.length > names.length], [0, true])
    })

    it('never throws, and always says something', async () => {
      const dir = harakaDirectory({
        ...FILES,
        'ses-bounce-rules.ini': RULES + '[b]\nbody = /x+y/\naction = drop\n',
      })
      const pieces = [
        'From a\n',
        '\n',
        '\r\n',
        'Subject: =?utf-8?B?',
        'To: <',
        ': ',
        'Content-Type: multipart/mixed; boundary=a\n',
        '--a\n',
        sample().toString().slice(0, 700),
      ]
      const input = fc
        .array(fc.oneof(fc.constantFrom(...pieces.map(text => Buffer.from(text))), fc.uint8Array()))
        .map(parts => Buffer.concat(parts.map(part => Buffer.from(part))))
      await fc.assert(
        fc.asyncProperty(input, fc.boolean(), async (bytes, json) => {
          const args = ['--dir', dir, '--to', 'x@yours.example', ...(json ? ['--json'] : []), '-']
          const { code, lines, errors } = await ran(out => explain(args, out, {}, io(bytes)))
          assert.ok(code === 0 || code === 1)
          assert.ok(lines.length + errors.length > 0)
          if (json) for (const line of lines) JSON.parse(line)
        }),
        { numRuns: 60 },
      )
    })

    it('says of another file that it is hardly a mail', async () => {
      const binary = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 255])
      const { warnings } = await object(['--to', 'x@yours.example'], binary)
      assert.deepEqual(warnings, ['no line at its top is a header field: is this a mail?'])
      const empty = await run([], Buffer.alloc(0))
      assert.deepEqual(empty, { code: 1, lines: [], errors: ['ses-bounce explain: mail.eml: is empty'] })
    })
  })
})

const CALL = {
  OriginalMessageId: SES_ID,
  BounceSender: 'mailer-daemon@yours.example',
  MessageDsn: { ReportingMta: 'dns; mx.yours.example', ArrivalDate: '2025-02-20T12:38:04.000Z' },
  BouncedRecipientInfoList: [
    {
      Recipient: 'user@yours.example',
      BounceType: 'DoesNotExist',
      RecipientDsnFields: {
        FinalRecipient: 'user@yours.example',
        Action: 'failed',
        Status: '5.1.1',
        DiagnosticCode: 'smtp; 550 5.1.1 No such mailbox',
        LastAttemptDate: '2025-02-20T12:39:04.000Z',
      },
    },
  ],
}

/** The same bytes each time. */
function sample(options: SesMailOptions = {}): Buffer {
  const headers = { 'Message-ID': '<one@origin.example>', ...options.headers }
  return sesMail({ sesId: SES_ID, receivedAt: RECEIVED_AT, ...options, headers }).data
}

function mbox(mails: readonly Buffer[]): Buffer {
  return Buffer.concat(mails.flatMap(mail => [Buffer.from('From x\n'), mail, Buffer.from('\n')]))
}

function io(stdin: Buffer = Buffer.alloc(0)) {
  return {
    stdin: Readable.from([stdin]),
    progress: { at: () => undefined, clear: () => undefined },
    nowMs: NOW_MS,
    openWorkerThreads: sharedWorkerThreads,
  }
}

/** Of a mail in a file mail.eml. */
async function run(args: string[], mail: Buffer, files: Files = FILES) {
  const folder = path.join(emptyDirectory(), 'mails')
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'mail.eml'), mail)
  return ran(out =>
    explain(['--dir', harakaDirectory(files), ...args, path.join(folder, 'mail.eml')], out, {}, io()),
  )
}

async function lines(args: string[], mail: Buffer, files?: Files): Promise<string[]> {
  const { code, lines, errors } = await run(args, mail, files)
  assert.deepEqual([code, errors], [0, []])
  return lines
}

async function object(args: string[], mail: Buffer, files?: Files): Promise<Explanation> {
  const { code, lines, errors } = await run(['--json', ...args], mail, files)
  assert.deepEqual([code, errors, lines.length], [0, [], 1])
  return camelKeys(JSON.parse(lines[0] ?? '')) as Explanation
}

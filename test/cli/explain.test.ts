import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { explain } from '../../src/cli/explain'
import type { Explanation } from '../../src/cli/explain/explanation'
import { camelKeys } from '../../src/json'
import { CALL, FILES, io, lines, object, run, SES_ID, SETTINGS, sample } from './explain-support'
import { sharedWorkerThreads } from './shared-threads'
import { harakaDirectory, ran, removeDirectories } from './support'

describe('ses-bounce explain', () => {
  afterEach(() => removeDirectories())

  describe('of a mail', () => {
    it('shows the fields of SES, why each rule does not hold, the outcome, the reply and the call', async () => {
      assert.deepEqual(await lines([], sample()), [
        'mail.eml: 1.3 kB (1,313 bytes), as decided at 2025-02-20 12:39:04 UTC, one minute after its receipt by SES (--at sets another time)',
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
        "  RCPT TO    user@yours.example, after `for` in SES's Received",
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
        '  no guard prevents the bounce, and it is in time',
        '  SES tells the sender',
        '',
        'SMTP reply: 250, the mail is accepted',
        '',
        'Call to SES in eu-west-1: SendBounce',
        ...JSON.stringify(CALL, null, 2)
          .split('\n')
          .map(line => `  ${line}`),
      ])
    })

    it('shows the account and the lane of a bounce, where there are several accounts', async () => {
      const role = 'arn:aws:iam::123456789012:role/bounce'
      const files = {
        ...FILES,
        'ses-bounce.ini': `${SETTINGS}[account.second]\nrole = ${role}\ndomains = yours.example\n`,
      }
      const said = await lines([], sample(), files)
      const at = said.indexOf('  account second, lane 123456789012/eu-west-1')
      assert.equal(said[at + 1], '  no guard prevents the bounce, and it is in time')
      assert.ok(said.includes('Call to SES in 123456789012/eu-west-1: SendBounce'))
      const [decision] = (await object([], sample(), files)).decisions
      assert.deepEqual([decision?.account, decision?.lane], ['second', '123456789012/eu-west-1'])
    })

    it('says that a domain is in no account, where there are several accounts', async () => {
      const role = 'arn:aws:iam::123456789012:role/bounce'
      const files = {
        ...FILES,
        host_list: '',
        host_list_regex: '.*\\.example\n',
        'ses-bounce.ini': `${SETTINGS}[account.second]\nrole = ${role}\ndomains = second.example\n`,
      }
      const said = await lines([], sample(), files)
      assert.ok(
        said.includes('  not bounced: no_receipt, domain in no account; so it is quarantine'),
        said.join('\n'),
      )
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
          to: "after `for` in SES's Received",
          relay: 'the first of [relay] trusted',
          at: 'one minute after its receipt by SES',
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
      assert.ok(shown.includes('  kept in the quarantine; the sender is not told'))
      const late = await object(['--at', '25h'], sample())
      assert.deepEqual([late.decisions[0]?.reason, late.assumed.at], ['expired', undefined])
      const text = '5.4.7 No such mailbox (not bounced: later than 24h after its receipt)'
      assert.deepEqual(late.answer, { kind: 'refuse', code: 550, text })
      assert.equal(late.decisions[0]?.reply, `550 ${text}`)
      assert.ok((await lines(['--at', '25h'], sample())).includes(`SMTP reply: 550 ${text}`))
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
      assert.ok(shown.includes('SMTP reply: none of ours, the mail goes on for anna@yours.example'))
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

    it('shows the files in an archive, where a rule asks for them', async () => {
      const zipped = readFileSync(path.join(__dirname, '../mail/corpus/archive.eml'), 'latin1')
      const mail = sample({
        headers: { 'Content-Type': 'application/zip; name=a.zip', 'Content-Transfer-Encoding': 'base64' },
        body: zipped.slice(zipped.indexOf('\r\n\r\n') + 4),
      })
      const rule = (conditions: string) => ({
        ...FILES,
        'ses-bounce-rules.ini': `[z]\n${conditions}\naction = drop\n`,
      })
      const asking = rule('attachment.archive = run.exe')
      const holds = '             holds docs/run.exe, run.exe, readme.txt'
      assert.ok((await lines([], mail, asking)).includes(holds))
      assert.deepEqual((await object([], mail, asking)).content?.attachments[0]?.files, [
        'docs/run.exe',
        'run.exe',
        'readme.txt',
      ])
      assert.ok(!(await lines([], mail, rule('attachment.name = *.exe'))).join('\n').includes('holds docs/'))
    })

    it('for which no rule can hold says that the plugin passes it over', async () => {
      const rules =
        '[r]\nsubject = nothing like it\naction = drop\n[b]\nrecipient = @else.example\naction = bounce\n'
      const files = { ...FILES, 'ses-bounce-rules.ini': rules }
      const said = 'No rule can hold for it: it is passed over, without a log line for "accept"'
      assert.ok((await lines([], sample(), files)).includes(said))
      assert.equal((await object([], sample(), files)).passedOver, true)
      assert.ok(!(await lines([], sample())).includes(said))
      assert.equal((await object([], sample())).passedOver, undefined)
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
          "it would get a temporary refusal (450): [second] can't be checked: reading its content takes too long"
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
})

import assert from 'node:assert/strict'
import { explain } from '../../src/cli/explain'
import { main } from '../../src/cli/main'
import { plainMail } from '../live/support/mail'
import { FILES, io, lines, NOW_MS, object, run, sample } from './explain-support'
import { harakaDirectory, ran, removeDirectories } from './support'

describe('ses-bounce explain', () => {
  afterEach(() => removeDirectories())

  it('needs no token or password that only the environment of Haraka or of the relay has', async () => {
    const secrets = '[http]\ntoken = env:NOT_SET_1\n[relay.sqs]\npassword = env:NOT_SET_2\n'
    const files = { ...FILES, 'ses-bounce.ini': `${FILES['ses-bounce.ini']}${secrets}` }
    const { decisions } = await object([], sample(), files)
    assert.equal(decisions[0]?.action, 'bounce')
    const endpoint = `${FILES['ses-bounce.ini']}[ses]\nendpoint = env:NOT_SET_3\n`
    const { code, lines: shown } = await run([], sample(), { ...FILES, 'ses-bounce.ini': endpoint })
    assert.equal(code, 1)
    assert.match(shown.join('\n'), /the environment variable "NOT_SET_3" isn't set/)
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
})

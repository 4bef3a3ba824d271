import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CASE_KEY_NAMES } from '../../src/cli/cases/keys'
import { CASES_FILE } from '../../src/cli/test'
import { harakaDirectory, removeDirectories } from './support'
import { FILES, run, testIn } from './test-support'

describe('ses-bounce test', () => {
  afterEach(() => removeDirectories())

  describe('of a file with mistakes', () => {
    const mistakes: [lines: string, messages: string[]][] = [
      [
        'recipient = x@y.example',
        [
          '1: [case] nothing is expected; valid are expect.rule, expect.action, expect.reason, expect.reply, expect.text',
        ],
      ],
      ['expect.action = drop', ['1: [case] the mail has no recipient; write recipient = user@example.com']],
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
          '5: [case] "attachment.size" is more than SES accepts: 40mb',
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
      ['mail = .\nexpect.action = drop', ['2: [case] "mail" can\'t be read: DIR/config is not a file']],
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
})

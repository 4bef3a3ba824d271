import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { explain } from '../../src/cli/explain'
import type { ExplainedDecisions } from '../../src/cli/explain/explanation'
import { terminalProgress } from '../../src/cli/explain/progress'
import { FILES, type Files, io, lines, mbox, RULES, run, SETTINGS, sample } from './explain-support'
import { emptyDirectory, harakaDirectory, ran, removeDirectories } from './support'

describe('ses-bounce explain', () => {
  afterEach(() => removeDirectories())

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
        'mail.eml: the mail -> taken | untouched: 192.0.2.10 is not a trusted relay ([relay] trusted in ses-bounce.ini)',
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
})

// `ses-bounce quarantine` over Haraka directories, with mail that `keepMail` kept, as an operator types it.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { recipientsOf } from '../../src/app/quarantine-actions'
import { main } from '../../src/cli/main'
import { quarantine } from '../../src/cli/quarantine'
import { snakeKeys } from '../../src/json'
import { endpointOf, parseEndpoint } from '../../src/quarantine/endpoint'
import { quarantineFolder } from '../../src/quarantine/folder-store'
import type { QuarantineRecord } from '../../src/quarantine/record'
import { releaseTokenFolder } from '../../src/quarantine/release-token'
import { keepMail } from '../quarantine/support'
import { emptyDirectory, harakaDirectory, type Ran, ran, removeDirectories } from './support'

const HOSTILE = '\u001b[2J\u009b1m\u202e\u2028x'

const RECORD: QuarantineRecord = {
  quarantinedAt: '2025-02-20T12:38:04.000Z',
  envelope: {
    sender: 'joe@origin.example',
    recipients: ['a@yours.example', 'b@yours.example'],
    relayIp: '192.0.2.1',
  },
  held: [{ recipient: 'a@yours.example', rule: 'programs', reason: 'unsafe: null sender' }],
  receipt: { sesId: 'm1' },
}

const MAIL = 'From: joe@origin.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n.dot\r\nbody\r\n'

describe('ses-bounce quarantine', () => {
  let dir: string
  let folder: string
  beforeEach(() => {
    dir = harakaDirectory({ 'smtp.ini': 'listen=127.0.0.1:1\n' })
    folder = quarantineFolder(dir)
  })
  after(removeDirectories)

  const run = (...args: string[]): Promise<Ran> =>
    ran(out => quarantine([...args, '--dir', dir], out, {}, () => undefined))
  const parsed = ({ lines }: Ran) => lines.map(line => JSON.parse(line) as Record<string, unknown>)

  /** `atMs`: later mail stands first. */
  async function keep(
    identity: string,
    {
      record = RECORD,
      mail = MAIL,
      atMs = 1000,
    }: { record?: QuarantineRecord; mail?: string; atMs?: number } = {},
  ): Promise<string> {
    const eml = await keepMail(folder, identity, record, to => void to.end(mail, 'latin1'))
    utimesSync(eml, atMs / 1000, atMs / 1000)
    return path.basename(eml, '.eml')
  }

  it('lists what was kept, latest first, with its subject decoded', async () => {
    const one = await keep('one')
    const two = await keep('two', { mail: 'From: x\r\n\r\n', atMs: 2000 })
    const first = `${one} 2025-02-20 12:38:04 UTC joe@origin.example -> a@yours.example [programs] unsafe: null sender, Grüße`
    assert.deepEqual(await run('list'), {
      code: 0,
      errors: [],
      lines: [first.replace(one, two).replace('Grüße', 'no subject'), first],
    })
    assert.equal((await run('list', '--limit', '1')).lines.length, 1)
    assert.deepEqual(parsed(await run('list', '--json'))[1], {
      id: one,
      file: path.join(folder, `${one}.eml`),
      size_bytes: MAIL.length,
      subject: 'Grüße',
      ...(snakeKeys(RECORD) as object),
    })
  })

  it('shows all that is on record of a mail', async () => {
    const id = await keep('one')
    const { code, lines, errors } = await run('show', id, 'nothing')
    assert.equal(code, 1)
    assert.deepEqual(lines, [
      `${id}: kept 2025-02-20 12:38:04 UTC`,
      `  mail       ${folder}/${id}.eml, ${MAIL.length} bytes`,
      '  MAIL FROM  joe@origin.example',
      '  RCPT TO    a@yours.example, b@yours.example',
      '  relay      192.0.2.1',
      '  held for   a@yours.example by [programs] unsafe: null sender',
      '  From       joe@origin.example',
      '  Subject    Grüße',
      "SES's receipt",
      '  {',
      '    "ses_id": "m1"',
      '  }',
    ])
    assert.deepEqual(errors, ['ses-bounce quarantine show: nothing: there is no such mail in the quarantine'])
  })

  it('deletes both files of a mail, and nothing else, whatever it is told', async () => {
    const [one, two] = [await keep('one'), await keep('two')]
    const secret = path.join(dir, 'ses-bounce', 'other.eml')
    writeFileSync(secret, 'x')
    const { code, lines } = await run('delete', one, '../other', `../quarantine/${two}`, '')
    assert.equal(code, 1)
    assert.deepEqual(lines, [
      `${one}: deleted`,
      '../other: not changed: there is no such mail in the quarantine',
      `../quarantine/${two}: not changed: there is no such mail in the quarantine`,
      ': not changed: there is no such mail in the quarantine',
    ])
    assert.ok(existsSync(secret))
    assert.deepEqual(readdirSync(folder).toSorted(), [`${two}.eml`, `${two}.json`])
  })

  it('shows and deletes mail whose record is damaged, and does not release it', async () => {
    const [gone, damaged] = [await keep('one', { atMs: 2000 }), await keep('two')]
    rmSync(path.join(folder, `${gone}.json`))
    writeFileSync(
      path.join(folder, `${damaged}.json`),
      '{"quarantinedAt": "2025-02-20T12:38:04Z", "held": [1]}',
    )
    assert.deepEqual((await run('list')).lines, [
      `${gone} 1970-01-01 00:00:02 UTC its record can't be read, Grüße`,
      `${damaged} 1970-01-01 00:00:01 UTC its record can't be read, Grüße`,
    ])
    assert.equal((await run('show', gone)).code, 0)
    assert.deepEqual((await run('release', gone)).lines, [
      `${gone}: not changed: its record can't be read, so its recipients are unknown`,
    ])
    assert.deepEqual((await run('delete', gone, damaged)).code, 0)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('shows with --text what a reader sees of a hostile mail, and every name of an attachment', async () => {
    const mail = [
      'Subject: x',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'a\u202eb \u001b]0;title\u0007',
      '--b',
      'Content-Type: application/octet-stream; name="invoice.pdf"',
      'Content-Disposition: attachment; filename="invoice.exe"',
      '',
      'MZ',
      '--b--',
      '',
    ].join('\r\n')
    const id = await keep('one', { mail: Buffer.from(mail).toString('latin1') })
    const { code, lines } = await run('show', '--text', id)
    assert.equal(code, 0)
    const from = lines.indexOf('text')
    assert.deepEqual(lines.slice(from), [
      'text',
      '  ab ]0;title',
      '  attached   invoice.exe or invoice.pdf, application/octet-stream or application/pdf, 2 bytes',
    ])
  })

  it('is empty where nothing was kept', async () => {
    assert.deepEqual(await run('list'), { code: 0, errors: [], lines: ['the quarantine is empty'] })
    assert.deepEqual(await run('list', '--json'), { code: 0, errors: [], lines: [] })
    dir = emptyDirectory()
    assert.equal((await run('list')).code, 2)
  })

  it('lets nothing through to a terminal but text, whatever a mail says', async () => {
    const held = [{ recipient: `"${HOSTILE}"@yours.example`, rule: HOSTILE, reason: HOSTILE }]
    const envelope = { sender: HOSTILE, recipients: [HOSTILE, HOSTILE], relayIp: HOSTILE }
    const encoded = Buffer.from(HOSTILE).toString('base64')
    const id = await keep('one', {
      record: { ...RECORD, envelope, held, receipt: { sesId: HOSTILE } },
      mail: `Subject: =?utf-8?b?${encoded}?=\r\nFrom: ${Buffer.from(HOSTILE).toString('latin1')}\r\n\r\n`,
    })
    for (const args of [
      ['list'],
      ['list', '--json'],
      ['show', id],
      ['show', id, '--json'],
      ['show', HOSTILE],
      ['delete', HOSTILE],
      ['release', id, '--to', '127.0.0.1:1'],
      ['release', HOSTILE, '--json'],
      ['release', id, '--to', HOSTILE],
      [HOSTILE],
    ]) {
      const { lines, errors } = await run(...args)
      assert.ok(lines.length + errors.length > 0, args.join(' '))
      for (const line of [...lines, ...errors])
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, args.join(' '))
    }
    assert.equal(parsed(await run('list', '--json'))[0]?.['subject'], HOSTILE)
  })

  it('says what is wrong with its options, and ends with 2', async () => {
    const faults: [string[], string][] = [
      [[], 'say what to do: list, show, release, delete'],
      [['relase'], 'unknown command "quarantine relase"; did you mean "release"?'],
      [['constructor'], 'unknown command "quarantine constructor"; there are list'],
      [['show'], "missing required argument 'ID'; see ses-bounce quarantine show --help"],
      [['list', 'x'], "too many arguments for 'list'"],
      [['list', '--limit', 'x'], '--limit must be a number from 1 on, not "x"'],
      [['show', 'x', '--limit', '1'], "unknown option '--limit'"],
      [['show', 'x', '--to', 'a:1'], "unknown option '--to'"],
      [['release', 'x', '--to', 'localhost'], `--to can't be "localhost"; write HOST:PORT`],
      [['list', '--what'], "unknown option '--what'"],
    ]
    for (const [args, expected] of faults) {
      const { code, errors } = await run(...args)
      assert.deepEqual([code, errors.length], [2, 1], args.join(' '))
      assert.ok(errors[0]?.startsWith(`ses-bounce quarantine: ${expected}`), errors[0])
    }
    assert.equal((await ran(out => main(['quarantine', '--help'], out))).code, 0)
  })

  it('knows the address at which Haraka accepts mail', () => {
    for (const [text, host, port] of [
      ['', '::1', 25],
      ['listen=[::0]:2525\n', '::1', 2525],
      ['listen=0.0.0.0:465,10.1.2.3:587\n', '10.1.2.3', 587],
      ['listen=0.0.0.0\n', '127.0.0.1', 25],
      ['port=26\n', '::1', 26],
      ['smtps_port=587\nlisten=127.0.0.2:587, 127.0.0.2:25\n', '127.0.0.2', 25],
    ] as const)
      assert.deepEqual(endpointOf(text), { host, port }, text)
    assert.equal(endpointOf('listen=127.0.0.1:465\n'), undefined)
    for (const text of ['a:0', 'a:65536', 'a', ':25', '[a]:25', 'a b:25', '::1:25'])
      assert.equal(parseEndpoint(text), undefined, text)
  })

  it('releases to the quarantined recipients, as the relay gave them', () => {
    const held = (...recipients: string[]) =>
      recipients.map(recipient => ({ recipient, rule: 'r', reason: 'x' }))
    const to = (given: string[], ...recipients: string[]) =>
      recipientsOf({
        ...RECORD,
        envelope: { ...RECORD.envelope, recipients: given },
        held: held(...recipients),
      })
    assert.deepEqual(to(['A@yours.example', 'b@yours.example'], 'a@yours.example'), ['A@yours.example'])
    assert.deepEqual(to(['inner@inside.example'], 'a@yours.example'), ['inner@inside.example'])
    assert.deepEqual(to(['x@inside.example', 'y@inside.example'], 'a@yours.example'), ['a@yours.example'])
  })

  describe('release', () => {
    /** Answers each command as told, else with 250; what it heard. */
    async function server(
      answers: Record<string, string>,
    ): Promise<{ to: string; heard: string[]; end: () => void }> {
      const heard: string[] = []
      const listening = net.createServer(socket => {
        let inData = false
        let rest = ''
        socket.on('error', () => undefined)
        socket.write('220 hello\r\n')
        socket.on('data', data => {
          const lines = `${rest}${data.toString('latin1')}`.split('\r\n')
          rest = lines.pop() ?? ''
          for (const line of lines) {
            heard.push(line)
            if (inData && line !== '.') continue
            inData = line === 'DATA'
            const answer = answers[line.split(/[ :]/)[0] ?? ''] ?? (inData ? '354 go' : '250-more\r\n250 ok')
            if (answer === '') socket.destroy()
            else socket.write(`${answer}\r\n`)
          }
        })
      })
      await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve))
      const { port } = listening.address() as net.AddressInfo
      return { to: `127.0.0.1:${port}`, heard, end: () => listening.close() }
    }

    it('delivers the unchanged mail, and deletes it once it is accepted', async () => {
      const id = await keep('one')
      const { to, heard, end } = await server({})
      assert.deepEqual(await run('release', id, '--to', to), {
        code: 0,
        errors: [],
        lines: [`${id}: released to a@yours.example`],
      })
      end()
      const at = heard.indexOf('DATA')
      assert.match(heard[1] ?? '', /^XSESBOUNCEPASS [0-9a-f]{64}$/)
      assert.deepEqual(heard.slice(2, at), ['MAIL FROM:<joe@origin.example>', 'RCPT TO:<a@yours.example>'])
      assert.deepEqual(
        heard.slice(at + 1, heard.indexOf('.', at)),
        MAIL.replace('.dot', '..dot').split('\r\n').slice(0, -1),
      )
      assert.deepEqual([readdirSync(folder), readdirSync(releaseTokenFolder(dir))], [[], []])
    })

    it('keeps a mail that is large whole, wherever a line is cut', async () => {
      const line = `${'.'.repeat(70)}\r\n`
      const mail = `Subject: x\r\n\r\n${line.repeat(5000)}no end`
      const id = await keep('one', { mail })
      const { to, heard, end } = await server({})
      assert.equal((await run('release', id, '--to', to)).code, 0)
      end()
      const at = heard.indexOf('DATA')
      const data = heard.slice(at + 1, heard.indexOf('.', at + 1)).map(text => text.replace(/^\./, ''))
      assert.equal(data.join('\r\n'), mail)
    })

    it('keeps mail that is refused at any point, or that no server accepts', async () => {
      const id = await keep('one')
      for (const [command, answer, why] of [
        ['EHLO', '500 no', '500 no'],
        ['MAIL', '550 5.7.1 no', '550 5.7.1 no'],
        ['RCPT', '550 no such user', '550 no such user'],
        ['DATA', '451 not now', '451 not now'],
        ['.', '550 never', '550 never'],
        ['.', '', 'the connection was closed before an answer came; it may have been accepted'],
      ] as const) {
        const { to, end } = await server({ [command]: answer })
        const { code, lines } = await run('release', id, '--to', to)
        end()
        assert.equal(code, 1)
        assert.deepEqual(lines, [`${id}: not changed: ${to} did not accept it: ${why}`])
        assert.deepEqual(readdirSync(folder).toSorted(), [`${id}.eml`, `${id}.json`])
        assert.deepEqual(readdirSync(releaseTokenFolder(dir)), [])
      }
      const { lines } = await run('release', id, '--json')
      assert.match(lines[0] ?? '', /"done":false,"why":"127\.0\.0\.1:1 did not accept it: .*ECONNREFUSED/)
      assert.equal(readFileSync(path.join(folder, `${id}.eml`), 'latin1'), MAIL)
    })

    it('puts no second command into an address', async () => {
      const envelope = { ...RECORD.envelope, sender: 'joe@x>\r\nRSET' }
      const id = await keep('one', { record: { ...RECORD, envelope } })
      const { to, heard, end } = await server({})
      assert.equal((await run('release', id, '--to', to)).code, 1)
      end()
      assert.ok(
        heard.every(line => line === 'QUIT' || line === ''),
        heard.join('|'),
      )
    })
  })

  it('makes no folder if there is none', async () => {
    await run('list')
    await run('release', '0'.repeat(24))
    mkdirSync(path.join(dir, 'other'))
    assert.deepEqual(readdirSync(dir).toSorted(), ['config', 'other'])
  })
})

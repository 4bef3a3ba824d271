// `ses-bounce sample`: the mail is as SES hands it on, so the rules of this product read it as they read SES's.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runSample } from '../../src/cli/sample'
import { readHeader } from '../../src/mail/header'
import { readReceipt } from '../../src/mail/receipt'
import { emptyDirectory, harakaDirectory, ran, removeDirectories } from './support'

describe('ses-bounce sample', () => {
  let dir: string
  beforeEach(() => {
    dir = harakaDirectory({
      host_list: 'ours.example\n',
      'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.1\n',
      'smtp.ini': 'listen=127.0.0.1:1\n',
    })
  })
  after(removeDirectories)

  const run = (...args: string[]) => ran(out => runSample([...args, '--dir', dir], out, {}))

  /** The parts of the mail that it writes. */
  async function made(...args: string[]) {
    const { code, lines, errors } = await run(...args)
    assert.deepEqual([code, errors], [0, []], args.join(' '))
    const text = lines.join('\n')
    const header = text.split('\r\n\r\n', 1)[0] ?? ''
    const { fields, facts } = await readHeader(
      header.split('\r\n').map(line => `${line}\n`),
      0,
    )
    return { text, facts, ...readReceipt(fields) }
  }

  it('has a block of SES that is closed, of now, to a domain of ours', async () => {
    const before = Math.floor(Date.now() / 1000) * 1000
    const { receipt, warnings, text } = await made()
    assert.ok(receipt)
    assert.deepEqual(warnings, [])
    assert.equal(receipt.authentication.flaw, undefined)
    assert.deepEqual(receipt.authentication.dkimDomains, ['sender.example'])
    assert.equal(receipt.forRecipient, 'user@ours.example')
    assert.ok(receipt.receivedAtMs >= before && receipt.receivedAtMs <= Date.now())
    assert.ok(text.endsWith('\r'), 'the line end follows')
  })

  it('is another mail each time', async () => {
    const [one, other] = [await made(), await made()]
    assert.notEqual(one.receipt?.sesId, other.receipt?.sesId)
    assert.notDeepEqual(one.facts.values('message-id'), other.facts.values('message-id'))
  })

  it('has what its options say', async () => {
    const args = [
      '--to',
      '"a,b"@ours.example',
      '--to',
      'c@ours.example',
      '--from',
      '<>',
      '--verdict.spam',
      'FAIL',
    ]
    const at = ['--at', '2025-02-20T12:38:04Z', '--region', 'us-east-1', '--client-ip', '2001:db8::1']
    const header = ['--subject', 'Grüße ; and more', '--header-from', 'Joe <joe@x.example>']
    const attached = ['--attach', 'a, b.exe', '--attach', 'c.pdf']
    const { receipt, facts, text } = await made(...args, ...at, ...header, ...attached)
    assert.deepEqual(
      [
        receipt?.forRecipient,
        receipt?.returnPath,
        receipt?.region,
        receipt?.client.ip,
        receipt?.verdicts.spam,
      ],
      ['"a,b"@ours.example', '', 'us-east-1', '2001:db8::1', 'fail'],
    )
    assert.equal(receipt?.receivedAtMs, Date.UTC(2025, 1, 20, 12, 38, 4))
    assert.deepEqual(facts.values('subject'), ['Grüße ; and more'])
    assert.deepEqual(facts.addresses('to'), ['"a,b"@ours.example', 'c@ours.example'])
    assert.match(text, /filename="?a, b\.exe/)
    assert.match(text, /filename=c\.pdf/)
  })

  it('lets no option write a line of its own', async () => {
    const { facts } = await made('--subject', 'x\r\nBcc: evil@x.example', '--header-from', 'y\nX-Evil: 1')
    for (const name of ['bcc', 'x-evil']) assert.deepEqual(facts.values(name), [], name)
  })

  it('is written to a new file, and never over an old one', async () => {
    const file = path.join(emptyDirectory(), 'sample.eml')
    assert.deepEqual((await run('--out', file)).lines, [])
    assert.match(readFileSync(file, 'utf8'), /^Return-Path: .*\r\n[^]*\r\n$/)
    writeFileSync(file, 'mine')
    const again = await run('--out', file)
    assert.equal(again.code, 1)
    assert.match(again.errors.join(), /EEXIST/)
    assert.equal(readFileSync(file, 'utf8'), 'mine')
  })

  it('says what is wrong with its options, and ends with 2', async () => {
    for (const [args, expected] of [
      [['--to', 'nobody'], `--to can't be "nobody"; it is an address`],
      [['--from', 'x y'], `--from can't be "x y"; it is an address`],
      [['--verdict.spam', 'maybe'], `--verdict.spam can't be "maybe"; valid are pass, fail`],
      [['--at', 'noon'], `--at can't be "noon"; write a time as`],
      [['--region', 'mars'], 'unknown value "mars" for region'],
      [['--client-ip', 'x'], `--client-ip can't be "x"; it is an IP address`],
      [['--send', 'x'], `--send can't be "x"; write HOST:PORT`],
      [['--verdict.spa', 'x'], "unknown option '--verdict.spa'"],
    ] as const) {
      const { code, errors } = await run(...args)
      assert.deepEqual([code, errors.length], [2, 1], args.join(' '))
      assert.ok(errors[0]?.startsWith(`ses-bounce sample: ${expected}`), errors[0])
    }
  })

  it('says that nobody answers, and what a reply would not tell', async () => {
    const { code, lines, errors } = await run('--send', '--to', 'a@ours.example')
    assert.equal(code, 1)
    assert.match(lines.join('\n'), /^a@ours\.example: .*ECONNREFUSED/)
    assert.match(errors.join('\n'), /\[relay\] trusted doesn't have this host's loopback address/)
    assert.match(errors.join('\n'), /SES doesn't know this mail, so a bounce of it fails at AWS/)
  })
})

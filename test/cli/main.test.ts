import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { callLine, localSes } from '../../src/cli/local-ses'
import { main } from '../../src/cli/main'
import { EMULATOR_CREDENTIALS } from '../../src/ses-emulator/server'

function recorder() {
  const lines: string[] = []
  const errors: string[] = []
  let heard: () => void = () => undefined
  const first = new Promise<void>(resolve => (heard = resolve))
  const line = (text: string) => {
    lines.push(text)
    heard()
  }
  return { lines, errors, first, line, error: (text: string) => errors.push(text) }
}

async function sayOf(args: string[]): Promise<ReturnType<typeof recorder>> {
  const out = recorder()
  await main(args, out)
  return out
}

describe('ses-bounce', () => {
  it('shows its commands', async () => {
    for (const args of [['help'], ['--help'], []]) {
      const out = recorder()
      assert.equal(await main(args, out), args.length === 0 ? 2 : 0)
      assert.match(out.lines.join('\n'), /local-ses/)
    }
  })
  it('shows the help of every command, and of the commands below it', async () => {
    for (const [args, expected] of [
      [['help', 'check'], /^Usage: ses-bounce check /],
      [['help', 'queue', 'list'], /^Usage: ses-bounce queue list [^]*--state <STATE>/],
      [['queue', 'help', 'list'], /^Usage: ses-bounce queue list /],
      [['queue', '--help'], /^Usage: ses-bounce queue /],
      [['--json', 'help', 'local-ses'], /^Usage: ses-bounce local-ses [^]*--interval <TIME>/],
    ] as const) {
      const out = recorder()
      assert.equal(await main(args, out), 0, args.join(' '))
      assert.match(out.lines.join('\n'), expected)
    }
    for (const args of [
      ['help', 'nothing'],
      ['nothing', '--help'],
      ['queue', 'nothing', '--help'],
      ['--what'],
    ]) {
      const out = recorder()
      assert.equal(await main(args, out), 2, args.join(' '))
      assert.deepEqual([out.lines, out.errors.length], [[], 1], args.join(' '))
    }
  })
  it('shows its version', async () => {
    for (const args of [['--version'], ['-V']]) {
      const out = recorder()
      assert.equal(await main(args, out), 0)
      assert.match(out.lines[0] ?? '', /^\d+\.\d+\.\d+$/)
    }
  })
  it('accepts --dir and --json before the command too', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-'))
    try {
      mkdirSync(path.join(dir, 'config'))
      for (const before of [
        ['--dir', dir, '--json'],
        ['--json', `--dir=${dir}`],
      ]) {
        const out = recorder()
        assert.equal(await main([...before, 'check'], out), 0, out.errors.join('\n'))
        assert.deepEqual(out.lines, (await sayOf(['check', '--dir', dir, '--json'])).lines)
      }
      assert.equal(await main(['--dir'], recorder()), 2)
      assert.equal(await main(['--json'], recorder()), 2)
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
  it('says what is unknown, and what was probably meant', async () => {
    const out = recorder()
    assert.equal(await main(['locale-ses'], out), 2)
    assert.deepEqual(out.errors, ['ses-bounce: unknown command "locale-ses"; did you mean "local-ses"?'])
    assert.equal(await main(['constructor'], out), 2)
  })
})

describe('ses-bounce local-ses', () => {
  it('refuses wrong options with 2', async () => {
    for (const args of [['--port', '65536'], ['--port', '1e3'], ['--interval', '1'], ['--what'], ['a']]) {
      const out = recorder()
      assert.equal(await main(['local-ses', ...args], out), 2, args.join(' '))
      assert.equal(out.errors.length, 1)
    }
  })

  it('runs until it is stopped, shows each call, and says when its port is taken', async () => {
    const out = recorder()
    const stop = new AbortController()
    const running = localSes(['--port', '0', '--json'], out, stop.signal)
    await out.first
    const started = JSON.parse(out.lines[0] ?? '') as { url: string; credentials: unknown }
    assert.deepEqual(started.credentials, {
      access_key_id: EMULATOR_CREDENTIALS.accessKeyId,
      secret_access_key: EMULATOR_CREDENTIALS.secretAccessKey,
    })
    const taken = recorder()
    const port = new URL(started.url).port
    assert.equal(await localSes(['--port', port], taken), 1)
    assert.match(taken.errors[0] ?? '', /is in use/)
    const body = `Action=SendBounce&a=${encodeURIComponent('\u0085\u{E0001}\u202E')}`
    await fetch(started.url, { method: 'POST', body, headers: { 'content-type': 'text/plain' } })
    assert.match(out.lines[1] ?? '', /^[\x20-\x7e]+$/)
    const call = JSON.parse(out.lines[1] ?? '') as { params: { a: string } }
    assert.equal(call.params.a, '\u0085\u{E0001}\u202E')
    stop.abort()
    assert.equal(await running, 0)
  })

  it('writes a call as one line of text, whatever the client sent', () => {
    const call = {
      number: 1,
      headersAtMs: 0,
      atMs: 0,
      region: 'eu-west-1',
      action: 'SendBounce\n',
      params: {
        OriginalMessageId: 'id\u001b[2J',
        'BouncedRecipientInfoList.member.1.Recipient': 'r@a.example',
      },
      outcome: { status: 400, code: 'Throttling', message: 'Too fast.', carriedOut: false },
    }
    assert.equal(
      callLine(call, new Date(0)),
      '00:00:00 eu-west-1 SendBounce\\u000a id\\u001b[2J r@a.example -> 400 Throttling Too fast.',
    )
    const RoleArn = 'arn:aws:iam::123456789012:role/bounce'
    assert.equal(
      callLine({ ...call, account: '123456789012', action: 'AssumeRole', params: { RoleArn } }, new Date(0)),
      `00:00:00 123456789012/eu-west-1 AssumeRole ${RoleArn} - -> 400 Throttling Too fast.`,
    )
  })
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'

import { checkout, othersCanReadCheckout } from './support/directory'
import { withTinyDisk } from './support/disk'
import { expectBootFailure, type RunningHaraka, startHaraka, startMark } from './support/haraka'
import { freshen, plainMail, relayHop, sesMail } from './support/mail'
import { processesWithEnv } from './support/processes'
import { openSession, sendMail, sendMailAndHangUp } from './support/smtp'
import { until } from './support/wait'

const from = 'someone@origin.example'
const to = ['user@yours.example']

const REFUSE = `
exports.hook_rcpt = (next, connection, [rcpt]) =>
  rcpt.user === 'nobody' ? next(DENY, 'no such mailbox') : next()
exports.hook_mail = (next, connection, [from]) => from.user === 'soon' ? next(DENYSOFT, 'later') : next()
exports.hook_data_post = (next, connection) =>
  connection.transaction.header.get('Subject').trim() === 'bad' ? next(DENY, 'bad mail') : next()
`
const PARAMS = `
exports.hook_rcpt = function (next, connection, [rcpt, params]) {
  this.lognotice('params ' + rcpt.user + JSON.stringify(params))
  next()
}
`

describe('a live Haraka', function () {
  const started: RunningHaraka[] = []

  async function start(...options: Parameters<typeof startHaraka>): Promise<RunningHaraka> {
    const haraka = await startHaraka(...options)
    started.push(haraka)
    return haraka
  }

  afterEach(async () => {
    for (const haraka of started.splice(0)) {
      await haraka.stop()
      haraka.remove()
    }
  })

  describe('that accepts mail', () => {
    let haraka: RunningHaraka
    /** How many it had delivered before the test. */
    let earlier: number
    before(async () => {
      haraka = await startHaraka({
        nodes: 1,
        ready: /worker \d+ listening on/,
        plugins: ['refuse', 'params'],
        files: { 'plugins/refuse.js': REFUSE, 'plugins/params.js': PARAMS },
      })
    })
    after(async () => {
      await haraka?.stop()
      haraka?.remove()
    })
    beforeEach(() => {
      earlier = haraka.delivered().length
    })

    it('delivers byte for byte what was sent, several mails on one connection', async () => {
      const session = await openSession({ port: haraka.port })
      const hostile = '.dot\n..dots\n.\nbare\rreturn\nbyte \u00e9'
      const first = await session.mail({ from, to, data: plainMail({ body: hostile }) })
      const second = await session.mail({
        from: '',
        to: ['a@yours.example', 'b@yours.example'],
        data: plainMail(),
      })
      await session.quit()
      assert.deepEqual([first.reply.code, second.reply.code], [250, 250])
      assert.deepEqual(
        second.rcptReplies.map(({ code }) => code),
        [250, 250],
      )
      const mails = (await haraka.waitForDelivered(earlier + 2)).slice(earlier)
      assert.deepEqual(
        mails.map(mail => [mail.hook, mail.from, mail.to]),
        [
          ['queue', from, to],
          ['queue', '', ['a@yours.example', 'b@yours.example']],
        ],
      )
      const delivered = mails[0]?.data.toString() ?? ''
      assert.ok(
        delivered.endsWith('\r\n\r\n.dot\r\n..dots\r\n.\r\nbare\r\nreturn\r\nbyte \u00e9\r\n'),
        delivered,
      )
    })

    it('shows its log, and waits for a line of it', async () => {
      const since = haraka.log().length
      const line = haraka.waitForLog(/127\.0\.0\.9/, { since })
      await sendMail({ port: haraka.port, from, to, data: plainMail(), localAddress: '127.0.0.9' })
      assert.match(await line, /127\.0\.0\.9/)
      await assert.rejects(haraka.waitForLog('no such line', { timeoutMs: 20 }), /log ends with\n.*\S/s)
    })

    it('gives the replies of a refusal, whatever was refused', async () => {
      const session = await openSession({ port: haraka.port })
      const mixed = await session.mail({ from, to: ['nobody@yours.example', ...to], data: plainMail() })
      assert.deepEqual(
        mixed.rcptReplies.map(({ code }) => code),
        [550, 250],
      )
      assert.equal(mixed.reply.code, 250)
      const nobody = await session.mail({ from, to: ['nobody@yours.example'], data: plainMail() })
      assert.match(`${nobody.reply.code} ${nobody.reply.text}`, /^550 no such mailbox/)
      const soon = await session.mail({ from: 'soon@origin.example', to, data: plainMail() })
      assert.equal(soon.reply.code, 450)
      const bad = await session.mail({ from, to, data: plainMail({ headers: { Subject: 'bad' } }) })
      assert.match(`${bad.reply.code} ${bad.reply.text}`, /^550 bad mail/)
      await session.quit()
      assert.equal(haraka.delivered().length, earlier + 1)
    })

    it('sees a recipient with its parameters', async () => {
      const rcptParams = { 'with@yours.example': 'NOTIFY=NEVER' }
      await sendMail({
        port: haraka.port,
        from,
        to: ['with@yours.example', 'without@yours.example'],
        rcptParams,
        data: plainMail(),
      })
      assert.match(await haraka.waitForLog('params with{'), /NOTIFY.*NEVER/)
      assert.doesNotMatch(await haraka.waitForLog('params without{'), /NOTIFY/)
    })

    it('loses a mail that the client broke off, and keeps one whose answer it did not wait for', async () => {
      const options = { port: haraka.port, from, to, localAddress: '127.0.0.5' }
      const dropped = haraka.waitForLog('disconnect ip=127.0.0.5')
      await sendMailAndHangUp({ ...options, data: plainMail({ body: 'broken off' }), when: 'in-data' })
      await dropped
      await sendMailAndHangUp({ ...options, data: plainMail({ body: 'all sent' }), when: 'after-data' })
      const [mail, more] = (await haraka.waitForDelivered(earlier + 1)).slice(earlier)
      assert.match(mail?.data.toString() ?? '', /all sent/)
      assert.equal(more, undefined)
    })
  })

  it('knows its workers, forks a killed one again, and leaves nothing behind', async function () {
    if (!existsSync('/proc/self/stat')) this.skip()
    const haraka = await start({ nodes: 2 })
    await until(() => haraka.workers().length === 2, { what: 'two workers' })
    const [victim = 0, other = 0] = haraka.workers()
    haraka.kill(victim, 'SIGKILL')
    await until(() => haraka.workers().length === 2 && !haraka.workers().includes(victim), {
      what: 'another worker',
    })
    assert.ok(haraka.workers().includes(other))
    await haraka.stop()
    assert.deepEqual(await haraka.exited, { code: null, signal: 'SIGTERM' })
    assert.deepEqual(haraka.family(), [])
    assert.throws(() => haraka.kill(process.pid, 'SIGTERM'), /no process of this Haraka/)
  })

  it('ends also what a plugin left running in a session of its own', async function () {
    if (!existsSync('/proc/self/stat')) this.skip()
    const haraka = await start({
      nodes: 0,
      plugins: ['stray'],
      files: {
        'plugins/stray.js': `
          const { spawn } = require('node:child_process')
          const code = 'process.on("SIGTERM", () => {}); console.log("stray runs"); setInterval(() => {}, 1e3)'
          exports.register = () => {
            spawn(process.execPath, ['-e', code], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] }).unref()
          }`,
      },
    })
    await haraka.waitForLog('stray runs')
    assert.deepEqual(haraka.workers(), [])
    const [stray] = haraka.children()
    assert.match(stray?.cmdline ?? '', /stray runs/)
    haraka.kill(haraka.pid, 'SIGKILL')
    await haraka.exited
    assert.deepEqual(
      haraka.family().map(({ pid }) => pid),
      [stray?.pid],
    )
    await haraka.stop({ graceMs: 50 })
    assert.deepEqual(haraka.family(), [])
  })

  it('ends with a test run that is interrupted', async function () {
    if (!existsSync('/proc/self/stat')) this.skip()
    const code = `require('./test/live/support/haraka').startHaraka().then(haraka => {
      console.log(haraka.mark, haraka.dir)
      process.kill(process.pid, 'SIGTERM')
    })`
    const run = spawnSync(process.execPath, ['--require', 'tsx/cjs', '--eval', code], {
      cwd: checkout,
      encoding: 'utf8',
    })
    const [mark = '', dir = ''] = run.stdout.trim().split(' ')
    assert.equal(run.signal, 'SIGTERM', run.stderr)
    assert.match(mark, /^[0-9a-f-]{36}$/)
    await until(() => processesWithEnv(startMark, mark).length === 0, { what: 'the end of its Haraka' })
    rmSync(dir, { recursive: true })
  })

  it('starts again in the same directory, with what the first one left', async () => {
    const first = await start({ plugins: ['mine'], files: { 'plugins/mine.js': '' } })
    await sendMail({ port: first.port, from, to, data: plainMail() })
    await first.stop()
    const again = await start({ dir: first.dir, env: { GREETING: 'x' } })
    assert.equal(again.delivered().length, 1)
    assert.ok(again.log().some(line => line.includes('mine')))
  })

  it('runs its workers as another user', async function () {
    if (process.getuid?.() !== 0 || !othersCanReadCheckout()) this.skip()
    const haraka = await start({ nodes: 1, user: 'nobody' })
    await sendMail({ port: haraka.port, from, to, data: plainMail() })
    await haraka.waitForDelivered(1)
    const [worker = 0] = haraka.workers()
    assert.doesNotMatch(readFileSync(`/proc/${worker}/status`, 'utf8'), /^Uid:\s*0/m)
    assert.match(readFileSync(`/proc/${haraka.pid}/status`, 'utf8'), /^Uid:\s*0/m)
  })

  it('has this checkout as its installed package', async () => {
    const haraka = await start({ package: 'link' })
    const installed = path.join(haraka.dir, 'node_modules/haraka-plugin-ses-bounce')
    assert.equal(realpathSync(installed), realpathSync(checkout))
  })

  const failing = {
    plugins: ['failing'],
    files: { 'plugins/failing.js': 'exports.register = () => { throw new Error("not like this") }' },
  }

  it('rejects with the end of the log when it ends at boot', async () => {
    await assert.rejects(startHaraka(failing), /ended at boot with exit code 1[^]*not like this/)
  })

  it('returns exit code and log of a boot that must fail', async () => {
    const { code, log } = await expectBootFailure(failing)
    assert.equal(code, 1)
    assert.match(log.join('\n'), /not like this/)
    await assert.rejects(expectBootFailure({}), /it started/)
  })
})

describe('the SMTP client', () => {
  let server: Server | undefined
  afterEach(() => server?.close())

  /** Answers every chunk as `answer` says; returns the port. */
  async function serve(answer: (chunk: string, socket: Socket) => void): Promise<number> {
    server = createServer(socket => {
      socket.on('error', () => {})
      socket.setEncoding('latin1').on('data', (chunk: string) => answer(chunk, socket))
      socket.write('220-hello\r\n220 there\r\n')
    })
    await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  it('says what it had received when the server keeps silent', async () => {
    const port = await serve((_, socket) => socket.write('250-half a'))
    const sending = sendMail({ port, from, to, data: '', timeoutMs: 1000 })
    await assert.rejects(sending, /no reply within 1000 ms.*220 there.*250-half a/)
  })

  it('says what it had received when the server hangs up', async () => {
    const port = await serve((_, socket) => socket.end('250-one\r\n'))
    await assert.rejects(sendMail({ port, from, to, data: '' }), /closed.*250-one/)
  })

  it('gives the refusal of a server that hangs up with it', async () => {
    const port = await serve((_, socket) => socket.end('250-one\r\n250 two\r\n421 bye\r\n'))
    const { mailReply, reply } = await sendMail({ port, from, to, data: '' })
    assert.deepEqual([mailReply, reply], [{ code: 421, text: 'bye' }, mailReply])
  })

  it('leaves CR and LF as they are when told to', async () => {
    let received = ''
    const port = await serve((chunk, socket) => {
      received += chunk
      socket.write(chunk === 'DATA\r\n' ? '354 go\r\n' : '250 fine\r\n')
    })
    await sendMail({ port, from, to, data: Buffer.from('a\n.\rb\r\n.\xff', 'latin1'), raw: true })
    assert.ok(received.includes('DATA\r\na\n.\rb\r\n..\xff\r\n.\r\nQUIT'), JSON.stringify(received))
  })
})

describe('mail as SES delivers it', () => {
  it('has a fresh id of the usual form, and every part of the classic block in its order', () => {
    const { data, sesId } = sesMail({ extraTop: [relayHop()], extraBelowBlock: ['X-Below: yes'] })
    assert.match(sesId, /^[0-9a-v]{38}[08go]1$/)
    assert.notEqual(sesMail().sesId, sesId)
    const names = data
      .toString()
      .split('\r\n\r\n')[0]
      ?.match(/^[\w-]+(?=:)/gm)
    assert.deepEqual(names?.slice(0, 12), [
      'Received',
      'Return-Path',
      'Received',
      'X-SES-Spam-Verdict',
      'X-SES-Virus-Verdict',
      'Received-SPF',
      'Authentication-Results',
      'X-SES-RECEIPT',
      'X-SES-DKIM-SIGNATURE',
      'X-Below',
      'From',
      'To',
    ])
    assert.ok(data.includes(`amazonaws.com with SMTP id ${sesId}\r\n for user@yours.example;\r\n `))
  })

  it("has Mail Manager's order in the form of Mail Manager", () => {
    const { data } = sesMail({ form: 'mail-manager', receivedAt: new Date(Date.UTC(2025, 6, 8, 22, 38, 29)) })
    const text = data.toString()
    assert.match(
      text,
      /^Received-SPF: pass [^]*\r\nReturn-Path: <someone@origin\.example>\r\nReceived: from /,
    )
    assert.ok(text.includes(' for <user@yours.example>; Tue, 08 Jul 2025 22:38:29 +0000 (UTC)\r\nFrom:'))
    assert.doesNotMatch(text, /X-SES/)
  })

  it('leaves out what SES left out', () => {
    const { data, sender, recipient } = sesMail({
      returnPath: null,
      forRecipient: null,
      spam: null,
      virus: null,
      spf: null,
      dkim: [],
      dmarc: null,
      receiptHeader: false,
    })
    assert.match(data.toString(), /^Received: .*\r\n by .* id \w+;\r\n .*\r\nFrom:/)
    assert.deepEqual([sender, recipient], [undefined, undefined])
  })

  const samples = path.join(checkout, 'test/fixtures/receipts')
  for (const name of readdirSync(samples).filter(file => file.endsWith('.eml'))) {
    it(`freshens ${name}`, () => {
      const old = readFileSync(path.join(samples, name), 'latin1')
      const receivedAt = new Date(Date.UTC(2031, 0, 2, 3, 4, 5))
      const { data, sesId, recipient } = freshen(old, { receivedAt })
      const text = data.toString('latin1')
      assert.equal(text.split(sesId).length, 2)
      assert.equal(text.split('Thu, 02 Jan 2031 03:04:05 +0000 (UTC)').length, 2)
      assert.match(recipient ?? '', /^(?:user\d+|anna)@.*\.test$/)
      // nothing else has changed, but for folds within the date
      const changed = words(text).filter(word => !words(old).includes(word))
      assert.deepEqual(changed.slice(0, 1), [sesId])
      assert.ok(
        changed.slice(1).every(word => '02 Jan 2031 03:04:05 Thu,'.includes(word)),
        changed.join(' '),
      )
      assert.equal(words(text).length, words(old).length)
    })
  }
})

describe('a tiny disk', () => {
  it('is full at its size, and removed afterwards', async function () {
    let seen = ''
    const result = await withTinyDisk(64, dir => {
      seen = dir
      assert.equal(statfsSync(dir).blocks * statfsSync(dir).bsize, 64 * 1024)
      assert.throws(() => writeFileSync(path.join(dir, 'big'), Buffer.alloc(65 * 1024)), { code: 'ENOSPC' })
      return Promise.resolve(readdirSync(dir))
    })
    if (result.outcome === 'skipped') this.skip()
    assert.deepEqual(result.value, ['big'])
    assert.ok(!existsSync(seen))
  })

  it('is removed even if its user fails', async () => {
    let seen = ''
    const failing = withTinyDisk(64, dir => {
      seen = dir
      return Promise.reject(new Error('as arranged'))
    })
    await failing.then(
      result => assert.equal(result.outcome, 'skipped'),
      (error: Error) => assert.equal(error.message, 'as arranged'),
    )
    assert.ok(!existsSync(seen))
  })
})

describe('until', () => {
  it('returns the first answer, and rejects with what it waited for', async () => {
    let calls = 0
    assert.equal(await until(() => ++calls === 3 && calls, { everyMs: 1, what: 'three' }), 3)
    const failing = until(() => false, { timeoutMs: 5, everyMs: 1, what: 'the moon' })
    await assert.rejects(failing, /waited 5 ms for the moon/)
  })
})

function words(text: string): string[] {
  return text.split(/\s+/)
}

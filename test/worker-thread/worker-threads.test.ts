import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { UnreadableError } from '../../src/mail/unreadable'
import {
  openWorkerThreads,
  WorkerThreadError,
  type WorkerThreads,
} from '../../src/worker-thread/worker-threads'
import { readFirstMail } from '../cli/shared-threads'
import { builtFile } from '../live/support/package-folder'

/** Letters a and b as they come, the same each time. */
function randomText(length: number): string {
  let state = 1
  const letter = () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 16) & 1 ? 'a' : 'b'
  }
  return Array.from({ length }, letter).join('')
}

/** The compiled file, which starts in time on a busy machine too. */
const PROGRAM = builtFile('src/worker-thread/thread.js')

/** A promise that the test fulfils. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

const raw = (text: string) => Buffer.from(text)

describe('work on a thread of its own', () => {
  let workerThreads: WorkerThreads
  before(async () => {
    workerThreads = openWorkerThreads(PROGRAM)
    await readFirstMail(workerThreads)
  })
  after(() => workerThreads.close())

  it('reads the content of mails, one after the other', async () => {
    await readFirstMail(workerThreads)
    const mails = Array.from({ length: 20 }, (_, i) => raw(`Subject: x\r\n\r\nmail ${i}`))
    const read = await Promise.all(mails.map(mail => workerThreads.content(mail, 1000)))
    assert.deepEqual(
      read.map(({ texts }) => texts[0]),
      mails.map((_, i) => `mail ${i}`),
    )
  })

  it('leaves the buffer to its owner', async () => {
    const mail = raw(`Subject: x\r\n\r\n${'x'.repeat(100_000)}`)
    await workerThreads.content(mail, 10)
    assert.equal(mail.length, 100_014)
  })

  it('gets a mail that is read for it as its own, and waits with reading while there is no room for it', async () => {
    const [first, second] = [gate(), gate()]
    const large = { sizeBytes: 30 * 1024 * 1024, limit: 100 }
    const begun: string[] = []
    const ask = (name: string, opened: Promise<void>) =>
      workerThreads.contentOf(
        {
          sizeBytes: large.sizeBytes,
          read: async () => {
            begun.push(name)
            await opened
            return new Uint8Array(Buffer.from(`Subject: x\r\n\r\n${name}`))
          },
        },
        large.limit,
      )
    const both = [ask('first', first.opened), ask('second', second.opened)]
    const small = { sizeBytes: 10, read: async () => new Uint8Array(Buffer.from('\r\nsmall')) }
    assert.deepEqual((await workerThreads.contentOf(small, 100)).texts, ['small'])
    assert.deepEqual(begun, ['first'])
    first.open()
    assert.deepEqual((await both[0])?.texts, ['first'])
    second.open()
    assert.deepEqual((await both[1])?.texts, ['second'])
    assert.deepEqual(begun, ['first', 'second'])
  })

  it('finds expressions by their numbers', async () => {
    const { found, tookMs } = await workerThreads.search(['(?i)B', 'z', 'c.*d'], 'abc\nd', 10_000)
    assert.deepEqual(found, [0, 2])
    assert(tookMs >= 0)
  })

  it('says why a mail can not be read', async () => {
    const parts = '--b\r\nContent-Type: a/b\r\n\r\nx\r\n'.repeat(2000)
    const many = workerThreads.content(
      raw(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts}--b--`),
      1000,
    )
    await assert.rejects(many, new UnreadableError('it has more than 1000 parts'))
    assert.deepEqual((await workerThreads.content(raw('\r\nhello'), 9)).texts, ['hello'])
  })

  it('gives up what takes too long, and only that', async () => {
    // each character makes a new state of 300: half a minute of it
    const hostile = randomText(4_000_000)
    const endless = workerThreads.search(['a[ab]{300}x'], hostile, 300)
    const next = workerThreads.search(['x'], 'x', 10_000)
    await assert.rejects(endless, /^WorkerThreadError: searching its text takes longer than 0\.3 s$/)
    assert.deepEqual((await next).found, [0])
  })

  it('rejects what waits when it is closed', async () => {
    const closing = openWorkerThreads(PROGRAM)
    const waiting = [
      closing.search(['x'], 'x', 1000),
      closing.search(['x'], 'x', 1000),
      closing.content(raw('x'), 1),
    ]
    closing.close()
    for (const one of waiting) await assert.rejects(one, WorkerThreadError)
  })
})

describe('a thread that dies', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'ses-bounce-aside-'))
  })
  after(() => rmSync(dir, { recursive: true }))

  const program = (name: string, onTask: string): string => {
    const file = path.join(dir, `${name}.js`)
    writeFileSync(
      file,
      `const { parentPort } = require('node:worker_threads')\nparentPort.on('message', ({ asked }) => { ${onTask} })\n`,
    )
    return file
  }

  it('affects only the mail that it died of', async () => {
    const workerThreads = openWorkerThreads(
      program(
        'dies',
        `if (asked.text === 'bad') throw new Error('boom'); parentPort.postMessage({ answer: [7], tookMs: 1 })`,
      ),
    )
    const search = (text: string) => workerThreads.search(['x'], text, 10_000)
    const [good, bad, after] = [search('good'), search('bad'), search('after')]
    assert.deepEqual((await good).found, [7])
    await assert.rejects(bad, /^WorkerThreadError: its thread died: boom$/)
    assert.deepEqual((await after).found, [7])
    workerThreads.close()
  })

  it('or ends by itself is started again', async () => {
    const workerThreads = openWorkerThreads(
      program(
        'ends',
        `if (asked.text === 'bad') process.exit(3); parentPort.postMessage({ answer: [], tookMs: 1 })`,
      ),
    )
    await assert.rejects(
      workerThreads.search([], 'bad', 10_000),
      /^WorkerThreadError: its thread ended with 3$/,
    )
    assert.deepEqual((await workerThreads.search([], 'good', 10_000)).found, [])
    workerThreads.close()
  })

  it('or never answers holds up no other mail whose content is to be read', async () => {
    const workerThreads = openWorkerThreads(
      program(
        'hangs',
        `if (asked.raw.length === 3) for (;;); parentPort.postMessage({ answer: 'read', tookMs: 1 })`,
      ),
    )
    const bad = [raw('bad'), raw('bad')].map(mail => workerThreads.content(mail, 1))
    assert.equal(await workerThreads.content(raw('good'), 1), 'read')
    workerThreads.close()
    for (const one of bad) await assert.rejects(one, new WorkerThreadError('this process is ending'))
  })

  it('can not be started', async () => {
    const workerThreads = openWorkerThreads(path.join(dir, 'not-there.js'))
    await assert.rejects(workerThreads.search([], 'x', 10_000), WorkerThreadError)
    workerThreads.close()
  })
})

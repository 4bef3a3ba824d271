import assert from 'node:assert/strict'
import path from 'node:path'
import { UnreadableError } from '../../src/mail/unreadable'
import { AT_ONCE_BYTES, isSmall, readAtOnce, warmUpReading } from '../../src/worker-thread/read-at-once'
import { openWorkerThreads, WorkerThreadError } from '../../src/worker-thread/worker-threads'
import { cpuMs } from '../cpu-time'

const HEADER = 'Content-Type: text/plain; charset=utf-8\r\n\r\n'
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const nested = Array.from(
  { length: 30 },
  (_, level) => `Content-Type: multipart/mixed; boundary=b${level}x\r\n\r\n--b${level}x\r\n`,
).join('')

/** Header and body; the last is repeated as often as makes the mail as long as it may be. */
const HOSTILE: Record<string, [begin: string, piece: string]> = {
  'a field of parameters': ['Content-Type: a/b; ', 'a(b"c\\'],
  'encoded words': ['Content-Type: a/b; name="', '=?x?q?=61?= '],
  entities: ['Content-Type: text/html\r\n\r\n', '&zwnj;&notit;'],
  'links and a base': ['Content-Type: text/html\r\n\r\n<base href="http://b.example/">', '<a href=p></a>'],
  'attached mails': ['', 'Content-Type: message/rfc822\r\n\r\n'],
  multiparts: [nested, 'x-\r'],
  'charsets of the HTML': ['Content-Type: text/html\r\n\r\n', '<meta charset'],
  'characters of four bytes': ['Content-Type: text/plain; charset=gb18030\r\n\r\n', '\u00810'],
}

describe('a small mail', () => {
  it('is read without a thread, and a larger one is not', async () => {
    const none = openWorkerThreads(path.join(__dirname, 'no-such-program.js'))
    const ask = (text: string) =>
      none.contentOf({ sizeBytes: text.length, read: async () => bytesOf(text) }, 100_000)
    assert.deepEqual((await ask(`${HEADER}hello`)).texts, ['hello'])
    await assert.rejects(ask(HEADER + 'x'.repeat(AT_ONCE_BYTES)), WorkerThreadError)
    await assert.rejects(ask(`${HEADER}${'--b\r\n'.repeat(100)}`), WorkerThreadError)
    await assert.rejects(
      ask('Content-Type: text/plain; charset=x-none\r\n\r\n\xfc'),
      new UnreadableError('a text is in the charset "x-none"'),
    )
    none.close()
  })

  it('has few lines that could begin a part, also after a bare CR', () => {
    assert.ok(isSmall(bytesOf(`${HEADER}${'a -- b\r\n'.repeat(200)}--\r\nAnna`)))
    for (const end of ['\r\n', '\n', '\r']) assert.ok(!isSmall(bytesOf(HEADER + `--b${end}`.repeat(100))))
  })

  for (const [what, [begin, piece]] of Object.entries(HOSTILE)) {
    it(`takes a fraction of what a mail may take of the thread: ${what}`, () => {
      warmUpReading()
      const raw = bytesOf(begin + piece.repeat((AT_ONCE_BYTES - begin.length) / Buffer.byteLength(piece)))
      assert.ok(isSmall(raw))
      const tookMs = Math.min(
        ...[1, 2].map(() =>
          cpuMs(0, () => {
            try {
              readAtOnce(raw, 262_144)
            } catch (error) {
              assert.ok(error instanceof UnreadableError)
            }
          }),
        ),
      )
      // a mail may hold the thread for 100 ms
      assert.ok(tookMs < 60, `${tookMs} ms`)
    })
  }
})

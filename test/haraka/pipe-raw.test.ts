import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import fc from 'fast-check'
import { type MessageStream, pipeRaw, Unstuffer } from '../../src/haraka/pipe-raw'

interface HarakaStream extends MessageStream {
  add_line(line: Buffer): void
  add_line_end(done: () => void): void
}
// the one that the installed Haraka uses
const HarakaMessageStream = require('haraka-message-stream') as new (
  config: object,
  id: string,
) => HarakaStream

/** A stream as Haraka makes it: with the dots that SMTP puts before dots. */
async function taken(lines: readonly Buffer[]): Promise<HarakaStream> {
  const stream = new HarakaMessageStream({}, 'test')
  for (const line of lines) stream.add_line(line)
  await new Promise<void>(resolve => stream.add_line_end(resolve))
  return stream
}

function collected(pipe: (to: Writable) => void): Promise<Buffer[]> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    const to = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk)
        done()
      },
    })
    to.once('finish', () => resolve(chunks)).once('error', reject)
    pipe(to)
  })
}

describe("the raw mail in Haraka's stream", () => {
  const lines = ['', '.', '..', '...', '..a', '.a', 'a', 'a..', 'a\r', '..\n..', 'x'.repeat(900)].map(text =>
    Buffer.from(`${text}\r\n`),
  )

  it('is the same as Haraka itself would write it, for any lines', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...lines), { maxLength: 300 }),
        fc.constantFrom('', '.', '..', 'end'),
        async (some, last) => {
          const stream = await taken([...some, Buffer.from(last)])
          const theirs = Buffer.concat(await collected(to => stream.pipe(to)))
          assert.deepEqual(Buffer.concat(await collected(to => pipeRaw(stream, to))), theirs)
        },
      ),
      { numRuns: 100 },
    ))

  it('loses the same dots wherever its chunks end', () =>
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('.', '..', '\n', '\n.', '\n..', '\r\n', 'a'), { maxLength: 40 }),
        pieces => {
          const seen: Buffer[] = []
          const unstuffer = new Unstuffer()
          for (const piece of pieces) unstuffer.chunk(Buffer.from(piece), part => seen.push(part))
          unstuffer.end(part => seen.push(part))
          assert.equal(Buffer.concat(seen).toString(), pieces.join('').replace(/(^|\n)\.\./g, '$1.'))
        },
      ),
      { numRuns: 2000 },
    ))

  it('comes in chunks, and not line by line', async () => {
    const stream = await taken(Array.from({ length: 200_000 }, () => Buffer.from('a\r\n')))
    const chunks = await collected(to => pipeRaw(stream, to))
    assert.equal(
      chunks.reduce((sum, { length }) => sum + length, 0),
      600_000,
    )
    assert.ok(chunks.length < 50, `${chunks.length} chunks`)
  })

  it('is whole from a stream that is built in another way', async () => {
    const stream: MessageStream = { pipe: to => to.write('a\r\n..b\r\n', () => to.end()) }
    assert.equal(Buffer.concat(await collected(to => pipeRaw(stream, to))).toString(), 'a\r\n..b\r\n')
  })
})

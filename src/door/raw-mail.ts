// The raw mail as one buffer, from what Haraka keeps of it.
// Rejects when it doesn't come to its end: a stream whose peer has hung up may never do so.

import { Writable } from 'node:stream'

/** With reading and matching below the 30 s that Haraka gives a plugin. */
const LONGEST_MS = 5000

/** `pipeRaw` writes the mail to the stream and ends it. */
export function rawMail(pipeRaw: (to: Writable) => void): Promise<Buffer> {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => stream.destroy(new Error("the mail didn't come to its end")), LONGEST_MS)
    stream.once('error', reject)
    stream.once('finish', () => resolve(Buffer.concat(chunks)))
    stream.once('close', () => {
      clearTimeout(timer)
      reject(new Error('the mail ended before its end'))
    })
    try {
      pipeRaw(stream)
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  })
}

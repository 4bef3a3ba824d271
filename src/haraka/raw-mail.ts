// Reads the raw mail from Haraka into one buffer, which belongs to the caller.
// Rejects if the stream doesn't end in time: if the peer has disconnected it may never end.

import { Writable } from 'node:stream'
import { asError } from '../errors'

/** Together with matching this stays below the 30 s that Haraka gives a plugin. */
const LONGEST_MS = 5000
/** After this time the reading pauses for other work, as Haraka itself reads a mail without a pause. */
const SLICE_MS = 10
/** Haraka adds its own fields before the mail. */
const HEADROOM_BYTES = 16 * 1024

/** `pipeRaw` writes the mail to the stream and ends it. `sizeBytes`: its approximate size. */
export function rawMail(
  pipeRaw: (to: Writable) => void,
  sizeBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  // memory of its own, so that it can be moved to a thread, and not filled with zeros
  let bytes: Uint8Array<ArrayBuffer> = Buffer.allocUnsafeSlow(sizeBytes + HEADROOM_BYTES)
  let length = 0
  let sliceAt = performance.now()
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (length + chunk.length > bytes.length) bytes = enlarged(bytes, length + chunk.length)
      bytes.set(chunk, length)
      length += chunk.length
      if (performance.now() - sliceAt < SLICE_MS) {
        done()
        return
      }
      setImmediate(() => {
        sliceAt = performance.now()
        done()
      })
    },
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => stream.destroy(new Error("the mail didn't end in time")), LONGEST_MS)
    stream.once('error', reject)
    stream.once('finish', () => resolve(bytes.subarray(0, length)))
    stream.once('close', () => {
      clearTimeout(timer)
      if (!stream.writableFinished) reject(new Error('the stream of the mail ended early'))
    })
    try {
      pipeRaw(stream)
    } catch (error) {
      stream.destroy(asError(error))
    }
  })
}

function enlarged(bytes: Uint8Array<ArrayBuffer>, least: number): Uint8Array<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(Math.max(least, bytes.length * 2))
  larger.set(bytes)
  return larger
}

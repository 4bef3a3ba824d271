// Writes the raw mail from Haraka's message stream to a stream of ours.
// Haraka's LineTransformer makes a buffer of each line: 20 MB of short lines cost seconds of the worker's thread, and hold
// it for hundreds of milliseconds. What it does for the options that we use is to take the second dot from lines that begin
// with two; here that is done a chunk at a time. A Haraka that is built otherwise does it in its own way.

import type { Transform, Writable } from 'node:stream'

const LF_DOT_DOT = Buffer.from('\n..')
const ONE_DOT = Buffer.from('.')
const LF = 0x0a
const DOT = 0x2e

export interface MessageStream {
  pipe(to: Writable, options?: Record<string, unknown>): unknown
}

/** Ends the stream when all of the mail is in it. */
export function pipeRaw(from: MessageStream, to: Writable): void {
  // before the first byte: Haraka pipes its transformer first, and fills it then
  to.once('pipe', (transformer: Partial<Transform>) => {
    if (transformer.constructor?.name === 'LineTransformer' && isUntouched(transformer))
      unstuffChunks(transformer)
  })
  from.pipe(to)
}

function isUntouched(transformer: Partial<Transform>): transformer is Transform {
  const { writableLength, readableLength, _transform, _flush } = transformer
  return writableLength === 0 && readableLength === 0 && Boolean(_transform) && Boolean(_flush)
}

function unstuffChunks(transformer: Transform): void {
  const unstuffer = new Unstuffer()
  const push = (piece: Buffer): void => void transformer.push(piece)
  const own: Pick<Transform, '_transform' | '_flush'> = {
    _transform(chunk: Buffer, _encoding, done) {
      unstuffer.chunk(chunk, push)
      done()
    },
    _flush(done) {
      unstuffer.end(push)
      done()
    },
  }
  Object.assign(transformer, own)
}

/**
 * RFC 5321 section 4.5.2, for a text in chunks, of which it copies nothing: Node.js collects buffers late, so that copies of
 * a large mail would be in memory as a second one.
 */
export class Unstuffer {
  #state: 'in line' | 'at line start' | 'behind a held dot' = 'at line start'

  chunk(chunk: Buffer, push: (piece: Buffer) => void): void {
    if (chunk.length === 0) return
    const isDot = chunk[0] === DOT
    let from = 0
    let at = -1
    if (this.#state === 'behind a held dot' && !isDot) push(ONE_DOT)
    if (this.#state === 'at line start' && isDot) {
      if (chunk.length === 1) {
        this.#state = 'behind a held dot'
        return
      }
      from = chunk[1] === DOT ? 1 : 0
    }
    while ((at = chunk.indexOf(LF_DOT_DOT, at + 1)) >= 0) {
      push(chunk.subarray(from, at + 1))
      from = at + 2
    }
    const isHeld = chunk.at(-1) === DOT && chunk.at(-2) === LF
    this.#state = isHeld ? 'behind a held dot' : chunk.at(-1) === LF ? 'at line start' : 'in line'
    const rest = chunk.subarray(from, isHeld ? -1 : undefined)
    if (rest.length > 0) push(rest)
  }

  end(push: (piece: Buffer) => void): void {
    if (this.#state === 'behind a held dot') push(ONE_DOT)
  }
}

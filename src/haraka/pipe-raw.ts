// Writes the raw mail from Haraka's message stream to a stream of ours.
// Haraka's LineTransformer makes a buffer of each line, so 20 MB of short lines take seconds, and block the thread for
// hundreds of milliseconds. With our options it only removes the second dot from lines that begin with two. Here that is
// done by chunks. If a Haraka is built differently, its own transformer is used.

import { Transform, type Writable } from 'node:stream'

const LF_DOT_DOT = Buffer.from('\n..')
const ONE_DOT = Buffer.from('.')
const LF = 0x0a
const DOT = 0x2e

export interface MessageStream {
  pipe(to: Writable, options?: Record<string, unknown>): unknown
}

/** Writes the whole mail, and ends the stream. */
export function pipeRaw(from: MessageStream, to: Writable): void {
  // Haraka pipes its transformer before it writes the first byte
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

/** A stream that takes a text with its dots stuffed, and gives it as it was. */
export function unstuffing(): Transform {
  const transformer = new Transform()
  unstuffChunks(transformer)
  return transformer
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

/** The rest of a chunk with more pieces is copied: a copy needs less memory than a Buffer for each short line. */
const MOST_PIECES = 16

/** The parts of a chunk that stay, in their order. */
class Pieces {
  readonly #chunk: Buffer
  readonly #push: (piece: Buffer) => void
  #count = 0
  #copy: Buffer | undefined
  #copied = 0

  constructor(chunk: Buffer, push: (piece: Buffer) => void) {
    this.#chunk = chunk
    this.#push = push
  }

  add(from: number, to: number): void {
    if (to <= from) return
    if (this.#count++ < MOST_PIECES) {
      this.#push(this.#chunk.subarray(from, to))
      return
    }
    this.#copy ??= Buffer.allocUnsafe(this.#chunk.length - from)
    this.#copied += this.#chunk.copy(this.#copy, this.#copied, from, to)
  }

  end(): void {
    if (this.#copy) this.#push(this.#copy.subarray(0, this.#copied))
  }
}

/**
 * Removes SMTP's dot stuffing (RFC 5321 section 4.5.2) from chunks without copying them: Node.js frees buffers late, so
 * copies of a large mail would double its memory.
 */
export class Unstuffer {
  #state: 'in line' | 'at line start' | 'after a held dot' = 'at line start'

  chunk(chunk: Buffer, push: (piece: Buffer) => void): void {
    if (chunk.length === 0) return
    const isDot = chunk[0] === DOT
    const out = new Pieces(chunk, push)
    let from = 0
    let at = -1
    if (this.#state === 'after a held dot' && !isDot) push(ONE_DOT)
    if (this.#state === 'at line start' && isDot) {
      if (chunk.length === 1) {
        this.#state = 'after a held dot'
        return
      }
      from = chunk[1] === DOT ? 1 : 0
    }
    while ((at = chunk.indexOf(LF_DOT_DOT, at + 1)) >= 0) {
      out.add(from, at + 1)
      from = at + 2
    }
    const isHeld = chunk.at(-1) === DOT && chunk.at(-2) === LF
    this.#state = isHeld ? 'after a held dot' : chunk.at(-1) === LF ? 'at line start' : 'in line'
    out.add(from, isHeld ? chunk.length - 1 : chunk.length)
    out.end()
  }

  end(push: (piece: Buffer) => void): void {
    if (this.#state === 'after a held dot') push(ONE_DOT)
  }
}

// New files, and their flush to the disk. Only calls that may take long wait on a thread of the pool: flushes, and
// writes of large pieces. The rest takes some ten microseconds, which is less than to hand it over.

import { closeSync, constants, fsync, mkdirSync, openSync, writeFileSync, writev, writevSync } from 'node:fs'
import path from 'node:path'
import { Writable } from 'node:stream'
import { asError } from '../errors'

/** Written in one go. Most mails are smaller. */
const PIECE_BYTES = 64 * 1024

/** For this user alone; the folder is made where it is missing. Never an old file. */
export function openNew(file: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  try {
    return openSync(file, flags, 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    return openSync(file, flags, 0o600)
  }
}

/** The text is in the file, but not flushed. */
export function openWith(file: string, text: string): number {
  const descriptor = openNew(file)
  try {
    writeFileSync(descriptor, text)
    return descriptor
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

export function flush(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(descriptor, error => (error ? reject(error) : resolve())))
}

/** A rename is durable only after its folder was flushed (fsync(2)). */
export async function syncFolder(folder: string): Promise<void> {
  const descriptor = openSync(folder, 'r')
  try {
    await flush(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Writes to a descriptor, which stays open: when it is closed, no write follows. */
export class FileWriter extends Writable {
  readonly #descriptor: number
  #pieces: Uint8Array[] = []
  #bytes = 0
  #whenWritten: (() => void) | undefined
  #isWriting = false

  constructor(descriptor: number) {
    super()
    this.#descriptor = descriptor
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#pieces.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < PIECE_BYTES) done()
    else this.#writePieces(done)
  }

  override _final(done: (error?: Error | null) => void): void {
    try {
      let written = 0
      if (this.#bytes > 0 && this.#bytes < PIECE_BYTES) written = writevSync(this.#descriptor, this.#pieces)
      this.#drop(written)
      this.#writePieces(done)
    } catch (error) {
      done(asError(error))
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const end = () => done(error)
    if (this.#isWriting) this.#whenWritten = end
    else end()
  }

  /** A disk that is nearly full takes a part. */
  #writePieces(done: (error?: Error | null) => void): void {
    if (this.#bytes === 0) {
      done()
      return
    }
    this.#isWriting = true
    writev(this.#descriptor, this.#pieces, (error, written) => {
      this.#isWriting = false
      this.#drop(written)
      if (this.#whenWritten !== undefined) this.#whenWritten()
      else if (error) done(error)
      else this.#writePieces(done)
    })
  }

  #drop(written: number): void {
    this.#bytes -= written
    let rest = written
    this.#pieces = this.#pieces.flatMap(piece => {
      const gone = Math.min(rest, piece.length)
      rest -= gone
      return gone < piece.length ? [piece.subarray(gone)] : []
    })
  }
}

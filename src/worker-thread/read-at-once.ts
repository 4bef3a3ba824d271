// Reads a small mail on the calling thread, where handing it to another one would cost more than reading it.
// Small is known before the work begins: few bytes, and few lines that could begin a part. The slowest such mail takes
// some milliseconds.

import { errorMessage } from '../errors'
import { type Content, readContent } from '../mail/content'
import { UnreadableError } from '../mail/unreadable'
import { WorkerThreadError } from './worker-thread-error'

/** A hop to a thread and back costs as much as reading 10 KB of text. The worst 16 KB take some 20 ms. */
export const AT_ONCE_BYTES = 16 * 1024
/** Lines that begin with two dashes. A usual mail has two for each part, and one for a signature. */
const DELIMITER_LINES = 40
const LF = 0x0a
const CR = 0x0d

/** Whether reading it takes so little time that no other work need be kept waiting for it. */
export function isSmall(raw: Uint8Array): boolean {
  if (raw.length > AT_ONCE_BYTES) return false
  const bytes = bufferOf(raw)
  let lines = 0
  for (let at = bytes.indexOf('--'); at >= 0; at = bytes.indexOf('--', at + 2)) {
    const before = bytes[at - 1]
    if ((before === LF || before === CR) && ++lines > DELIMITER_LINES) return false
  }
  return true
}

/** @throws UnreadableError for a permanent fault of the mail, WorkerThreadError for any other */
export function readAtOnce(raw: Uint8Array, limitCharacters: number, opensArchives = false): Content {
  try {
    return readContent(raw, limitCharacters, opensArchives)
  } catch (error) {
    throw error instanceof UnreadableError ? error : new WorkerThreadError(errorMessage(error))
  }
}

/** Loads the modules for reading, so that no mail waits for them. */
export function warmUpReading(): void {
  const html = '<meta charset=iso-8859-2><p>&auml;<a href="http://a.example/">b</a>'
  const name = "filename*=utf-8''%C3%A4.bin"
  const parts = [
    `Content-Type: text/html\r\n\r\n${html}`,
    `Content-Type: application/octet-stream\r\nContent-Disposition: attachment; ${name}\r\n\r\nx`,
  ]
  const mail = `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n${parts.join('\r\n--b\r\n')}\r\n--b--`
  readAtOnce(Buffer.from(mail), 1000)
}

function bufferOf(raw: Uint8Array): Buffer {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
}

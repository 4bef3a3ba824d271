// Uuencode (POSIX, "uuencode") and the names in yEnc: as a transfer encoding, and within a text, where mail programs show
// the files as attachments. Linear.

import { base64Bytes } from './base64'

const [LF, CR, BLANK, BACKTICK, EQUALS, Y] = [0x0a, 0x0d, 0x20, 0x60, 0x3d, 0x79]
/** A line encodes at most 45 bytes, but its length may say up to 63. */
const MOST_IN_LINE = 63
/** `begin 644 name`; `uuencode -m` writes begin-base64, yEnc its own line. */
const BEGIN = /^(?:begin(?:-base64)?[ \t]+[0-7]{3,4}[ \t]+(.+)|=ybegin[ \t].*?\bname=(.+))$/i
const BEGIN_BYTES = 1000

export interface UuFile {
  name: string
  /** For yEnc and base64: the size in its encoded form. */
  sizeBytes: number
  /** Undefined: it is in yEnc. */
  bytes: () => Buffer | undefined
}

/** The decoded bytes, line by line, without the lines around them. A line that can't be one is left out. */
export function* uuBytes(body: Buffer): Generator<Buffer> {
  for (const { from, to } of linesOf(body, 0)) {
    const size = uuLineSize(body, from, to)
    if (size > 0) yield decodedLine(body, from, size)
  }
}

export function uuSize(body: Buffer): number {
  let bytes = 0
  for (const { from, to } of linesOf(body, 0)) bytes += Math.max(0, uuLineSize(body, from, to))
  return bytes
}

/** Files within a text. */
export function uuFiles(body: Buffer): UuFile[] {
  const files: UuFile[] = []
  for (let at = nextBegin(body, 0); at >= 0; ) {
    const end = lineEnd(body, at)
    const line = body.toString('latin1', at, Math.min(end, at + BEGIN_BYTES)).trimEnd()
    const [, uu, yenc] = BEGIN.exec(line) ?? []
    const name = (uu ?? yenc ?? '').replace(/^"(.*)"$/, '$1')
    const next = Math.min(end + 1, body.length)
    if (name === '') at = nextBegin(body, next)
    else {
      const read = fileFrom(body, next, /^begin[ \t]/i.test(line))
      // "begin 2024 with..." is also how a sentence may begin
      if (read !== undefined) {
        const { sizeBytes } = read
        const encoded = body.subarray(next, read.next)
        files.push({ name, sizeBytes, bytes: () => decodedFile(encoded, line) })
      }
      at = nextBegin(body, read?.next ?? next)
    }
  }
  return files
}

function decodedFile(encoded: Buffer, begin: string): Buffer | undefined {
  if (begin.startsWith('=')) return undefined
  return /^begin-/i.test(begin)
    ? base64Bytes(encoded.toString('latin1'))
    : Buffer.concat([...uuBytes(encoded)])
}

/** The encoded lines from here to `end`. Undefined: the first line isn't one. */
function fileFrom(body: Buffer, at: number, isUu: boolean): { sizeBytes: number; next: number } | undefined {
  let sizeBytes = 0
  for (const { from, to } of linesOf(body, at)) {
    const size = isUu ? uuLineSize(body, from, to) : to - from
    const isEnd = /^(?:end|====|=yend\b)/i.test(body.toString('latin1', from, Math.min(to, from + 8)))
    if (isEnd) return { sizeBytes, next: to }
    if (size < 0 || (from === at && to === from)) return from === at ? undefined : { sizeBytes, next: from }
    sizeBytes += size
  }
  return at < body.length ? { sizeBytes, next: body.length } : undefined
}

/** Where a line begins with `begin` or `=ybegin`. */
function nextBegin(body: Buffer, from: number): number {
  for (
    let at = body.indexOf('begin', from, 'latin1');
    at >= 0;
    at = body.indexOf('begin', at + 1, 'latin1')
  ) {
    const start = body[at - 1] === Y && body[at - 2] === EQUALS ? at - 2 : at
    const before = body[start - 1]
    if (start >= from && (start === 0 || before === LF || before === CR)) return start
  }
  return -1
}

function* linesOf(body: Buffer, start: number): Generator<{ from: number; to: number }> {
  for (let from = start; from < body.length; ) {
    const end = lineEnd(body, from)
    yield { from, to: body[end - 1] === CR ? end - 1 : end }
    from = end + 1
  }
}

function lineEnd(body: Buffer, from: number): number {
  const end = body.indexOf(LF, from)
  return end < 0 ? body.length : end
}

/** The number of bytes that a line encodes. Below 0: it isn't an encoded line. Blanks at its end may be lost. */
function uuLineSize(body: Buffer, from: number, to: number): number {
  const first = body[from] ?? 0
  if (to === from) return 0
  if (first < BLANK || first > BACKTICK) return -1
  const size = (first - BLANK) & MOST_IN_LINE
  const characters = Math.ceil(size / 3) * 4
  const length = to - from - 1
  // some programs add a character as a check
  if (length > characters + 2 || (size > 0 && length < characters / 2)) return -1
  for (let at = from + 1; at < Math.min(to, from + 1 + characters); at++) {
    const byte = body[at] as number
    if (byte < BLANK || byte > BACKTICK) return -1
  }
  return size
}

function decodedLine(body: Buffer, from: number, size: number): Buffer {
  const groups = Math.ceil(size / 3)
  const bytes = Buffer.alloc(groups * 3)
  for (let group = 0; group < groups; group++) {
    let bits = 0
    for (let place = 0; place < 4; place++) {
      const byte = body[from + 1 + group * 4 + place] ?? BLANK
      bits = (bits << 6) | (byte < BLANK ? 0 : (byte - BLANK) & MOST_IN_LINE)
    }
    bytes.writeUIntBE(bits, group * 3, 3)
  }
  return bytes.subarray(0, size)
}

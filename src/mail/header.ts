// Reads the header as the peer sent it: mailparser splits the fields; values and addresses are decoded at the first
// call. No mail makes it hang or throw: a text that can't be parsed gives an empty header.

import { isUtf8 } from 'node:buffer'
import { DATA_LINE_LENGTH, possibleBreaks } from './broken-lines'
import { composed } from './composed'
import type { HeaderFacts } from './facts'
import { type Decoders, FieldList, headerFacts } from './header-facts'
import { decodeWords } from './mime/encoded-words'
import { type Field, splitFields } from './split-fields'

export interface Header {
  /** The fields from top to bottom. */
  fields: readonly Field[]
  facts: HeaderFacts
}

/** Turns off mailparser's work on a mail's text: it only gets headers. */
const HEADER_ONLY = { skipHtmlToText: true, skipImageLinks: true, skipTextToHtml: true, skipTextLinks: true }

/** Loads the parsers (about 150 ms), so that the first mail doesn't wait. Rejects if they aren't installed. */
export async function warmUp(): Promise<void> {
  const { facts } = await readHeader(['To: =?utf-8?q?warm?= <a@b.example>\n'], 0)
  composed([...facts.values('to'), ...facts.addresses('to'), '\u0300'].join(''))
}

/**
 * `headerLines`: physical lines as in Haraka's `transaction.header_lines`; `ownFields`: the number of fields at the top
 * that Haraka wrote, which are left out; `lineLength`: Haraka's [max] data_line_length; `isCut`: the lines are only the
 * header's beginning. Rejects only if the parsers can't be loaded.
 */
export async function readHeader(
  headerLines: readonly string[],
  ownFields: number,
  lineLength: number = DATA_LINE_LENGTH,
  isCut = false,
): Promise<Header> {
  const { mailparser } = loadParsers()
  const lines = peersLines(headerLines, ownFields)
  const breaks = possibleBreaks(lines, lineLength)
  const fields = await splitFields(lines.map(cleanLine), breaks, () => new mailparser.MailParser(HEADER_ONLY))
  return { fields, facts: headerFacts(new FieldList(fields), decoders, isCut) }
}

/** Encoded words in charsets that libmime doesn't decode. */
const OTHER_CHARSETS = /=\?(?:x-)?(?:(?:unicode-?1-?1-?)?utf-?7|iso-?2022-?(?:kr|cn)|hz)/i

export const decoders: Decoders = {
  decodeWords: text =>
    OTHER_CHARSETS.test(text)
      ? decodeWords(Buffer.from(text).toString('latin1'))
      : loadParsers().libmime.decodeWords(text),
  addressesIn: text =>
    loadParsers()
      .addressparser(text, { flatten: true })
      .map(({ address }) => address)
      .filter(address => address.includes('@')),
}

/** The lines without the first `ownFields` fields, and without continuation lines at the top. */
export function peersLines(headerLines: readonly string[], ownFields: number): readonly string[] {
  let at = 0
  for (let own = 0; own <= ownFields; own++) {
    if (own > 0) at++
    while (at < headerLines.length && isContinuation(headerLines[at] ?? '')) at++
  }
  return at === 0 ? headerLines : headerLines.slice(at)
}

/** Haraka can leave an empty line in a header. It counts as a continuation, as it must not end the header. */
export function isContinuation(line: string): boolean {
  if (line.length === 0) return true
  const first = line.charCodeAt(0)
  return first === SPACE || first === TAB || first === CR || first === LF
}

const SPACE = 0x20
const TAB = 0x09
const CR = 0x0d
const LF = 0x0a

/** One physical line as Unicode, without line ends. */
export function cleanLine(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) end--
  const whole = line.slice(0, end)
  const text = whole.includes('\r') || whole.includes('\n') ? whole.replace(/[\r\n]/g, ' ') : whole
  const isAscii = Buffer.byteLength(text) === text.length
  if (isAscii) return text
  const bytes = Buffer.from(text, 'latin1')
  // after HELO Haraka decodes each byte as one character; the bytes are most likely UTF-8
  if (bytes.toString('latin1') === text && isUtf8(bytes)) return bytes.toString('utf8')
  return Buffer.from(text, 'utf8').toString('utf8')
}

type Parsers = ReturnType<typeof requireParsers>
let parsers: Parsers | undefined

/** Loaded at first use: they take 150 ms and 20 MB, and many processes never read a header. */
function loadParsers(): Parsers {
  // kept, as each `require` of a package with an exports map takes Node 30 to 60 us
  parsers ??= requireParsers()
  return parsers
}

function requireParsers() {
  return {
    mailparser: require('mailparser') as typeof import('mailparser'),
    libmime: require('libmime') as typeof import('libmime'),
    addressparser: (require('nodemailer/lib/addressparser') as typeof import('nodemailer/lib/addressparser'))
      .default,
  }
}

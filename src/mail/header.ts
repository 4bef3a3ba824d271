// The header as the peer sent it: fields in order through mailparser, values and addresses decoded when asked for.
// Never hangs or throws, whatever a mail holds: text that can't be parsed is an empty header.

import { isUtf8 } from 'node:buffer'
import { DATA_LINE_LENGTH, possibleBreaks } from './broken-lines'
import { composed } from './composed'
import type { HeaderFacts } from './facts'
import { headerFacts } from './header-facts'
import { type Field, splitFields } from './split-fields'

export interface Header {
  /** Top down. */
  fields: readonly Field[]
  facts: HeaderFacts
}

/** Nothing is to be made of a text that isn't there. */
const HEADER_ONLY = { skipHtmlToText: true, skipImageLinks: true, skipTextToHtml: true, skipTextLinks: true }

/** Loads the parsers (about 150 ms), so that the first mail needn't wait for them. Rejects when they aren't installed. */
export async function warmUp(): Promise<void> {
  const { facts } = await readHeader(['To: =?utf-8?q?warm?= <a@b.example>\n'], 0)
  composed([...facts.values('to'), ...facts.addresses('to'), '\u0300'].join(''))
}

/**
 * `headerLines`: physical lines as in Haraka's `transaction.header_lines`; `ownFields`: how many fields at the top are
 * Haraka's own, to be left out; `lineLength`: Haraka's [max] data_line_length; `isCut`: these lines are only the
 * header's beginning. Rejects only when the parsers can't be loaded.
 */
export async function readHeader(
  headerLines: readonly string[],
  ownFields: number,
  lineLength: number = DATA_LINE_LENGTH,
  isCut = false,
): Promise<Header> {
  const { mailparser, libmime, addressparser } = loadParsers()
  const lines = peersLines(headerLines, ownFields)
  const breaks = possibleBreaks(lines, lineLength)
  const fields = await splitFields(lines.map(cleanLine), breaks, () => new mailparser.MailParser(HEADER_ONLY))
  const decoders = {
    decodeWords: (text: string) => libmime.decodeWords(text),
    addressesIn: (text: string) =>
      addressparser(text, { flatten: true })
        .map(({ address }) => address)
        .filter(address => address.includes('@')),
  }
  return { fields, facts: headerFacts(fields, decoders, isCut) }
}

/** The lines without the first `ownFields` fields, and without a continuation that continues nothing. */
export function peersLines(headerLines: readonly string[], ownFields: number): readonly string[] {
  let at = 0
  for (let own = 0; own <= ownFields; own++) {
    if (own > 0) at++
    while (at < headerLines.length && isContinuation(headerLines[at] ?? '')) at++
  }
  return at === 0 ? headerLines : headerLines.slice(at)
}

/** An empty line, which Haraka can leave in a header, continues with nothing: it must not end the header here. */
export function isContinuation(line: string): boolean {
  return line === '' || ' \t\r\n'.includes(line[0] ?? '')
}

/** One physical line as Unicode, without its end and with no other line end in it. */
export function cleanLine(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) end--
  const text = line.slice(0, end).replace(/[\r\n]/g, ' ')
  const isAscii = Buffer.byteLength(text) === text.length
  if (isAscii) return text
  const bytes = Buffer.from(text, 'latin1')
  // after HELO Haraka hands over bytes as characters; UTF-8 is what they most likely are
  if (bytes.toString('latin1') === text && isUtf8(bytes)) return bytes.toString('utf8')
  return Buffer.from(text, 'utf8').toString('utf8')
}

type Parsers = ReturnType<typeof requireParsers>
let parsers: Parsers | undefined

/** Loaded late: they cost 150 ms and 20 MB, and many a process never looks into a header. */
function loadParsers(): Parsers {
  // asked once: to find a package that names its exports takes Node 30 to 60 us each time
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

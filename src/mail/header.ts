// The header as the peer sent it: fields in order through mailparser, values and addresses decoded when asked for.
// Never hangs and never throws on what a mail holds: what can't be parsed is an empty header.

import { isUtf8 } from 'node:buffer'
import { DATA_LINE_LENGTH, possibleBreaks } from './broken-lines'
import { composed } from './composed'
import type { HeaderFacts } from './facts'
import { headerFacts } from './header-facts'

export interface Field {
  /** Lower case; '' for a line that isn't a field (no colon, or no field name before it). */
  name: string
  /** The value as written: unfolded, encoded words as they are. */
  raw: string
  /** The same without the breaks that Haraka may have put into long lines; undefined: it can't have. */
  joined?: string
}

export interface Header {
  /** Top down. */
  fields: readonly Field[]
  facts: HeaderFacts
}

/** mailparser's own limit is 1 MiB, which Haraka's 1,000 lines can pass. */
const HEAD_LIMIT_BYTES = 16 * 1024 * 1024
/** RFC 5322 section 2.2 (field names), section 4.5 (blanks before the colon); some hop may even fold there. */
const FIELD_NAME = /^([!-9;-~]+)\s*:/

/** Loads the parsers (about 150 ms), so that the first mail needn't wait for them. Rejects when they aren't installed. */
export async function warmUp(): Promise<void> {
  const { facts } = await readHeader(['To: =?utf-8?q?warm?= <a@b.example>\n'], 0)
  composed([...facts.values('to'), ...facts.addresses('to'), '\u0300'].join(''))
}

/**
 * `headerLines`: physical lines as in Haraka's `transaction.header_lines`; `ownFields`: how many fields at the top are
 * Haraka's own, to be left out; `lineLength`: Haraka's [max] data_line_length. Rejects only when the parsers can't be
 * loaded.
 */
export async function readHeader(
  headerLines: readonly string[],
  ownFields: number,
  lineLength: number = DATA_LINE_LENGTH,
): Promise<Header> {
  const { mailparser, libmime, addressparser } = loadParsers()
  const lines = peersLines(headerLines, ownFields)
  const fields = await splitFields(lines.map(cleanLine), mailparser, possibleBreaks(lines, lineLength))
  const facts = headerFacts(fields, {
    decodeWords: text => libmime.decodeWords(text),
    addressesIn: text =>
      addressparser(text, { flatten: true })
        .map(({ address }) => address)
        .filter(address => address.includes('@')),
  })
  return { fields, facts }
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

/** The value of a field from its physical lines: RFC 5322 section 2.2.3, unfolding. */
export function unfold(cleanLines: readonly string[]): string {
  const text = cleanLines.join('')
  return text.slice(text.indexOf(':') + 1).trim()
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

/** `breaks`: indexes of the lines behind which Haraka may have put a break. */
function splitFields(
  lines: readonly string[],
  mailparser: Parsers['mailparser'],
  breaks: ReadonlySet<number>,
): Promise<Field[]> {
  const parser = new mailparser.MailParser({
    skipHtmlToText: true,
    skipImageLinks: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    maxHeadSize: HEAD_LIMIT_BYTES,
  })
  return new Promise(resolve => {
    const end = (found: readonly { line: string }[]) => {
      resolve(readFields(found, lines, breaks))
      parser.destroy()
    }
    parser.on('headerLines', found => end(found.slice(1)))
    parser.on('error', () => end([]))
    parser.on('close', () => end([]))
    // a field of our own first: mailparser takes a first line `From ` for an mbox's, and `POST ` for a request's
    parser.end(['First:', ...lines.filter(line => line !== ''), '', ''].join('\r\n'))
    parser.resume()
  })
}

function readFields(
  found: readonly { line: string }[],
  lines: readonly string[],
  breaks: ReadonlySet<number>,
): Field[] {
  const fields = found.map(({ line }) => Buffer.from(line, 'latin1').toString('utf8').split('\r\n'))
  if (breaks.size === 0) return fields.map(physical => readField(physical))
  // empty lines went before the fields were divided
  const isBroken = lines.flatMap((line, index) => (line === '' ? [] : [breaks.has(index)]))
  let at = 0
  return fields.map(physical => {
    const joined: string[] = []
    for (const [index, line] of physical.entries()) {
      if (index > 0 && isBroken[at + index - 1]) joined.push(`${joined.pop() ?? ''}${line.slice(1)}`)
      else joined.push(line)
    }
    at += physical.length
    const field = readField(physical)
    return joined.length === physical.length ? field : { ...field, joined: unfold(joined) }
  })
}

function readField(physical: readonly string[]): Field {
  const name = FIELD_NAME.exec(physical.join('\r\n'))?.[1]?.toLowerCase() ?? ''
  return { name, raw: unfold(physical) }
}

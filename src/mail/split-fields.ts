// The fields of a header, top down: mailparser reads its beginning, and what is behind is split in the same way by hand.
// Never hangs and never throws on what a mail holds: a header that mailparser can't read, or reads in another way, is empty.

import type { MailParser } from 'mailparser'

export interface Field {
  /** Lower case; '' for a line that isn't a field (no colon, or no field name before it). */
  name: string
  /** The value as written: unfolded, encoded words as they are. */
  raw: string
  /** The same without the breaks that Haraka may have put into long lines; undefined: it can't have. */
  joined?: string
}

/**
 * mailparser decodes each field that it splits off, which costs up to a second for a header of 1 MB, and 30 ms for 32 KB.
 * SES's block, which stands on top, takes less than 10 KB.
 */
const PARSED_CHARACTERS = 32 * 1024
/** RFC 5322 section 2.2 (field names), section 4.5 (blanks before the colon); some hop may even fold there. */
const FIELD_NAME = /^([!-9;-~]+)\s*:/

/** The lines of a field, and for each whether Haraka may have put a break behind it. */
interface Group {
  lines: string[]
  isBroken: boolean[]
}

/**
 * `cleanLines`: physical lines as Unicode, without line ends; `breaks`: indexes of those behind which Haraka may have put
 * a break.
 */
export async function splitFields(
  cleanLines: readonly string[],
  breaks: ReadonlySet<number>,
  newParser: () => MailParser,
): Promise<readonly Field[]> {
  const groups = groupLines(cleanLines, breaks)
  const end = endOfBeginning(groups)
  const parsed = await parse(
    groups.slice(0, end).flatMap(({ lines }) => lines),
    newParser(),
  )
  if (parsed.length !== end) return []
  return groups.map((group, index) => readField(parsed[index] ?? group.lines, group.isBroken))
}

/** The value of a field from its physical lines: RFC 5322 section 2.2.3, unfolding. */
export function unfold(cleanLines: readonly string[]): string {
  const text = cleanLines.join('')
  return text.slice(text.indexOf(':') + 1).trim()
}

function groupLines(cleanLines: readonly string[], breaks: ReadonlySet<number>): Group[] {
  const groups: Group[] = []
  for (const [index, line] of cleanLines.entries()) {
    // an empty line, which Haraka can leave in a header, doesn't end it
    if (line === '') continue
    const isFold = line[0] === ' ' || line[0] === '\t'
    if (!isFold) groups.push({ lines: [], isBroken: [] })
    const group = groups.at(-1)
    group?.lines.push(line)
    group?.isBroken.push(breaks.has(index))
  }
  return groups
}

/** How many fields mailparser is given. */
function endOfBeginning(groups: readonly Group[]): number {
  let characters = 0
  const end = groups.findIndex(({ lines }) => {
    for (const line of lines) characters += line.length
    return characters > PARSED_CHARACTERS
  })
  return end < 0 ? groups.length : end
}

/** The physical lines of each field. */
function parse(lines: readonly string[], parser: MailParser): Promise<string[][]> {
  return new Promise(resolve => {
    const end = (found: readonly { line: string }[]) => {
      resolve(found.map(({ line }) => Buffer.from(line, 'latin1').toString('utf8').split('\r\n')))
      parser.destroy()
    }
    parser.on('headerLines', found => end(found.slice(1)))
    parser.on('error', () => end([]))
    parser.on('close', () => end([]))
    // a field of our own first: mailparser takes a first line `From ` for an mbox's, and `POST ` for a request's
    parser.end(['First:', ...lines, '', ''].join('\r\n'))
    parser.resume()
  })
}

function readField(lines: readonly string[], isBroken: readonly boolean[]): Field {
  const name = FIELD_NAME.exec(lines.join('\r\n'))?.[1]?.toLowerCase() ?? ''
  const field = { name, raw: unfold(lines) }
  return isBroken.includes(true) ? { ...field, joined: unfold(withoutBreaks(lines, isBroken)) } : field
}

function withoutBreaks(lines: readonly string[], isBroken: readonly boolean[]): string[] {
  return lines.map((line, index) => (index > 0 && isBroken[index - 1] ? line.slice(1) : line))
}

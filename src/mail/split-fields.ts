// Splits a header into its fields. mailparser splits the beginning; the rest is split here in the same way.
// No mail makes it hang or throw: a header that mailparser can't read, or splits differently, is empty.

import type { MailParser } from 'mailparser'

export interface Field {
  /** In lower case. '': the line isn't a field (no colon, or no field name before it). */
  name: string
  /** The value, unfolded; encoded words aren't decoded. */
  raw: string
  /** The same without the breaks that Haraka may have inserted. Undefined: there can't be any. */
  joined?: string | undefined
}

/**
 * mailparser also decodes each field, which takes up to a second for a header of 1 MB, and 30 ms for 32 KB.
 * SES's block, at the top, is smaller than 10 KB.
 */
const PARSED_CHARACTERS = 32 * 1024
/** RFC 5322 section 2.2 (field names) and section 4.5 (blanks before the colon). A hop may even fold there. */
const FIELD_NAME = /^([!-9;-~]+)\s*:/

/** The lines of a field, and whether Haraka may have inserted a break after each. */
interface Group {
  lines: string[]
  isBroken: boolean[]
}

/**
 * The fields from top to bottom. `cleanLines`: physical lines as Unicode, without line ends; `breaks`: indexes of the
 * lines after which Haraka may have inserted a break.
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

/** The value of a field from its physical lines, unfolded (RFC 5322 section 2.2.3). */
export function unfold(cleanLines: readonly string[]): string {
  const text = cleanLines.join('')
  return text.slice(text.indexOf(':') + 1).trim()
}

function groupLines(cleanLines: readonly string[], breaks: ReadonlySet<number>): Group[] {
  const groups: Group[] = []
  for (const [index, line] of cleanLines.entries()) {
    // Haraka can leave an empty line in a header; it doesn't end it
    if (line === '') continue
    const isFold = line[0] === ' ' || line[0] === '\t'
    if (!isFold) groups.push({ lines: [], isBroken: [] })
    const group = groups.at(-1)
    group?.lines.push(line)
    group?.isBroken.push(breaks.has(index))
  }
  return groups
}

/** The number of fields that mailparser gets. */
function endOfBeginning(groups: readonly Group[]): number {
  let characters = 0
  const end = groups.findIndex(({ lines }) => {
    for (const line of lines) characters += line.length
    return characters > PARSED_CHARACTERS
  })
  return end < 0 ? groups.length : end
}

/** The physical lines of each field, as mailparser splits them. */
function parse(lines: readonly string[], parser: MailParser): Promise<string[][]> {
  return new Promise(resolve => {
    const end = (found: readonly { line: string }[]) => {
      resolve(found.map(({ line }) => Buffer.from(line, 'latin1').toString('utf8').split('\r\n')))
      parser.destroy()
    }
    parser.on('headerLines', found => end(found.slice(1)))
    parser.on('error', () => end([]))
    parser.on('close', () => end([]))
    // begins with a field of our own, as mailparser reads a first line `From ` as mbox's and `POST ` as HTTP's
    parser.end(['First:', ...lines, '', ''].join('\r\n'))
    parser.resume()
  })
}

/** `lines`: a field's physical lines, clean; `isBroken`: for each, whether Haraka may have inserted a break after it. */
export function readField(lines: readonly string[], isBroken: readonly boolean[]): Field {
  const name = FIELD_NAME.exec(lines.join('\r\n'))?.[1]?.toLowerCase() ?? ''
  const field = { name, raw: unfold(lines) }
  return isBroken.includes(true) ? { ...field, joined: unfold(withoutBreaks(lines, isBroken)) } : field
}

function withoutBreaks(lines: readonly string[], isBroken: readonly boolean[]): string[] {
  return lines.map((line, index) => (index > 0 && isBroken[index - 1] ? line.slice(1) : line))
}

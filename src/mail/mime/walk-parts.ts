// Goes once through a mail's bytes and calls a visitor for each part, those of attached mails included.
// Where a multipart's fields and its delimiter lines contradict each other, the lines count.

import { UnreadableError } from '../unreadable'
import { afterLine, Boundaries, describesPart } from './boundaries'
import { DECODED_BYTES, DECODED_SHARE, DEPTH, GUESSES, HEADER_ENDS, PARTS, TWICE_READ_SHARE } from './limits'
import { type PartFields, partFields } from './part-fields'
import { readPartHeader } from './part-header'
import { signedContent } from './signed-data'
import { decodedWhole, type Encoding } from './transfer-encoding'

export interface PartContext {
  /** The part is in an attached mail, which the reader would have to open. */
  isHidden: boolean
}

export interface Visitor {
  /** A part that has no parts. */
  part(fields: PartFields, body: Buffer, context: PartContext): void
  /** An attached mail. Calls for its parts follow; then the returned function is called with its decoded size. */
  message(fields: PartFields, context: PartContext): (sizeBytes: number) => void
  /** A multipart without a usable delimiter line: a reader sees its body as text. */
  unsplit(fields: PartFields, body: Buffer, context: PartContext): void
}

const MULTIPART = /^(?:multipart(?:\/|$)|mixed$|alternative$|related$)/
/** RFC 2046 section 5.2 and RFC 6532. The other types listed here begin with a mail's header, too. */
const MESSAGE = /^message(?:$|\/(?:rfc822|global|news|partial|external-body)$)/
/** RFC 8551 section 3.2. */
const SIGNED = /^application\/(?:x-)?pkcs7-mime$/
/** No text. */
const OPAQUE = /^(?:application|image|audio|video|font|model)\//
const DASHES = Buffer.from('--')

/** `raw`: the whole mail. @throws UnreadableError where the mail exceeds a limit of limits.ts */
export function walk(raw: Buffer, visitor: Visitor): void {
  new Walk(raw, visitor, {
    parts: 0,
    decodedBytes: Math.max(DECODED_BYTES, raw.length * DECODED_SHARE),
    guesses: 0,
    headerEnds: HEADER_ENDS,
    twiceReadBytes: Math.max(DECODED_BYTES, raw.length * TWICE_READ_SHARE),
  }).entity(0, 0, 'text/plain', { isHidden: false })
}

/** The rest of each limit, shared by the whole mail. */
interface Budget {
  parts: number
  decodedBytes: number
  guesses: number
  headerEnds: number
  twiceReadBytes: number
}

/** Whether a part was found, and the end as `entity` returns it. */
interface Split {
  isSplit: boolean
  end: number
}

class Walk {
  readonly #raw: Buffer
  readonly #visitor: Visitor
  readonly #budget: Budget
  readonly #boundaries: Boundaries

  constructor(raw: Buffer, visitor: Visitor, budget: Budget) {
    this.#raw = raw
    this.#visitor = visitor
    this.#budget = budget
    this.#boundaries = new Boundaries(raw)
  }

  /** Reads a mail or part that begins here. Returns the offset of the delimiter line after it, or the end. */
  entity(from: number, depth: number, defaultType: string, context: PartContext): number {
    if (++this.#budget.parts > PARTS) throw new UnreadableError(`it has more than ${PARTS} parts`)
    if (depth > DEPTH) throw new UnreadableError(`its parts nest deeper than ${DEPTH}`)
    const { early, ...header } = readPartHeader(this.#raw, from, this.#boundaries)
    const fields = partFields(header, defaultType)
    if (early === undefined) return this.#read(fields, header.bodyAt, depth, context)
    this.#budget.headerEnds--
    this.#budget.twiceReadBytes -= this.#endFrom(early.bodyAt) - early.bodyAt
    if (this.#budget.headerEnds < 0 || this.#budget.twiceReadBytes < 0)
      throw new UnreadableError('too many headers in it have no clear end')
    // parts are found from the earlier end on, too
    if (isMultipart(fields)) return this.#read(fields, early.bodyAt, depth, context)
    const end = this.#read(fields, header.bodyAt, depth, context)
    const others = partFields(early, defaultType)
    if (!others.types.every(type => OPAQUE.test(type))) this.#read(others, early.bodyAt, depth, context)
    return end
  }

  #read(fields: PartFields, bodyAt: number, depth: number, context: PartContext): number {
    if (isMultipart(fields)) return this.#multipart(fields, bodyAt, depth, context)
    const { types } = fields
    if (types.some(type => MESSAGE.test(type))) return this.#message(fields, bodyAt, depth, context)
    if (types.some(type => SIGNED.test(type))) this.#signed(fields, bodyAt, depth, context)
    const end = this.#endFrom(bodyAt)
    this.#visitor.part(fields, this.#body(bodyAt, end), context)
    return end
  }

  #multipart(fields: PartFields, bodyAt: number, depth: number, context: PartContext): number {
    const named = this.#splitSomehow(fields, bodyAt, depth, context)
    if (named.isSplit) return named.end
    const body = this.#body(bodyAt, named.end)
    const encoding = codingOf(fields)
    // RFC 2045 section 6.4 forbids an encoded multipart, but some programs decode it
    if (encoding !== undefined) {
      const decoded = new Walk(this.#decoded(body, encoding), this.#visitor, this.#budget)
      if (decoded.#splitSomehow(fields, 0, depth, context).isSplit) return named.end
    }
    this.#visitor.unsplit(fields, body, context)
    return named.end
  }

  /** Splits by the boundaries that the fields name, or by one that is guessed. */
  #splitSomehow(fields: PartFields, bodyAt: number, depth: number, context: PartContext): Split {
    const named = this.#split(fields.boundaries, fields, bodyAt, depth, context)
    if (named.isSplit) return named
    const guessed = this.#guess(bodyAt, named.end)
    if (guessed === undefined) return named
    if (++this.#budget.guesses > GUESSES)
      throw new UnreadableError(`more than ${GUESSES} of its multiparts have other boundaries than they name`)
    const { isSplit, end } = this.#split([guessed], fields, bodyAt, depth, context)
    return isSplit ? { isSplit, end } : named
  }

  #split(
    boundaries: readonly Buffer[],
    { types }: PartFields,
    bodyAt: number,
    depth: number,
    context: PartContext,
  ): Split {
    const level = this.#boundaries.depth
    this.#boundaries.open(boundaries)
    // RFC 2046 section 5.1.5
    const defaultType = types.includes('multipart/digest') ? 'message/rfc822' : 'text/plain'
    let found = this.#boundaries.next(bodyAt)
    let isSplit = false
    while (found !== undefined && found.level === level) {
      const { next, isClosing } = found
      isSplit ||= !isClosing
      // after the closing delimiter only further parts count
      const end = isClosing ? next : this.entity(next, depth + 1, defaultType, context)
      found = isClosing ? this.#boundaries.next(end) : this.#boundaries.at(end)
    }
    this.#boundaries.close(level)
    return { isSplit, end: found?.at ?? this.#raw.length }
  }

  /** The boundary of the first line `--...` that is followed by a part's fields. */
  #guess(bodyAt: number, end: number): Buffer | undefined {
    const raw = this.#raw
    for (let at = bodyAt; at >= 0 && at < end; ) {
      const next = afterLine(raw, at)
      if (raw[at] === DASHES[0] && raw[at + 1] === DASHES[0] && next < end && describesPart(raw, next)) {
        const line = raw.toString('latin1', at + 2, next).trimEnd()
        if (line !== '') return Buffer.from(line, 'latin1')
      }
      const before = raw.indexOf('\n--', next - 1, 'latin1')
      at = before < 0 ? -1 : before + 1
    }
    return undefined
  }

  #message(fields: PartFields, bodyAt: number, depth: number, context: PartContext): number {
    const tellSize = this.#visitor.message(fields, context)
    const inner: PartContext = { isHidden: context.isHidden || !fields.isInline }
    const encoding = codingOf(fields)
    if (encoding === undefined) {
      const end = this.entity(bodyAt, depth + 1, 'text/plain', inner)
      tellSize(this.#body(bodyAt, end).length)
      return end
    }
    const end = this.#endFrom(bodyAt)
    const decoded = this.#decoded(this.#body(bodyAt, end), encoding)
    tellSize(decoded.length)
    new Walk(decoded, this.#visitor, this.#budget).entity(0, depth + 1, 'text/plain', inner)
    return end
  }

  /** The part is an attachment, too. */
  #signed(fields: PartFields, bodyAt: number, depth: number, context: PartContext): void {
    const body = this.#body(bodyAt, this.#endFrom(bodyAt))
    const encoding = codingOf(fields)
    const content = signedContent(encoding === undefined ? body : this.#decoded(body, encoding))
    if (content !== undefined)
      new Walk(content, this.#visitor, this.#budget).entity(0, depth + 1, 'text/plain', context)
  }

  #decoded(body: Buffer, encoding: Exclude<Encoding, 'identity' | 'unknown'>): Buffer {
    this.#budget.decodedBytes -= encoding === 'base64' ? body.length * 0.75 : body.length
    if (this.#budget.decodedBytes < 0)
      throw new UnreadableError('its attached mails are encoded within each other too often')
    return decodedWhole(body, encoding)
  }

  #endFrom(bodyAt: number): number {
    return this.#boundaries.next(bodyAt)?.at ?? this.#raw.length
  }

  /** The bytes without the line end that belongs to the delimiter. */
  #body(from: number, to: number): Buffer {
    let end = to
    if (end < this.#raw.length) {
      if (this.#raw[end - 1] === 0x0a) end--
      if (this.#raw[end - 1] === 0x0d) end--
    }
    return this.#raw.subarray(from, Math.max(from, end))
  }
}

function isMultipart({ types, boundaries }: PartFields): boolean {
  if (types.some(type => MULTIPART.test(type))) return true
  return boundaries.length > 0 && types.every(type => !type.includes('/'))
}

function codingOf({ encodings }: PartFields): Exclude<Encoding, 'identity' | 'unknown'> | undefined {
  for (const one of encodings) {
    if (one === 'unknown')
      throw new UnreadableError('an attached mail is in an encoding that few programs read')
    if (one !== 'identity') return one
  }
  return undefined
}

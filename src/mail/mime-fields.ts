// What of a mail's header says how to read its body: the parser is spared the rest, which costs it more than many a body.
// Never throws: any bytes have a header, if only an empty one.

const LF = 0x0a
const CR = 0x0d
const BLANK = 0x20
const TAB = 0x09
/** RFC 2045 section 3: all fields that describe a body begin so. */
const DESCRIBES = /^content-/i
const NAME_BYTES = 8

/** `bodyAt`: where the empty line stands that ends the header, or the end of the mail. */
export function mimeFields(raw: Uint8Array): { fields: Uint8Array[]; bodyAt: number } {
  const fields: Uint8Array[] = []
  let isKept = false
  for (let at = 0; at < raw.length; ) {
    const end = raw.indexOf(LF, at)
    const next = end < 0 ? raw.length : end + 1
    if (raw[at] === LF || (raw[at] === CR && raw[at + 1] === LF)) return { fields, bodyAt: at }
    // RFC 5322 section 2.2.3: a fold belongs to the line before
    if (raw[at] !== BLANK && raw[at] !== TAB)
      isKept = DESCRIBES.test(Buffer.from(raw.subarray(at, at + NAME_BYTES)).toString('latin1'))
    if (isKept) fields.push(raw.subarray(at, next))
    at = next
  }
  return { fields, bodyAt: raw.length }
}

// The mail within an opaque signature (S/MIME, RFC 8551 section 3.5.2), which mail programs show like any other. Reads
// only where the content is (RFC 5652 section 5.2), in linear time; nothing is verified. Encrypted content is left alone.

/** The object identifier id-data, 1.2.840.113549.1.7.1 (RFC 5652 section 4). */
const DATA = Buffer.from([0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01])
/** [0] EXPLICIT around the content; in encrypted data an algorithm stands here. */
const EXPLICIT = 0xa0
const [OCTETS, OCTETS_IN_PARTS, END] = [0x04, 0x24, 0x00]
/** Levels of strings in strings: programs write one. */
const DEPTH = 8

/** Undefined: there is no such content. */
export function signedContent(bytes: Buffer): Buffer | undefined {
  const at = bytes.indexOf(DATA)
  const outer = at < 0 ? undefined : elementAt(bytes, at + DATA.length)
  if (outer === undefined || outer.tag !== EXPLICIT) return undefined
  const parts: Buffer[] = []
  collect(bytes, outer.from, outer.to, parts, 0)
  return parts.length === 0 ? undefined : Buffer.concat(parts)
}

/** Returns where it stopped. */
function collect(bytes: Buffer, from: number, to: number, parts: Buffer[], depth: number): number {
  let at = from
  while (at < to) {
    const element = elementAt(bytes, at)
    if (element === undefined || element.tag === END) return element?.from ?? to
    if (element.tag === OCTETS) {
      parts.push(bytes.subarray(element.from, element.to))
      at = element.to
    } else if (element.tag === OCTETS_IN_PARTS && depth < DEPTH)
      at = collect(bytes, element.from, element.to, parts, depth + 1)
    else return to
  }
  return at
}

/** X.690 section 8.1. Without a length it ends where its parts do. */
function elementAt(bytes: Buffer, at: number): { tag: number; from: number; to: number } | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || first === undefined) return undefined
  if (first === 0x80) return { tag, from: at + 2, to: bytes.length }
  if (first < 0x80) return { tag, from: at + 2, to: Math.min(at + 2 + first, bytes.length) }
  const count = first & 0x7f
  if (count > 4 || at + 2 + count > bytes.length) return undefined
  const from = at + 2 + count
  return { tag, from, to: Math.min(from + bytes.readUIntBE(at + 2, count), bytes.length) }
}

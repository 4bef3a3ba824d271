// Finds the delimiter lines of all open multiparts in one pass over the bytes (RFC 2046 section 5.1.1).
// A bare CR ends a line too, as it does in Thunderbird.

const LF = 0x0a
const CR = 0x0d
const DASH = 0x2d
const BLANK = 0x20
const TAB = 0x09

export interface Delimiter {
  /** Offset of the beginning of its line. */
  at: number
  /** Offset of the next line. */
  next: number
  /** The open multipart that it belongs to: 0 is the outermost. */
  level: number
  isClosing: boolean
}

/** Bytes read one by one before `indexOf` is called: in hostile mail, full of dashes, its start would cost more. */
const NEAR_BYTES = 64

/** A prefix tree of all open boundaries: each line is compared once, however many boundaries are open. */
interface Node {
  next: Map<number, Node>
  /** The levels of the multiparts whose boundary ends at this node, ascending. */
  levels: number[]
}

export class Boundaries {
  readonly #raw: Buffer
  /** The boundaries of each open multipart: its fields may name several. */
  readonly #open: (readonly Buffer[])[] = []
  #root: Node = node()

  constructor(raw: Buffer) {
    this.#raw = raw
  }

  get depth(): number {
    return this.#open.length
  }

  open(boundaries: readonly Buffer[]): void {
    this.#open.push(boundaries)
    this.#add(boundaries, this.#open.length - 1)
  }

  /** Closes the multiparts from this level on. */
  close(level: number): void {
    this.#open.length = level
    this.#root = node()
    for (const [place, boundaries] of this.#open.entries()) this.#add(boundaries, place)
  }

  /** The next delimiter at or after `from`, which must be the beginning of a line. Undefined: there is none. */
  next(from: number): Delimiter | undefined {
    if (this.#open.length === 0) return undefined
    const raw = this.#raw
    for (let at = from; at < raw.length; ) {
      const near = Math.min(at + NEAR_BYTES, raw.length)
      while (at < near && !(raw[at] === DASH && raw[at + 1] === DASH)) at++
      if (at === near) {
        at = raw.indexOf('--', at, 'latin1')
        if (at < 0) return undefined
      }
      const before = raw[at - 1]
      if (at === from || before === LF || before === CR) {
        const found = this.at(at)
        if (found) return found
      }
      // skip a line of dashes at once
      at += 2
      while (raw[at] === DASH) at++
    }
    return undefined
  }

  /** The delimiter that begins here, if any. Where it fits several multiparts, the outermost one counts. */
  at(at: number): Delimiter | undefined {
    const raw = this.#raw
    if (raw[at] !== DASH || raw[at + 1] !== DASH) return undefined
    let exact: Delimiter | undefined
    let longest: { end: number; level: number } | undefined
    let here = this.#root.next.get(raw[at + 2] ?? -1)
    for (let end = at + 3; here !== undefined; here = here.next.get(raw[end++] ?? -1)) {
      const level = here.levels[0]
      if (level === undefined) continue
      longest = { end, level: here.levels.at(-1) as number }
      if (exact !== undefined && exact.level < level) continue
      const isClosing = raw[end] === DASH && raw[end + 1] === DASH
      const next = this.#lineEnd(isClosing ? end + 2 : end)
      if (next !== undefined) exact = { at, next, level, isClosing }
    }
    if (exact !== undefined || longest === undefined) return exact
    // RFC 2046 also allows a line that only begins with the boundary; it counts where a part's fields follow
    const next = afterLine(raw, longest.end)
    return describesPart(raw, next) ? { at, next, level: longest.level, isClosing: false } : undefined
  }

  #add(boundaries: readonly Buffer[], level: number): void {
    for (const boundary of boundaries) {
      let here = this.#root
      for (const byte of boundary) {
        const next = here.next.get(byte) ?? node()
        here.next.set(byte, next)
        here = next
      }
      here.levels.push(level)
    }
  }

  /** Offset of the next line when only blanks are left on this one. */
  #lineEnd(from: number): number | undefined {
    const raw = this.#raw
    let at = from
    while (raw[at] === BLANK || raw[at] === TAB) at++
    if (at >= raw.length) return raw.length
    if (raw[at] === LF) return at + 1
    if (raw[at] !== CR) return undefined
    return raw[at + 1] === LF ? at + 2 : at + 1
  }
}

function node(): Node {
  return { next: new Map(), levels: [] }
}

/** Offset of the next line. */
export function afterLine(raw: Buffer, from: number): number {
  const near = Math.min(from + NEAR_BYTES, raw.length)
  for (let at = from; at < near; at++) if (raw[at] === LF) return at + 1
  const end = raw.indexOf(LF, near)
  return end < 0 ? raw.length : end + 1
}

/** Whether a `Content-*` field begins here. */
export function describesPart(raw: Buffer, at: number): boolean {
  if (!beginsContent(raw, at)) return false
  return /^content-[a-z-]+[ \t]*:/i.test(raw.toString('latin1', at, Math.min(at + 60, raw.length)))
}

/** A cheap test for `Content-`: its first letter and its dash. */
export function beginsContent(raw: Buffer, at: number): boolean {
  return ((raw[at] ?? 0) | 0x20) === 0x63 && raw[at + 7] === DASH
}

// Splits the value of a long address field into pieces that a parser can read one by one: mailboxes, and parts of
// groups. Never throws. Takes linear time: an unclosed quote, comment or bracket ends with the text.

/** Calls `take` with each piece between `,` and `;` (RFC 5322 section 3.4) that holds an `@`, until it returns false. */
export function eachMailbox(value: string, take: (piece: string) => boolean): void {
  const scanner = new Scanner()
  let start = 0
  for (let at = 0; at <= value.length; at++) {
    if (at < value.length && !scanner.endsPiece(value[at] ?? '')) continue
    const piece = value.slice(start, at)
    start = at + 1
    if (piece.includes('@') && !take(piece)) return
  }
}

/** The scanner's state: RFC 5322 sections 3.2.2 (nested comments), 3.2.4 (quoted strings) and 3.4 (angle brackets). */
class Scanner {
  #isQuoted = false
  #isEscaped = false
  #isAngle = false
  #isGroup = false
  #comments = 0

  /** Whether the character separates two mailboxes. */
  endsPiece(char: string): boolean {
    if (this.#isEscaped) this.#isEscaped = false
    else if (this.#isQuoted) {
      if (char === '\\') this.#isEscaped = true
      else if (char === '"') this.#isQuoted = false
    } else if (this.#comments > 0) {
      if (char === '\\') this.#isEscaped = true
      else if (char === '(') this.#comments++
      else if (char === ')') this.#comments--
    } else return this.#isBare(char)
    return false
  }

  #isBare(char: string): boolean {
    switch (char) {
      case '"':
        this.#isQuoted = true
        return false
      case '(':
        this.#comments = 1
        return false
      case '<':
        this.#isAngle = true
        return false
      case '>':
        this.#isAngle = false
        return false
      case ':':
        if (!this.#isAngle) this.#isGroup = true
        return false
      case ',':
        return !this.#isAngle
      case ';':
        return this.#endsGroup()
      default:
        return false
    }
  }

  /** In a group `;` also ends unclosed brackets, which would hide all mailboxes after it. */
  #endsGroup(): boolean {
    if (this.#isAngle && !this.#isGroup) return false
    this.#isAngle = false
    this.#isGroup = false
    return true
  }
}

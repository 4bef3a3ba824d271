// Unicode's composed form (NFC), in time that grows with the text and no faster. Every NFC of this product is made here.
// Never throws: any text has a composed form.

/** Unicode Standard Annex #15 section 13 (Stream-Safe Text Format): no language needs more marks behind one letter. */
const MARKS_IN_A_ROW = 30
/** Combining grapheme joiner: UAX #15 puts it between marks that would be too many in a row. */
const JOINER = '\u034f'
/** U+0300 is the first combining mark of Unicode; text below it is composed already. */
const MAY_CHANGE = /[\u0300-\uffff]/
/** Marks above are variation selectors, which nothing sorts. */
const END_OF_TABLE = 0x20000

/**
 * To compose a text, marks behind a letter are sorted by insertion: quadratic in their number, 25 s for 700 KB. So a
 * joiner is put behind every thirtieth mark of a run before; a text without such a run stays as it is.
 */
export function composed(text: string): string {
  return MAY_CHANGE.test(text) ? streamSafe(text).normalize('NFC') : text
}

function streamSafe(text: string): string {
  const marks = markTable()
  let safe = ''
  let taken = 0
  let run = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x300) {
      run = 0
      continue
    }
    const point = code >= 0xd800 && code < 0xdc00 ? (text.codePointAt(at) ?? 0) : code
    if (marks[point] !== 1) run = 0
    else if (run < MARKS_IN_A_ROW) run++
    else {
      safe += text.slice(taken, at) + JOINER
      taken = at
      run = 1
    }
    if (point > 0xffff) at++
  }
  return safe + text.slice(taken)
}

let table: Uint8Array | undefined

/** By code point, 1 for a mark: to ask an expression for each character takes twenty times as long. 40 ms, once. */
function markTable(): Uint8Array {
  if (table !== undefined) return table
  table = new Uint8Array(END_OF_TABLE)
  for (let point = 0x300; point < END_OF_TABLE; point++) {
    if (/\p{M}/u.test(String.fromCodePoint(point))) table[point] = 1
  }
  return table
}

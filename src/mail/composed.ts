// Unicode's composed form (NFC) in linear time. All NFC in this product is made here. Never throws.

/** Unicode Standard Annex #15 section 13 (Stream-Safe Text Format): no language needs more marks behind one letter. */
const MARKS_IN_A_ROW = 30
/** Combining grapheme joiner: UAX #15 section 13 inserts it into a run of too many marks. */
const JOINER = '\u034f'
/**
 * All UTF-16 units but those of characters that are composed already, whatever stands beside them: everything below the
 * first combining mark, and letters and signs of most living languages, punctuation and emoji (Unicode 15).
 */
const MAY_CHANGE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[^\0-\u02ff\u0388-\u0482\u048a-\u0590\u2010-\u20cf\u2200-\u2328\u232b-\u2ad8\u3001-\u3029\u3030-\u3098\u309b-\ua66e\uac00-\ud7a3\ud83c-\ud83e\udc00-\udfff\uff00-\uffef]/
/** Marks above are variation selectors, and normalization doesn't sort them. */
const END_OF_TABLE = 0x20000

/**
 * `normalize` sorts the marks after a letter in quadratic time: 25 s for 700 KB of them. A joiner after every thirtieth
 * mark prevents that. A text without such a run is unchanged.
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

/** Arguments of one call. */
const POINTS_AT_ONCE = 0x1000

/** 1 for each code point that is a mark. Made once in a few milliseconds; a regex for each character is 20 times slower. */
function markTable(): Uint8Array {
  if (table !== undefined) return table
  table = new Uint8Array(END_OF_TABLE)
  for (let from = 0; from < END_OF_TABLE; from += POINTS_AT_ONCE) {
    const units = from > 0xffff ? 2 : 1
    const points = String.fromCodePoint(...Array.from({ length: POINTS_AT_ONCE }, (_, n) => from + n))
    for (const { 0: marks, index } of points.matchAll(/\p{M}+/gu))
      table.fill(1, from + index / units, from + (index + marks.length) / units)
  }
  return table
}

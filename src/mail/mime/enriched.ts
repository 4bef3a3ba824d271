// Removes the commands of text/enriched (RFC 1896) and of text/richtext (RFC 1341), its predecessor. Takes linear time.

/** Commands whose text is for programs. */
const COMMAND_TEXT = /<(param|comment)>[\s\S]*?(?:<\/\1>|$)/gi
const COMMAND = /<\/?([a-z0-9-]{0,60})>/gi
/** Commands of richtext that stand for a character (RFC 1341 section 7.1.3). */
const MEANING = new Map([
  ['nl', '\n\n'],
  ['np', '\n\n'],
  ['lt', '<'],
  ['paragraph', '\n\n'],
])

export function enrichedText(text: string): string {
  return text
    .replaceAll('<<', '\0')
    .replace(COMMAND_TEXT, '')
    .replace(COMMAND, (_, name: string) => MEANING.get(name.toLowerCase()) ?? '')
    .replaceAll('\0', '<')
    .replace(/(\r?\n)+/g, ends => (ends.replaceAll('\r', '').length === 1 ? ' ' : '\n'))
}

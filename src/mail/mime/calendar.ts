// The text of an appointment or of a visiting card (RFC 5545, RFC 6350), as programs show it: lines unfolded, escapes
// decoded.

const ESCAPE = /\\([\\;,:nN])/g

export function calendarText(text: string): string {
  return text
    .replace(/\r?\n[ \t]/g, '')
    .replace(ESCAPE, (_, sign: string) => (sign.toLowerCase() === 'n' ? '\n' : sign))
}

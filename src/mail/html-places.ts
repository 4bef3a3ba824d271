// Places in HTML: where a comment or an element's text ends, and which characters end a name. Linear, and pure.

const [TAB, LF, FF, CR, SPACE] = [0x09, 0x0a, 0x0c, 0x0d, 0x20]
export const SLASH = 0x2f
export const GREATER = 0x3e

/** The offset where the end of a comment begins, and the offset behind it. Below 0: it isn't here. */
export function commentEnd(html: string, from: number): { at: number; next: number } {
  for (let at = html.indexOf('--', from); at >= 0; at = html.indexOf('--', at + 1)) {
    if (html.charCodeAt(at + 2) === GREATER) return { at, next: at + 3 }
    if (html.startsWith('!>', at + 2)) return { at, next: at + 4 }
  }
  return { at: -1, next: -1 }
}

/** The offset of the end tag of an element that holds text. Below 0: it isn't here. */
export function endTagOf(html: string, element: string, from: number): number {
  for (let at = html.indexOf('</', from); at >= 0; at = html.indexOf('</', at + 2)) {
    const end = at + 2 + element.length
    if (endsName(html.charCodeAt(end)) && html.slice(at + 2, end).toLowerCase() === element) return at
  }
  return -1
}

export function isLetter(code: number): boolean {
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === LF || code === CR || code === TAB || code === FF
}

export function endsName(code: number): boolean {
  return code === GREATER || code === SLASH || isBlank(code)
}

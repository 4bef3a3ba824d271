// Reads a structured header value: keyword, parameters, comments and quoted strings (RFC 2045 section 5.1, RFC 5322 section 3.2).
// Never throws, in linear time: what isn't closed ends with the text.

export interface HeaderValue {
  /** In lower case, without comments. */
  value: string
  /** Names in lower case; the first of a name counts. */
  parameters: ReadonlyMap<string, string>
}

/** Longer values are cut: no keyword comes after so much. */
const LIMIT_CHARACTERS = 4096

export function parseHeaderValue(text: string): HeaderValue {
  const [value = '', ...rest] = parts(text.slice(0, LIMIT_CHARACTERS))
  const parameters = new Map<string, string>()
  for (const part of rest) {
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(equals, 0)).trim().toLowerCase()
    if (name !== '' && !parameters.has(name))
      parameters.set(
        name,
        part
          .slice(equals + 1)
          .trim()
          .toLowerCase(),
      )
  }
  return { value: value.trim().toLowerCase(), parameters }
}

/** Split at semicolons, without comments, quotes undone. */
function parts(text: string): string[] {
  const found: string[] = []
  let part = ''
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '\\' && (quoted || depth > 0)) {
      i++
      if (depth === 0) part += text[i] ?? ''
    } else if (char === '"' && depth === 0) quoted = !quoted
    else if (quoted) part += char
    else if (char === '(') depth++
    else if (char === ')' && depth > 0) depth--
    else if (depth > 0) continue
    else if (char === ';') {
      found.push(part)
      part = ''
    } else part += char
  }
  return [...found, part]
}

// Reads a structured header value leniently: its elements, without comments and quotes (RFC 5322 section 3.2).
// Never throws. Takes linear time: an unclosed quote ends with the text, and an unclosed comment is text.

/** The value in lower case, split at commas (elements of a list) and semicolons (parameters). */
export function elementsOf(text: string): string[] {
  const found: string[] = []
  let element = ''
  let depth = 0
  let opened = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '\\' && (quoted || depth > 0)) {
      i++
      if (depth === 0) element += text[i] ?? ''
    } else if (char === '"' && depth === 0) quoted = !quoted
    else if (quoted) element += char
    else if (char === '(') {
      if (depth === 0) opened = i
      depth++
    } else if (char === ')' && depth > 0) depth--
    else if (depth > 0) continue
    else if (char === ';' || char === ',') {
      found.push(element)
      element = ''
    } else element += char
  }
  const rest = depth > 0 ? text.slice(opened + 1).split(/[;,]/) : ['']
  return [...found, element + rest[0], ...rest.slice(1)].map(one => one.toLowerCase())
}

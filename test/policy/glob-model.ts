// Globs by their definition, slow and plain: what the fast ones are held against.
// For short texts only: the time grows with every `*`.

export function globMatches(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return text.length === 0
  if (first === '*') return text.some((_, i) => globMatches(rest, text.slice(i))) || globMatches(rest, [])
  return text.length > 0 && (first === '?' || first === text[0]) && globMatches(rest, text.slice(1))
}

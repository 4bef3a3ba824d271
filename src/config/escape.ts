// Escapes text from others for a terminal, a log or a message.
// Pure; accepts any text.

/** Writes controls, line separators and marks of text direction as `\u001b`, in JSON's form. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu, mark =>
    mark
      .split('')
      .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** The beginning of a text, long enough to recognise it. */
export function shortened(text: string, longest = 100): string {
  return text.length > longest ? `${text.slice(0, longest)}...` : text
}

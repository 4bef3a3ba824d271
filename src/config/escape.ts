// How text that others wrote is made fit for a terminal, a log or a message.
// Pure; takes any text.

/** Controls, line separators and the marks that turn the direction of text as `\u001b`, in JSON's form. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu, mark =>
    mark
      .split('')
      .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** As much of a text as it takes to know it again. */
export function shortened(text: string, longest = 100): string {
  return text.length > longest ? `${text.slice(0, longest)}...` : text
}

// Where a command's words go, and how text that others wrote is made fit for a terminal.
// Nothing here writes by itself.

/** Takes whole lines, without the line end. */
export interface Out {
  line(text: string): void
  error(text: string): void
}

/** Controls, line separators and the marks that turn the direction of text as `\u001b`, in JSON's form. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu, mark =>
    mark
      .split('')
      .map(unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

// Where a command's words go, and how text that others wrote is made fit for a terminal.
// Nothing here writes by itself.

import { escapeControls } from '../config/escape'

export { escapeControls }

/** Takes whole lines, without the line end. */
export interface Out {
  line(text: string): void
  error(text: string): void
}

/** Whatever files and mails hold, nothing reaches a terminal but text. */
export function escaping(out: Out): Out {
  return {
    line: text => out.line(escapeControls(text)),
    error: text => out.error(escapeControls(text)),
  }
}

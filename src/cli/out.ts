// The output of a command, and escaping of text for a terminal.

import { escapeControls } from '../config/escape'

export { escapeControls }

/** Gets whole lines, without the line end. */
export interface Out {
  line(text: string): void
  error(text: string): void
}

/** Escapes control characters, so that files and mails can't affect a terminal. */
export function escaping(out: Out): Out {
  return {
    line: text => out.line(escapeControls(text)),
    error: text => out.error(escapeControls(text)),
  }
}

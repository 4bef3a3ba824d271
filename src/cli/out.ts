// Where a command's words go, and how text that others wrote is made fit for a terminal.
// Nothing here writes by itself.

export { escapeControls } from '../settings/escape'

/** Takes whole lines, without the line end. */
export interface Out {
  line(text: string): void
  error(text: string): void
}

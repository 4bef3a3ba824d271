// Shows the progress of a long run on one line of a terminal, which is removed at the end.

import { count } from './words'

export interface Progress {
  /** Called before each mail, with the number of mails before it. */
  at(mails: number): void
  /** Called before lines are written, and at the end. */
  clear(): void
}

export const silent: Progress = { at: () => undefined, clear: () => undefined }

const EVERY_MS = 200

/** `now`: of a clock that is never set. */
export function terminalProgress(
  terminal: { write(text: string): unknown },
  now = () => performance.now(),
): Progress {
  let shownAtMs = now()
  let isShown = false
  return {
    at(mails) {
      if (now() - shownAtMs < EVERY_MS) return
      shownAtMs = now()
      isShown = true
      terminal.write(`\r${count(mails, 'mail')}`)
    },
    clear() {
      // ECMA-48: CR, then "erase in line"
      if (isShown) terminal.write('\r\u001B[2K')
      isShown = false
    },
  }
}

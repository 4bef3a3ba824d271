// Writes the demo's output: lines, and on a terminal a status line that is redrawn below them.
// Writes plain text without a terminal, and with NO_COLOR.

import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'

export interface Terminal {
  line: (text?: string) => void
  /** Shows `text` below all lines; '' removes it. Does nothing without a terminal. */
  status: (text: string) => void
  paint: (style: Style, text: string) => string
  /** Characters in a row. */
  columns: () => number
}

const PLAIN_COLUMNS = 110

/** https://no-color.org: any value but an empty one. */
export function terminal(out: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isLive = out.isTTY && env['TERM'] !== 'dumb'
  const hasColour = isLive && !env['NO_COLOR']
  let shown = ''
  // ECMA-48: CR, then "erase in line"
  const erase = () => (shown === '' ? '' : '\r\u001B[2K')
  return {
    line: (text = '') => void out.write(`${erase()}${text}\n${shown}`),
    status: text => {
      if (!isLive || text === shown) return
      out.write(`${erase()}${text}`)
      shown = text
    },
    paint: (style, text) => (hasColour ? styleText(style, text) : text),
    columns: () => (isLive ? out.columns : PLAIN_COLUMNS),
  }
}

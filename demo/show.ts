// Formats the demo's lines of output, in columns. Pure.

import type { Call } from '../src/ses-emulator/call'
import type { SmtpReply } from '../test/live/support/smtp'
import type { Sample } from './samples'
import type { Style, Terminal } from './terminal'

export interface Result {
  sample: Sample
  number: number
  reply: SmtpReply
  /** In the words of the log. */
  action: string
  why: string
}

const NUMBER_WIDTH = 5
const TITLE_WIDTH = 33
const REPLY_WIDTH = 11
const ACTION_WIDTH = 15
const ADDRESS_WIDTH = 25

const ACTION_STYLE: Record<string, Style> = {
  bounce: 'cyan',
  accept: 'green',
  reject: 'red',
  defer: 'yellow',
  quarantine: 'yellow',
  drop: 'dim',
}

/** The heading of a part of the output. */
export function title(text: string, { paint }: Terminal): string {
  return paint('bold', text)
}

export function mailHeading({ paint }: Terminal): string {
  return paint('dim', `  #  ${'mail'.padEnd(TITLE_WIDTH)}${'SMTP'.padEnd(REPLY_WIDTH)}decision`)
}

export function mailLine({ sample, number, reply, action, why }: Result, { paint }: Terminal): string {
  // RFC 2034: the enhanced status leads the text; a 250 of Haraka's has none
  const [status = ''] = /^\d\.\d+\.\d+/.exec(reply.text) ?? []
  const code = `${reply.code} ${status}`.padEnd(REPLY_WIDTH)
  const style = ACTION_STYLE[action] ?? 'cyan'
  return [
    paint('dim', String(number).padStart(3)),
    `  ${sample.title.padEnd(TITLE_WIDTH)}`,
    reply.code < 400 ? code : paint('yellow', code),
    paint(style, action.padEnd(ACTION_WIDTH)),
    why === 'no rule' ? paint('dim', why) : why,
  ].join('')
}

export function callHeading({ paint }: Terminal): string {
  const addresses = `${'bounce for'.padEnd(ADDRESS_WIDTH)}${'to'.padEnd(ADDRESS_WIDTH)}`
  return paint('dim', `  #  ${addresses}${'at'.padStart(9)}${'gap'.padStart(10)}   SES`)
}

/** `number`: of the sample. Undefined: not a sample. */
export function callLine(
  call: Call,
  more: { number: number | undefined; sender: string; sinceStartMs: number; gapMs: number | undefined },
  { paint }: Terminal,
): string {
  const { outcome, input } = call
  const recipients = (input?.BouncedRecipientInfoList ?? []).map(({ Recipient }) => Recipient ?? '')
  const [first = '', ...others] = recipients
  const told = outcome.carriedOut
    ? paint('green', 'sent')
    : paint('yellow', `refused: ${outcome.code ?? outcome.status}`)
  return [
    paint('dim', String(more.number ?? '').padStart(3)),
    `  ${cell(others.length > 0 ? `${first} +${others.length}` : first, ADDRESS_WIDTH)}`,
    cell(more.sender, ADDRESS_WIDTH),
    seconds(more.sinceStartMs).padStart(9),
    more.gapMs === undefined ? ' '.repeat(10) : `+${seconds(more.gapMs)}`.padStart(10),
    `   ${told}`,
  ].join('')
}

/** The diagnostic in the bounce: the words of the plugin that refused the recipient. */
export function wordsLine({ input }: Call, { paint }: Terminal): string {
  return paint(
    'dim',
    `     the sender reads: ${input?.BouncedRecipientInfoList?.[0]?.RecipientDsnFields?.DiagnosticCode ?? ''}`,
  )
}

export function tableHeading(terminal: Terminal): string {
  return terminal.paint(
    'dim',
    `  #  ${'mail'.padEnd(TITLE_WIDTH)}${'expected'.padEnd(happensWidth(terminal))}happened`,
  )
}

export function tableLine(
  { sample, number }: Result,
  { expected, happened, isOk }: { expected: string; happened: string; isOk: boolean },
  terminal: Terminal,
): string {
  const { paint } = terminal
  const width = happensWidth(terminal)
  return [
    paint('dim', String(number).padStart(3)),
    `  ${sample.title.padEnd(TITLE_WIDTH)}`,
    // unexpected outcomes are never cut
    isOk
      ? `${paint('dim', cell(expected, width))}${cell(happened, width)}`
      : `${expected}, but: ${happened}  `,
    isOk ? paint('green', 'ok') : paint('red', 'NOT OK'),
  ].join('')
}

/** A bar, and `5 of 12, one a second, 7 s to go`. */
export function progressText(done: number, all: number, { paint, columns }: Terminal): string {
  const width = Math.max(10, Math.min(40, columns() - 45))
  const full = all === 0 ? width : Math.round((done / all) * width)
  const bar = `${paint('cyan', '━'.repeat(full))}${paint('dim', '━'.repeat(width - full))}`
  return `     ${bar}  ${done} of ${all}, one a second, ${Math.max(0, all - done)} s to go`
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`
}

/** The width of each of the two columns that fill the row. */
/** `1 refused by SES and quarantined, 1 delivered`, and a blank. */
const LONGEST_OUTCOME = 46

function happensWidth({ columns }: Terminal): number {
  const spare = columns() - TITLE_WIDTH - NUMBER_WIDTH - 'NOT OK'.length
  return Math.max(16, Math.min(LONGEST_OUTCOME, Math.floor(spare / 2)))
}

/** Cuts and pads the text, with at least one blank at its end. */
function cell(text: string, width: number): string {
  const cut = text.length < width ? text : `${text.slice(0, width - 4)}...`
  return cut.padEnd(width)
}

// Reads the reply of a refusal: its code, its status and its words. Pure; never throws, whatever the text is.

import { printable } from './printable'
import type { Refusal, RefusalStage } from './refusal'
import { NOBODY, RECIPIENT_PLUGIN } from './refusing-plugins'

/** The room of a diagnostic in a bounce (DIAGNOSTIC_CHARACTERS). */
export const REPLY_CHARACTERS = 256
/** Only the beginning of a text is read: a plugin may put anything into it, a whole mail too. */
const READ_CHARACTERS = 8 * REPLY_CHARACTERS
const READ_LINES = 50

export interface RawRefusal {
  by: string
  stage: RefusalStage
  /** On the wire, or from the server behind Haraka. The text's own code replaces one of its class. */
  code: number
  /** Known apart from the text: of a DSN, or of the server behind Haraka. */
  status?: string | undefined
  text: string | readonly string[]
  /** The server's own words, and not those of Haraka, which has given up. */
  isServers?: boolean
}

/** `#5.1.1` is qmail's form; not the beginning of an IP address. */
const BEGINNING = /^\s*(?:([245]\d\d)(?:[ -]+|$))?\s*(?:#?([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)[\s:-]*)?/
/** qmail's form at the end: `no mailbox here by that name. (#5.1.1)`. */
const QMAIL_STATUS = /\s*\(#([245]\.\d{1,3}\.\d{1,3})\)/
/** Haraka's outbound/hmail.js: no server refused anything, all tries failed. */
const GAVE_UP = /^(?:Too many failures|Tried all MXs)\b/i

export function refusalOf(raw: RawRefusal): Refusal {
  const said = readReply(raw.text)
  const by = printable(raw.by).slice(0, REPLY_CHARACTERS).trim()
  if (raw.stage === 'delivery' && !raw.isServers && GAVE_UP.test(said.words))
    return { by, stage: raw.stage, code: 450, status: '4.4.7', reply: said.words }
  const code = codeOf(raw.code, said.code)
  const status = statusOf(raw.status) ?? said.status ?? defaultStatus(by, raw.stage, code)
  return { by, stage: raw.stage, code, status: inClassOf(code, status), reply: said.words }
}

/** The words of a refusal that is temporary by its own text, but not on the wire, are believed. */
function codeOf(onWire: number, said: number | undefined): number {
  if (said === undefined) return onWire
  const isTemporary = said < 500 && said >= 400 && onWire >= 500
  return isTemporary || Math.floor(said / 100) === Math.floor(onWire / 100) ? said : onWire
}

/** RFC 3463 section 2: without leading zeros. Undefined: there is none, or it says nothing (x.0.0). */
function statusOf(text: string | undefined): string | undefined {
  const found = /^([245])\.(\d{1,3})\.(\d{1,3})$/.exec(text ?? '')
  const status = found?.slice(1).map(Number).join('.')
  return status?.endsWith('.0.0') ? undefined : status
}

/** Where neither the plugin nor the server gives a status. */
function defaultStatus(by: string, stage: RefusalStage, code: number): string {
  if (code === 552) return stage === 'rcpt' ? '5.2.2' : '5.3.4'
  if (stage === 'rcpt' && (by === NOBODY || RECIPIENT_PLUGIN.test(by))) return '5.1.1'
  return '5.7.1'
}

/** RFC 3463 section 2: the class says the same as the first digit of the code. */
function inClassOf(code: number, status: string): string {
  return Math.floor(code / 100) + status.slice(1)
}

/** A code and a status may stand before each line, as a server repeats them. */
export function readReply(text: string | readonly string[]): {
  code?: number
  status?: string
  words: string
} {
  const lines = (typeof text === 'string' ? text.slice(0, READ_CHARACTERS).split(/\r\n|\r|\n/) : text)
    .slice(0, READ_LINES)
    .map(line => line.slice(0, READ_CHARACTERS))
    .filter(line => /\S/.test(line))
  let code: string | undefined
  let status: string | undefined
  const words = lines.map((line, index) => {
    const [beginning = '', ownCode, ownStatus] = BEGINNING.exec(line) ?? []
    if (index === 0) [code, status] = [ownCode, ownStatus]
    const isRepeated = [code, undefined].includes(ownCode) && [status, undefined].includes(ownStatus)
    return isRepeated ? line.slice(beginning.length) : line
  })
  let whole = printable(words.join(' ')).trim()
  if (status === undefined) {
    status = QMAIL_STATUS.exec(whole)?.[1]
    if (status !== undefined) whole = whole.replace(QMAIL_STATUS, '').trim()
  }
  return {
    ...(code !== undefined && { code: Number(code) }),
    ...(status !== undefined && { status: status.split('.').map(Number).join('.') }),
    words: whole.slice(0, REPLY_CHARACTERS).trim(),
  }
}

// Writes mail for users to send themselves: the samples as files, and try.eml, which the emulator must know before.
// Each time try.eml was accepted it gets a new SES id, as SES would give to a new mail.

import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { SesEmulator } from '../src/ses-emulator/options'
import { newSesId, sesMail } from '../test/live/support/mail'
import { traceDate } from '../test/live/support/ses-block'
import type { Sample } from './samples'

const REGION = 'eu-west-1'

export function keepSamples(dir: string, samples: readonly Sample[]): void {
  for (const [index, { handed }] of samples.entries()) {
    writeFileSync(path.join(dir, 'mail', `${String(index + 1).padStart(2, '0')}.eml`), handed.data)
  }
}

/** The values in SES's block that the relay and SES use. */
export function readMail(text: string): { sesId: string; sender: string; recipient: string } {
  const find = (pattern: RegExp) => pattern.exec(text)?.[1] ?? ''
  return {
    sesId: find(/\swith E?SMTPS? id\s+(\w+)/),
    sender: find(/^Return-Path: <(.*)>/m),
    recipient: find(/\sfor <?([^\s<>;]+)/),
  }
}

export class TryOut {
  readonly file: string
  readonly #ses: SesEmulator
  #text = ''
  #sesId = ''

  constructor(dir: string, ses: SesEmulator) {
    this.file = path.join(dir, 'try.eml')
    this.#ses = ses
    this.#write(newMail(new Date()))
  }

  /** Tells the emulator of the user's changes in the file. */
  look(): void {
    const text = this.#read()
    if (text !== undefined && text !== this.#text) this.#know(text)
  }

  /** Call it when the plugin has decided about the mail with that id. */
  taken(sesId: string): void {
    const text = this.#read()
    if (text === undefined || sesId !== this.#sesId) return
    const date = /\w{3}, \d\d \w{3} \d{4} [\d:]{8} \+0000 \(UTC\)/
    this.#write(text.replaceAll(sesId, newSesId()).replace(date, traceDate(new Date())))
  }

  /** Undefined: an editor is replacing the file. */
  #read(): string | undefined {
    try {
      return readFileSync(this.file, 'latin1')
    } catch {
      return undefined
    }
  }

  #write(text: string): void {
    writeFileSync(this.file, text, 'latin1')
    this.#know(text)
  }

  #know(text: string): void {
    this.#text = text
    const { sesId, sender } = readMail(text)
    this.#sesId = sesId
    const recipients = [...new Set(text.match(/[\w.+-]+@example\.com/g) ?? [])]
    this.#ses.addMessage({ sesId, region: REGION, sender, recipients, receivedAtMs: Date.now() })
  }
}

function newMail(receivedAt: Date): string {
  const { data } = sesMail({
    receivedAt,
    region: REGION,
    sender: 'you@origin.example',
    recipient: 'nobody@example.com',
    headers: { Subject: 'Hello' },
    body: 'Hello,\n\nis anybody there?',
  })
  return data.toString('latin1')
}

// `explain` over a policy and mails of the test's own, with threads that are shared.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { explain } from '../../src/cli/explain'
import type { Explanation } from '../../src/cli/explain/explanation'
import { camelKeys } from '../../src/json'
import { type SesMailOptions, sesMail } from '../live/support/mail'
import { sharedWorkerThreads } from './shared-threads'
import { emptyDirectory, harakaDirectory, ran } from './support'

export const SETTINGS = '[relay]\ntrusted = 192.0.2.10, 10.255.0.0/24\n'
export const RULES = `; rules of a test
[partners]
sender = @partner.example
action = accept
[noted]
subject = *invoice*
action = drop
mode = observe
[programs]
attachment.name = *.exe, "a, b"  ; programs
action = bounce
bounce.text = No programs ({attachment})
[unknown]
recipient = @yours.example
not.recipient = anna@yours.example
action = bounce
bounce.type = DoesNotExist
`
export const FILES = {
  'ses-bounce.ini': SETTINGS,
  'ses-bounce-rules.ini': RULES,
  host_list: 'yours.example\n',
  me: 'mx.yours.example\n',
}
export const RECEIVED_AT = new Date('2025-02-20T12:38:04Z')
export const SES_ID = '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1'
/** Long after it. */
export const NOW_MS = Date.UTC(2030, 0, 1)
export const SAMPLES = path.join(__dirname, '../fixtures/receipts')

export type Files = Record<string, string | Buffer>

export const CALL = {
  OriginalMessageId: SES_ID,
  BounceSender: 'mailer-daemon@yours.example',
  MessageDsn: { ReportingMta: 'dns; mx.yours.example', ArrivalDate: '2025-02-20T12:38:04.000Z' },
  BouncedRecipientInfoList: [
    {
      Recipient: 'user@yours.example',
      BounceType: 'DoesNotExist',
      RecipientDsnFields: {
        FinalRecipient: 'user@yours.example',
        Action: 'failed',
        Status: '5.1.1',
        DiagnosticCode: 'smtp; 550 5.1.1 No such mailbox',
        LastAttemptDate: '2025-02-20T12:39:04.000Z',
      },
    },
  ],
}

/** The same bytes each time. */
export function sample(options: SesMailOptions = {}): Buffer {
  const headers = { 'Message-ID': '<one@origin.example>', ...options.headers }
  return sesMail({ sesId: SES_ID, receivedAt: RECEIVED_AT, ...options, headers }).data
}

export function mbox(mails: readonly Buffer[]): Buffer {
  return Buffer.concat(mails.flatMap(mail => [Buffer.from('From x\n'), mail, Buffer.from('\n')]))
}

export function io(stdin: Buffer = Buffer.alloc(0)) {
  return {
    stdin: Readable.from([stdin]),
    progress: { at: () => undefined, clear: () => undefined },
    nowMs: NOW_MS,
    openWorkerThreads: sharedWorkerThreads,
  }
}

/** Explains a mail in a file mail.eml. */
export async function run(args: string[], mail: Buffer, files: Files = FILES) {
  const folder = path.join(emptyDirectory(), 'mails')
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'mail.eml'), mail)
  return ran(out =>
    explain(['--dir', harakaDirectory(files), ...args, path.join(folder, 'mail.eml')], out, {}, io()),
  )
}

export async function lines(args: string[], mail: Buffer, files?: Files): Promise<string[]> {
  const { code, lines, errors } = await run(args, mail, files)
  assert.deepEqual([code, errors], [0, []])
  return lines
}

export async function object(args: string[], mail: Buffer, files?: Files): Promise<Explanation> {
  const { code, lines, errors } = await run(['--json', ...args], mail, files)
  assert.deepEqual([code, errors, lines.length], [0, [], 1])
  return camelKeys(JSON.parse(lines[0] ?? '')) as Explanation
}

// A mail as SES would have received it now: made as the mail of a test case is, with an id of its own each time.

import { randomBytes } from 'node:crypto'
import type { IniEntry } from '../../config/ini'
import type { EpochMs } from '../../units'
import { madeMail } from '../cases/made-mail'
import { CaseValues } from '../cases/values'
import { UsageError } from '../command-line'

export interface SampleMail {
  sesId: string
  sender: string
  recipients: string[]
  raw: Buffer
}

/** The option that stands for a key of test cases. */
const OPTIONS: Readonly<Record<string, string>> = {
  recipient: '--to',
  sender: '--from',
  from: '--header-from',
  'attachment.name': '--attach',
  region: '--region',
  'client.ip': '--client-ip',
}

/** By the keys of test cases (src/cli/cases/keys.ts). Rejects with UsageError. */
export async function sampleMail(
  given: Readonly<Record<string, string>>,
  receivedAtMs: EpochMs,
): Promise<SampleMail> {
  // the mail is delivered at the moment when SES has it
  const entries: IniEntry[] = Object.entries({ ...given, age: '0ms' }).map(([key, value]) => ({
    key,
    value,
    line: 0,
  }))
  const faults: string[] = []
  const values = new CaseValues(entries, (_, message) => void faults.push(asOption(message)))
  const sesId = newSesId()
  const made = madeMail({ name: 'sample', line: 0, entries }, values, receivedAtMs, {
    sesId,
    messageId: `${sesId.slice(0, 16)}@sample.example`,
  })
  const [first] = faults
  if (first !== undefined) throw new UsageError(first)
  const { from = '', to = [] } = made.given
  return { sesId, sender: from, recipients: [...to], raw: await made.raw() }
}

function asOption(message: string): string {
  return message.replace(/^"([^"]+)"/, (_, key: string) => OPTIONS[key] ?? `--${key}`)
}

/** In the form of SES's ids (received.ts): 194 bits in base 32 with a 1 behind. */
function newSesId(): string {
  const letters = '0123456789abcdefghijklmnopqrstuv'
  const [last = 0, ...bytes] = randomBytes(39)
  return `${bytes.map(byte => letters[byte % 32]).join('')}${'08go'[last % 4]}1`
}

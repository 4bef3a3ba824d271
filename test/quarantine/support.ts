// Writes mail to a folder of a store, as tests of its readers need.

import path from 'node:path'
import type { Writable } from 'node:stream'
import { nameOf } from '../../src/quarantine/names'
import type { QuarantineRecord } from '../../src/quarantine/record'
import { writeMail } from '../../src/quarantine/write-files'

/** The path of the .eml file. */
export async function keepMail(
  folder: string,
  identity: string,
  record: QuarantineRecord,
  pipeRaw: (to: Writable) => void,
): Promise<string> {
  await writeMail(folder, nameOf(identity), record, pipeRaw)
  return path.join(folder, `${nameOf(identity)}.eml`)
}

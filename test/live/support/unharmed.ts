// Bad input must leave these as they were: the processes, the log, and all mail but the one in question.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { QuarantineRecord } from '../../../src/quarantine/record'
import { parseRecord } from '../../../src/quarantine/record'
import type { Job } from '../../../src/queue/job'
import type { Product } from './product'
import { openSession } from './smtp'

/** Call it once Haraka is up; the answer fails when a process has died, was replaced, or complained of a fault. */
export function watch({ haraka }: Product): () => Promise<void> {
  const before = pidsOf(haraka.family())
  return async () => {
    assert.deepEqual(
      pidsOf(haraka.family()),
      before,
      `other processes now; the log ends with\n${haraka.logTail()}`,
    )
    const faults = haraka.log().filter(line => FAULT.test(line))
    assert.deepEqual(faults, [])
    const ours = haraka.log().filter(line => line.includes('[ses-bounce]'))
    assert.deepEqual(
      ours.filter(line => /[^ -~]/.test(line)),
      [],
      'only printable ASCII in our lines of the log',
    )
    const session = await openSession({ port: haraka.port })
    await session.quit()
  }
}

/** Node.js on what nobody caught; Haraka on a hook that threw, and on its own last resort. */
export const FAULT =
  /unhandled|uncaught|\bat .*:\d+:\d+\)?$|Plugin ses-bounce (?:failed|timed out)|\[CRIT\]|Haraka failed on/i

function pidsOf(family: readonly { pid: number }[]): number[] {
  return family.map(({ pid }) => pid).toSorted((a, b) => a - b)
}

/** The records in the quarantine, and the raw mail beside each. A mail that is just moved there has only a record yet. */
export function quarantined({ haraka }: Product): (QuarantineRecord & { eml: Buffer })[] {
  const folder = path.join(haraka.dir, 'ses-bounce', 'quarantine')
  return readdirSync(folder)
    .filter(name => /^[0-9a-f]{24}\.json$/.test(name) && existsSync(path.join(folder, emlOf(name))))
    .map(name => ({
      ...(parseRecord(readFileSync(path.join(folder, name), 'utf8')) as QuarantineRecord),
      eml: readFileSync(path.join(folder, emlOf(name))),
    }))
}

function emlOf(record: string): string {
  return record.replace(/json$/, 'eml')
}

/** The reasons why a mail of that id was kept back; empty: it wasn't. */
export function reasonsHeld(product: Product, sesId: string): string[] {
  return quarantined(product)
    .filter(({ receipt }) => JSON.stringify(receipt).includes(sesId))
    .flatMap(({ held }) => held.map(({ reason }) => reason))
}

/** Tells the emulator of the mail, as SES would know it, so that it accepts a bounce for it. */
export function tellSes(
  { ses }: Product,
  mail: { sesId: string; sender: string | undefined; receivedAt: Date; recipient: string | undefined },
  region = 'eu-west-1',
): void {
  ses.addMessage({
    sesId: mail.sesId,
    region,
    sender: mail.sender ?? '',
    recipients: mail.recipient === undefined ? [] : [mail.recipient],
    receivedAtMs: mail.receivedAt.getTime(),
  })
}

/** The one job of a mail. */
export function onlyJob(product: Product, sesId: string): Job {
  const jobs = product.jobs({ sesId })
  const [job] = jobs
  assert.ok(job !== undefined && jobs.length === 1, `${jobs.length} jobs for ${sesId}`)
  return job
}

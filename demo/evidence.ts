// Finds out the outcome of a mail from outside: the SMTP reply, delivered files, the quarantine, the queue, and the
// calls that reached SES. Only reads.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { keptFolder, quarantineFolder } from '../src/quarantine/folder-store'
import type { Job } from '../src/queue/job'
import { openQueueReader } from '../src/queue/open'
import type { QueueReader } from '../src/queue/operator'
import type { Eventually } from '../src/queue/store'
import type { Call } from '../src/ses-emulator/call'
import type { SmtpReply } from '../test/live/support/smtp'
import { deliveredList } from './directory'
import { DELIVERED } from './plugins'
import type { Sample } from './samples'

export interface Places {
  dir: string
  calls: readonly Call[]
}

/** `2 bounced, 1 delivered`; for a mail to one recipient `bounced`. */
export async function fateText(sample: Sample, reply: SmtpReply, places: Places): Promise<string> {
  const fates: string[] = []
  for (const recipient of sample.recipients) fates.push(await fateOf(sample, recipient, reply, places))
  if (fates.length === 1) return fates[0] ?? ''
  return counted(fates)
}

/** `2 this, 1 that` */
function counted(words: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].map(([word, count]) => `${count} ${word}`).join(', ')
}

/** The number of jobs whose call hasn't ended, and of all jobs. */
export async function countJobs(dir: string): Promise<{ open: number; all: number }> {
  const reader = await openReader(dir)
  try {
    const counts = await reader.countByState()
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
    return { open: counts.queued + counts.sending, all }
  } finally {
    await reader.close()
  }
}

/** The demo's settings name no other file. */
function openReader(dir: string): Eventually<QueueReader> {
  return openQueueReader({ store: 'sqlite', file: path.join(dir, 'ses-bounce/queue.sqlite') })
}

/** Whether mail still waits for its bounces, or to be deleted or moved to the quarantine. */
export function keepsMail(dir: string): boolean {
  const folder = keptFolder(dir)
  return existsSync(folder) && readdirSync(folder).some(name => name.endsWith('.eml'))
}

async function fateOf(sample: Sample, recipient: string, reply: SmtpReply, places: Places): Promise<string> {
  if (reply.code >= 400) return reply.code >= 500 ? 'rejected' : 'deferred'
  const seen = [
    ...(await jobFates(sample, recipient, places)),
    ...(isDelivered(sample, recipient, places) ? ['delivered'] : []),
    ...(isQuarantined(sample, recipient, places) ? ['quarantined'] : []),
  ]
  return seen.join(' and ') || 'dropped'
}

async function jobFates(sample: Sample, recipient: string, { dir, calls }: Places): Promise<string[]> {
  const reader = await openReader(dir)
  try {
    const jobs: Job[] = []
    for await (const job of reader.jobs({ sesId: sample.sesId })) jobs.push(job)
    const state = jobs.find(job => job.recipients.some(({ address }) => address === recipient))?.state
    if (state === undefined) return []
    const own = calls.filter(({ input }) => input?.OriginalMessageId === sample.sesId)
    if (state === 'failed') return [own.some(call => call.outcome.carriedOut) ? state : 'refused by SES']
    if (state !== 'sent') return [state]
    const count = own.filter(call => call.outcome.carriedOut && names(call, recipient)).length
    if (count === 1) return [sample.again ? 'bounced once' : 'bounced']
    return [`bounced ${count} times`]
  } finally {
    await reader.close()
  }
}

function names({ input }: Call, recipient: string): boolean {
  return (input?.BouncedRecipientInfoList ?? []).some(info => info.Recipient === recipient)
}

function isDelivered({ sesId }: Sample, recipient: string, { dir }: Places): boolean {
  return readFileSync(deliveredList(dir), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { file: string; to: string[] })
    .some(
      ({ file, to }) =>
        to.includes(recipient) && readFileSync(path.join(dir, DELIVERED, file), 'latin1').includes(sesId),
    )
}

function isQuarantined({ sesId }: Sample, recipient: string, { dir }: Places): boolean {
  const folder = quarantineFolder(dir)
  if (!existsSync(folder)) return false
  return readdirSync(folder)
    .filter(name => name.endsWith('.json') && !name.startsWith('.'))
    .map(name => readFileSync(path.join(folder, name), 'utf8'))
    .some(text => text.includes(sesId) && recordHolds(text, recipient))
}

function recordHolds(text: string, recipient: string): boolean {
  const { held } = JSON.parse(text) as { held: { recipient: string }[] }
  return held.some(one => one.recipient === recipient)
}

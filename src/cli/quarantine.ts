// `ses-bounce quarantine`: shows, deletes and releases quarantined mail.
// Mail leaves the quarantine only by deletion, or when Haraka has answered 250 to its release.

import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import type { QuarantineContext } from '../app/quarantine-actions'
import { didYouMean, validAre } from '../config/diagnostics'
import { type Owner, SMTP_FILE } from '../config/owner'
import { signatureOfFault } from '../config/sources'
import { errorMessage } from '../errors'
import { type Endpoint, endpointOf, parseEndpoint } from '../quarantine/endpoint'
import { openFolderStore, quarantineFolder } from '../quarantine/folder-store'
import type { QuarantineFilter } from '../quarantine/list'
import type { MailStore } from '../quarantine/mail-store'
import { openMailStore } from '../quarantine/open-store'
import { QUARANTINE_REASONS } from '../quarantine/reasons'
import { releaseLockFolder } from '../quarantine/release-lock'
import { folderTokens, releaseTokenFolder } from '../quarantine/release-token'
import type { EpochMs } from '../units'
import { openWorkerThreads } from '../worker-thread/worker-threads'
import { actorOf } from './actor'
import { mustBeThere } from './check'
import {
  asGroup,
  type CommonOptions,
  countFromOne,
  type Describe,
  harakaDir,
  idsOf,
  runCommand,
  type Shell,
  UsageError,
} from './command-line'
import { escaping, type Out } from './out'
import { becomeOwner, ownerOf } from './owner'
import { deleteKept, listKept, type Run, releaseKept, showKept } from './quarantine/tasks'
import { openQueueContext, settingsOf } from './queue/queue-context'
import { TIME_FORM, timeOption } from './time-option'

type Become = (owner: Owner) => void

interface Options extends CommonOptions {
  limit?: number
  to?: Endpoint
  text?: boolean
  reason?: string
  rule?: string
  sender?: string
  recipient?: string
  since?: EpochMs
  until?: EpochMs
}

/** `smtp`: the first address in smtp.ini. */
type Work = (run: Run, ids: string[], options: Options & { smtp: Endpoint | undefined }) => Promise<number>

/** `become` changes the user of this process, when it is root. */
export const describeQuarantine = (
  command: Command,
  { out, env, exit }: Shell,
  become: Become = becomeOwner,
): void => {
  const inQuarantine = (work: Work, { takesOut = false } = {}) =>
    exit(one => {
      const options = one.optsWithGlobals<Options>()
      const dir = harakaDir(options, env)
      mustBeThere(dir)
      const place = { dir, json: options.json ?? false, takesOut, out: escaping(out), env, become }
      const reason = takesOut ? options.reason : undefined
      return withQuarantine(place, reason, (run, smtp) => work(run, idsOf(one), { ...options, smtp }))
    })
  asGroup(command, exit)
    .description('Works on the mail in the quarantine.')
    .addHelpText(
      'after',
      `
With --json one JSON object a line.
Ends with 0; with 1 when a mail isn't there or isn't accepted; with 2 on wrong options.`,
    )
  command
    .command('list')
    .description('lists the mails, latest first: when, sender, recipients, rule, reason, subject')
    .option('--limit <NUMBER>', 'no more than that', countFromOne('--limit'))
    .option('--reason <WORD>', `why it is there: ${QUARANTINE_REASONS.join(', ')}`, toReason)
    .option('--rule <NAME>', 'by that rule')
    .option('--sender <ADDRESS>', 'from that sender of record, or from all at @HOST')
    .option('--recipient <ADDRESS>', 'for that recipient, or for all at @HOST')
    .option('--since <TIME>', `quarantined since then: ${TIME_FORM}`, timeOption('--since'))
    .option('--until <TIME>', 'quarantined before then', timeOption('--until'))
    .action(inQuarantine((run, _, options) => listKept(run, filterOf(options), options.limit)))
  command
    .command('show <ID...>')
    .description('shows the whole record of a mail, and its file')
    .option('--text', 'its text and the names of its attachments, too')
    .action(inQuarantine((run, ids, { text }) => (text ? showWithText(run, ids) : showKept(run, ids))))
  command
    .command('release <ID...>')
    .description(
      'delivers mails to this Haraka without the rules, for the quarantined recipients; then deletes them',
    )
    .option(
      '--to <HOST:PORT>',
      'where this Haraka accepts mail (default: the first address in smtp.ini)',
      toEndpoint,
    )
    .option('--reason <TEXT>', 'why, for the audit')
    .action(inQuarantine((run, ids, { to, smtp }) => release(run, ids, to ?? smtp), { takesOut: true }))
  command
    .command('delete <ID...>')
    .description('deletes mails permanently')
    .option('--reason <TEXT>', 'why, for the audit')
    .action(inQuarantine(deleteKept, { takesOut: true }))
}

/** Resolves with the exit code. */
export function quarantine(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
  become?: Become,
): Promise<number> {
  const describe: Describe = (command, shell) => describeQuarantine(command, shell, become)
  return runCommand('quarantine', describe, args, { out, env })
}
interface Place {
  dir: string
  json: boolean
  /** Mail leaves the quarantine. */
  takesOut: boolean
  out: Out
  env: NodeJS.ProcessEnv
  become: Become
}

async function withQuarantine(
  { dir, json, takesOut, out, env, become }: Place,
  reason: string | undefined,
  work: (run: Run, smtp: Endpoint | undefined) => Promise<number>,
): Promise<number> {
  try {
    const smtp = smtpOf(dir)
    const actor = actorOf(env)
    become(ownerOf(dir))
    mayLookAt(quarantineFolder(dir))
    // without a queue, as before Haraka's first start, mail isn't counted
    const opened = await openQueueContext(dir, env, () => undefined)
    // it isn't known then whether waiting bounces need the mail
    if (takesOut && 'fault' in opened && !opened.fault.isAbsent) throw new Error(opened.fault.why)
    const total = 'fault' in opened ? undefined : opened.value
    const store = total?.store ?? storeWithoutQueue(dir, env)
    try {
      await total?.queue.clock.learn()
      const tokens = total?.queue.releaseTokens ?? folderTokens(releaseTokenFolder(dir))
      const context: QuarantineContext = {
        store,
        tokens,
        ...(total && { queue: total.queue }),
        locks: releaseLockFolder(dir),
        // without a queue this machine's clock is the only one
        now: () => total?.queue.clock.nowMs() ?? Date.now(),
        actor,
        ...(reason !== undefined && { reason }),
      }
      return await work({ context, out, json, ...(total && { total }) }, smtp)
    } finally {
      await store.close()
      await total?.queue.close()
    }
  } catch (error) {
    for (const line of errorMessage(error).split('\n')) out.error(`ses-bounce quarantine: ${line}`)
    return 1
  }
}

/** With settings that can't be read: the folder, where mail is by default. */
function storeWithoutQueue(dir: string, env: NodeJS.ProcessEnv): MailStore {
  try {
    const { queue, quarantine } = settingsOf(dir, env)
    return openMailStore(quarantine.store, dir, queue)
  } catch {
    return openFolderStore(dir)
  }
}

async function release(run: Run, ids: string[], to: Endpoint | undefined): Promise<number> {
  if (to !== undefined) return releaseKept(run, ids, to)
  run.out.error('ses-bounce quarantine: smtp.ini names no address for the release; give it with --to')
  return 1
}

async function showWithText(run: Run, ids: string[]): Promise<number> {
  const threads = openWorkerThreads()
  try {
    return await showKept(run, ids, threads)
  } finally {
    threads.close()
  }
}

function filterOf({ reason, rule, sender, recipient, since, until }: Options): QuarantineFilter {
  const kind = QUARANTINE_REASONS.find(one => one === reason)
  return {
    ...(kind !== undefined && { reason: kind }),
    ...(rule !== undefined && { rule }),
    ...(sender !== undefined && { sender }),
    ...(recipient !== undefined && { recipient }),
    ...(since !== undefined && { sinceMs: since }),
    ...(until !== undefined && { untilMs: until }),
  }
}

/** @throws UsageError */
function toReason(text: string): string {
  if (QUARANTINE_REASONS.some(one => one === text)) return text
  const hint = didYouMean(text.slice(0, 40), QUARANTINE_REASONS) || validAre(QUARANTINE_REASONS)
  throw new UsageError(`--reason can't be "${text}"${hint}`)
}

/** @throws UsageError */
function toEndpoint(text: string): Endpoint {
  const endpoint = parseEndpoint(text)
  if (endpoint === undefined) throw new UsageError(`--to can't be "${text}"; write HOST:PORT`)
  return endpoint
}

function smtpOf(dir: string): Endpoint | undefined {
  const file = path.join(dir, 'config', SMTP_FILE)
  return endpointOf(existsSync(file) ? readFileSync(file, 'utf8') : '')
}

/** To another user the folder would look empty. */
function mayLookAt(folder: string): void {
  try {
    statSync(folder)
  } catch (error) {
    const code = signatureOfFault(error)
    if (code === 'ENOENT') return
    const message = `${folder} can't be read (${code}); root can, and the user that Haraka runs as`
    throw new Error(message, { cause: error })
  }
}

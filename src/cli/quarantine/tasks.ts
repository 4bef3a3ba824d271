// `quarantine list`, `show`, `delete` and `release`: one mail after the other, each with its own result.
// For a missing mail or a failed release the reason is shown, the next mails follow, and the exit code is 1.

import {
  deleteMail,
  NOT_THERE,
  type QuarantineContext,
  releaseMail,
  type TakenAway,
} from '../../app/quarantine-actions'
import { errorMessage, type Result } from '../../errors'
import { jsonText } from '../../json'
import type { Endpoint } from '../../quarantine/endpoint'
import { headerOf, readKept } from '../../quarantine/kept'
import { type Latest, pageOfQuarantine, type QuarantineFilter } from '../../quarantine/list'
import type { MailStore } from '../../quarantine/mail-store'
import { previewOf } from '../../quarantine/read-preview'
import { mailTotalText } from '../../quarantine/total-text'
import type { ListPosition } from '../../queue/mail-ledger'
import type { OperatorQueue } from '../../queue/operator'
import type { WorkerThreads } from '../../worker-thread/worker-threads'
import { addressText } from '../explain/words'
import type { Out } from '../out'
import { keptData, keptLine, keptPage, previewLines, type Values } from './kept-text'

export interface Run {
  context: QuarantineContext
  out: Out
  json: boolean
  /** The record of mail on disk. */
  total?: { queue: Pick<OperatorQueue, 'mailTotals' | 'mail'>; limitBytes: number }
}

export async function listKept(
  { context: { store }, out, json, total }: Run,
  filter: QuarantineFilter,
  limit = Number.POSITIVE_INFINITY,
): Promise<number> {
  // a folder's list includes mail that isn't on the queue's record yet
  const latest: Latest =
    total && store.isOfAllHosts ? range => total.queue.mail.latest(range) : await uncounted(store)
  let written = 0
  let after: ListPosition | undefined
  do {
    const page = await pageOfQuarantine(store, latest, filter, {
      limit: Math.min(limit - written, store.looksAtOnce),
      ...(after && { after }),
    })
    for (const kept of page.mails) {
      const values = await valuesOf(store, kept.id)
      out.line(json ? jsonText(keptData(kept, values)) : keptLine(kept, values))
    }
    written += page.mails.length
    after = page.next
  } while (after !== undefined && written < limit)
  if (written === 0 && !json) out.line(isFilter(filter) ? 'there is no such mail' : 'the quarantine is empty')
  if (total && !json) out.line(mailTotalText(await total.queue.mailTotals(), total.limitBytes))
  return 0
}

/** All that is there. */
async function uncounted(store: MailStore): Promise<Latest> {
  const names = await store.names()
  const places = new Map(names.map((name, index) => [name, index]))
  return async ({ sinceMs = 0, untilMs = Number.POSITIVE_INFINITY, after, limit }) => {
    const found: ListPosition[] = []
    let at = after === undefined ? 0 : (places.get(after.name) ?? names.length) + 1
    for (; at < names.length && found.length < limit; at++) {
      const name = names[at] ?? ''
      const atMs = (await store.stat('quarantine', name))?.atMs ?? 0
      if (atMs >= sinceMs && atMs < untilMs) found.push({ name, atMs })
    }
    return found
  }
}

function isFilter(filter: QuarantineFilter): boolean {
  return Object.values(filter).some(one => one !== undefined)
}

/** `threads`: to show the text, too. */
export async function showKept(run: Run, ids: readonly string[], threads?: WorkerThreads): Promise<number> {
  const { context, out, json } = run
  const { store } = context
  let code = 0
  for (const [index, id] of ids.entries()) {
    const kept = await readKept(store, id)
    if (kept === undefined) {
      code = 1
      out.error(`ses-bounce quarantine show: ${id}: ${NOT_THERE}`)
      continue
    }
    const values = await valuesOf(store, id)
    const preview = threads && (await previewOf(store, kept, threads))
    if (json) out.line(jsonText({ ...keptData(kept, values), ...(preview && { preview }) }))
    else
      for (const line of [
        ...(index > 0 ? [''] : []),
        ...keptPage(kept, values),
        ...(preview ? previewLines(preview) : []),
      ])
        out.line(line)
  }
  return code
}

export function deleteKept(run: Run, ids: readonly string[]): Promise<number> {
  return each(run, ids, async id => said(await deleteMail(run.context, id), () => 'deleted'))
}

export function releaseKept(run: Run, ids: readonly string[], endpoint: Endpoint): Promise<number> {
  return each(run, ids, async id =>
    said(
      await releaseMail(run.context, id, endpoint),
      ({ to }) => `released to ${to.map(addressText).join(', ')}`,
    ),
  )
}

function said(done: Result<TakenAway>, text: (value: TakenAway) => string): Result<string> {
  if ('fault' in done) return done
  const { stays, unwritten } = done.value
  return { value: [text(done.value), ...[stays, unwritten].filter(one => one !== undefined)].join('; ') }
}

async function each(
  { out, json }: Run,
  ids: readonly string[],
  work: (id: string) => Promise<Result<string>>,
): Promise<number> {
  let code = 0
  for (const id of ids) {
    const answer = await work(id).catch((error: unknown): Result<string> => ({ fault: oneLine(error) }))
    const isDone = 'value' in answer
    if (!isDone) code = 1
    if (json)
      out.line(jsonText({ id, done: isDone, ...(isDone ? { what: answer.value } : { why: answer.fault }) }))
    else out.line(`${id}: ${isDone ? answer.value : `not changed: ${answer.fault}`}`)
  }
  return code
}

/** If the header can't be read any more, the mail has no fields. */
async function valuesOf(store: MailStore, id: string): Promise<Values> {
  return headerOf(store, id).catch((): Values => () => [])
}

function oneLine(error: unknown): string {
  return errorMessage(error).replaceAll('\n', ' ')
}

// `quarantine list`, `show`, `delete` and `release`: one mail after the other, each with its own result.
// For a missing mail or a failed release the reason is shown, the next mails follow, and the exit code is 1.

import { errorMessage, type Result } from '../../errors'
import { jsonText } from '../../json'
import { addressKey } from '../../mail/address'
import { headerOf, readKept } from '../../quarantine/kept'
import type { CountedMail, MailStore } from '../../quarantine/mail-store'
import { isName } from '../../quarantine/names'
import type { QuarantineRecord } from '../../quarantine/record'
import type { ReleaseTokens } from '../../quarantine/release-token'
import { type TakenOut, takeOut } from '../../quarantine/take-out'
import { mailTotalText } from '../../quarantine/total-text'
import type { MailFile } from '../../queue/mail-ledger'
import type { OperatorQueue } from '../../queue/operator'
import type { EpochMs } from '../../units'
import { addressText } from '../explain/words'
import type { Out } from '../out'
import type { Endpoint } from './endpoint'
import { handBack } from './hand-back'
import { keptData, keptLine, keptPage, type Values } from './kept-text'

export interface Run {
  store: MailStore
  tokens: ReleaseTokens
  out: Out
  json: boolean
  /** The record of mail on disk. */
  total?: { queue: Pick<OperatorQueue, 'clock' | 'mailTotals' | 'mail'>; limitBytes: number }
}

export async function listKept({ store, out, json, total }: Run, limit?: number): Promise<number> {
  let written = 0
  for (const id of await store.names(total && (() => countedMail(total.queue)))) {
    if (written === limit) break
    const kept = await readKept(store, id)
    // it has just gone, or waits for its bounces again
    if (kept === undefined) continue
    const values = await valuesOf(store, id)
    out.line(json ? jsonText(keptData(kept, values)) : keptLine(kept, values))
    written++
  }
  if (written === 0 && !json) out.line('the quarantine is empty')
  if (total && !json) out.line(mailTotalText(await total.queue.mailTotals(), total.limitBytes))
  return 0
}

const COUNTED_AT_ONCE = 1000

async function countedMail({ mail }: Pick<OperatorQueue, 'mail'>): Promise<CountedMail[]> {
  const all: CountedMail[] = []
  let last: (CountedMail & MailFile) | undefined
  do {
    const found = await mail.files(last, COUNTED_AT_ONCE)
    all.push(...found)
    last = found.length < COUNTED_AT_ONCE ? undefined : found.at(-1)
  } while (last !== undefined)
  return all
}

export async function showKept(run: Run, ids: readonly string[]): Promise<number> {
  const { store, out, json } = run
  let code = 0
  for (const [index, id] of ids.entries()) {
    const kept = await readKept(store, id)
    if (kept === undefined) {
      code = 1
      out.error(`ses-bounce quarantine show: ${id}: ${NOT_THERE}`)
      continue
    }
    const values = await valuesOf(store, id)
    if (json) out.line(jsonText(keptData(kept, values)))
    else for (const line of [...(index > 0 ? [''] : []), ...keptPage(kept, values)]) out.line(line)
  }
  return code
}

export function deleteKept(run: Run, ids: readonly string[]): Promise<number> {
  return each(run, ids, async id => {
    const kept = await readKept(run.store, id)
    const taken = kept === undefined ? 'not there' : await remove(run, id, kept.record)
    return taken === 'not there'
      ? { fault: NOT_THERE }
      : { value: `deleted${taken === 'stays' ? STAYS : ''}` }
  })
}

export function releaseKept(run: Run, ids: readonly string[], endpoint: Endpoint): Promise<number> {
  return each(run, ids, async id => {
    const kept = await readKept(run.store, id)
    if (kept === undefined) return { fault: NOT_THERE }
    if (kept.record === undefined) return { fault: "its record can't be read, so its recipients are unknown" }
    const to = recipientsOf(kept.record)
    const pass = await run.tokens.issue(timeOf(run))
    try {
      const from = kept.record.envelope.sender
      const why = await handBack(endpoint, {
        from,
        to,
        raw: run.store.read('quarantine', id),
        token: pass.token,
      })
      if (why !== undefined) return { fault: `${endpoint.host}:${endpoint.port} did not accept it: ${why}` }
    } finally {
      await pass.revoke()
    }
    const released = `released to ${to.map(addressText).join(', ')}`
    try {
      const taken = await remove(run, id, kept.record)
      return { value: `${released}${taken === 'stays' ? STAYS : ''}` }
    } catch (error) {
      return { value: `${released}; a copy stays here: ${oneLine(error)}` }
    }
  })
}

/** Without a queue nothing else has a time. */
function timeOf({ total }: Pick<Run, 'total'>): EpochMs {
  return total?.queue.clock.nowMs() ?? Date.now()
}

/** Deletes the mail, and its count at once. Without a queue no bounce can wait. */
async function remove(
  { store, total }: Run,
  id: string,
  record: QuarantineRecord | undefined,
): Promise<TakenOut> {
  if (!isName(id)) return 'not there'
  if (total) return takeOut(store, id, record, total.queue.mail, timeOf({ total }))
  return (await store.remove('quarantine', id)) ? 'removed' : 'not there'
}

/** The held recipients as the relay gave them, as Haraka knows these. A relay that rewrites gives one recipient. */
export function recipientsOf({ held, envelope: { recipients } }: QuarantineRecord): string[] {
  const given = held.map(({ recipient }) => {
    const key = addressKey(recipient)
    const [only, ...more] = recipients
    return (
      recipients.find(one => addressKey(one) === key) ??
      (only !== undefined && more.length === 0 ? only : recipient)
    )
  })
  return [...new Set(given)]
}

const STAYS = '; the mail stays, as it waits for other bounces'
const NOT_THERE = 'there is no such mail in the quarantine'

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

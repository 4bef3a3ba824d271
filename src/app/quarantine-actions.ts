// Mail leaves the quarantine by hand: released through Haraka, or deleted. The command line, the API and the status
// page share this code. A mail is gone only once Haraka has answered 250 to its release, or by deletion. Each action is
// in the audit.

import { errorMessage, type Result } from '../errors'
import { addressKey } from '../mail/address'
import type { Endpoint } from '../quarantine/endpoint'
import { handBack } from '../quarantine/hand-back'
import { readKept } from '../quarantine/kept'
import type { MailStore } from '../quarantine/mail-store'
import { isName } from '../quarantine/names'
import type { QuarantineRecord } from '../quarantine/record'
import { oneAtATime } from '../quarantine/release-lock'
import type { ReleaseTokens } from '../quarantine/release-token'
import { type TakenOut, takeOut } from '../quarantine/take-out'
import { type Actor, type AuditAction, auditDraft } from '../queue/audit'
import type { OperatorQueue } from '../queue/operator'
import type { EpochMs } from '../units'

export interface QuarantineContext {
  store: MailStore
  tokens: ReleaseTokens
  /** Undefined: there is no queue, so no bounce can wait, and there is no audit. */
  queue?: Pick<OperatorQueue, 'mail' | 'audit'>
  /** A folder for the locks of releases. */
  locks: string
  now: () => EpochMs
  actor: Actor
  /** The actor's reason, in their own words. */
  reason?: string
}

export interface TakenAway {
  /** Recipients that a release went to, as the relay gave them. */
  to: string[]
  /** The reason why the mail, or a copy, is still there. */
  stays?: string
  /** The fault of the audit, which then has no entry for the action. */
  unwritten?: string
}

export const NOT_THERE = 'there is no such mail in the quarantine'
/** A lock of 15 minutes, see release-lock.ts. */
const BEING_RELEASED =
  'it is being released at this moment; if that release was killed, try again in 15 minutes'
const WAITS = 'the mail stays, as it waits for other bounces'

/** Rejects with faults of the store; then nothing is gone. */
export async function deleteMail(context: QuarantineContext, id: string): Promise<Result<TakenAway>> {
  const kept = await readKept(context.store, id)
  const taken = kept === undefined ? 'not there' : await remove(context, id, kept.record)
  if (taken === 'not there') return { fault: NOT_THERE }
  const unwritten = await note(context, 'delete', id)
  return { value: { to: [], ...(taken === 'stays' && { stays: WAITS }), ...unwritten } }
}

/** Rejects with faults of the store; then the mail was not delivered. */
export async function releaseMail(
  context: QuarantineContext,
  id: string,
  endpoint: Endpoint,
): Promise<Result<TakenAway>> {
  if (!isName(id) || !(await context.store.has('quarantine', id))) return { fault: NOT_THERE }
  const done = await oneAtATime(context.locks, id, () => released(context, id, endpoint))
  return done ?? { fault: BEING_RELEASED }
}

async function released(
  context: QuarantineContext,
  id: string,
  endpoint: Endpoint,
): Promise<Result<TakenAway>> {
  const { store, tokens, now } = context
  const kept = await readKept(store, id)
  if (kept === undefined) return { fault: NOT_THERE }
  if (kept.record === undefined) return { fault: "its record can't be read, so its recipients are unknown" }
  const to = recipientsOf(kept.record)
  const pass = await tokens.issue(now())
  try {
    const from = kept.record.envelope.sender
    const why = await handBack(endpoint, { from, to, raw: store.read('quarantine', id), token: pass.token })
    if (why !== undefined) return { fault: `${endpoint.host}:${endpoint.port} did not accept it: ${why}` }
  } catch (error) {
    // deleted meanwhile
    if (!(await store.has('quarantine', id))) return { fault: NOT_THERE }
    throw error
  } finally {
    await pass.revoke()
  }
  const stays = await remove(context, id, kept.record).then(
    taken => (taken === 'stays' ? WAITS : undefined),
    (error: unknown) => `a copy stays here: ${oneLine(error)}`,
  )
  const unwritten = await note(context, 'release', `${id} to ${to.join(', ')}`)
  return { value: { to, ...(stays !== undefined && { stays }), ...unwritten } }
}

/** Deletes the mail, and its count at once. */
async function remove(
  { store, queue, now }: QuarantineContext,
  id: string,
  record: QuarantineRecord | undefined,
): Promise<TakenOut> {
  if (queue) return takeOut(store, id, record, queue.mail, now())
  return (await store.remove('quarantine', id)) ? 'removed' : 'not there'
}

/** The mail is gone by now, so a fault is only told. */
async function note(
  { queue, actor, now, reason }: QuarantineContext,
  action: AuditAction,
  target: string,
): Promise<Pick<TakenAway, 'unwritten'>> {
  try {
    const about = { target, atMs: now(), ...(reason !== undefined && { reason }) }
    await queue?.audit.add({ ...auditDraft(actor, action, about), items: 1 })
    return {}
  } catch (error) {
    return { unwritten: `the audit can't be written: ${oneLine(error)}` }
  }
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

function oneLine(error: unknown): string {
  return errorMessage(error).replaceAll('\n', ' ')
}

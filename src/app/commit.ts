// Carries out a plan before Haraka answers 250: writes the mail to disk, then adds all bounces in one transaction.
// If this throws or rejects, no recipient is consumed: the relay delivers again, and nothing is added twice.

import { pipeline, type Writable } from 'node:stream'
import type { Settings } from '../config/settings'
import { addressKey } from '../mail/address'
import type { Decision } from '../policy/decision'
import type { Policy } from '../policy/rule'
import type { MailStore } from '../quarantine/mail-store'
import { nameOf } from '../quarantine/names'
import type { QuarantineRecord } from '../quarantine/record'
import type { Forecast } from '../queue/forecast'
import { isRefused, type Submitted } from '../queue/job'
import { type Full, type MailPlace, removeUnused, storageKey } from '../queue/mail-ledger'
import type { Eventually, WorkerQueue } from '../queue/store'
import type { EpochMs } from '../units'
import type { MailEvaluation } from './evaluate-mail'
import { type CommitPlan, type Planner, SMTP_PLANNER } from './plan'
import { withoutRoom } from './room'
import { fallBackFor, submit } from './submit'

export interface Place {
  store: MailStore
  policy: Policy
  settings: Pick<Settings, 'queue' | 'quarantine'>
  queue: () => Eventually<WorkerQueue>
  /** The SMTP transaction's id, which names a mail without an id of SES. */
  uuid: string
  nowMs: EpochMs
  forecast: Forecast
  pipeRaw: (to: Writable) => void
  /** Undefined: as before the answer to the relay. */
  planner?: Planner
}

export interface Committed {
  /** The evaluation that was carried out: another one if the queue or the disk refused something. */
  evaluation: MailEvaluation
  /** The jobs of the bounces, by the decision for each. */
  added: Map<Decision, { jobId: string; outcome: Submitted['outcome'] }>
  /** Where the quarantined mail is, for people. */
  quarantined?: string
}

/** Other workers may fill the queue between the dry run and the write, but hardly twice for one mail. */
const ROUNDS = 2

/** A copy of the raw mail in the store. */
interface Copy {
  place: MailPlace
  name: string
  record: QuarantineRecord
}

export async function commitPlan(
  evaluation: MailEvaluation,
  plan: CommitPlan,
  place: Place,
): Promise<Committed> {
  const { settle, planFor } = place.planner ?? SMTP_PLANNER
  let [decisions, current] = [evaluation.decisions, plan]
  for (let round = 0; round < ROUNDS; round++) {
    const done = await tryCommit({ ...evaluation, decisions, plan: current }, current, place)
    if (!Array.isArray(done)) return done
    decisions = done.map(settle)
    const anew = planFor(decisions)
    if (anew.kind !== 'commit')
      return { evaluation: { ...evaluation, decisions, plan: anew }, added: new Map() }
    current = anew
  }
  throw new Error('other mail keeps filling the queue before these bounces')
}

/** Tries once. Returns new decisions if the queue refused a bounce. */
async function tryCommit(
  evaluation: MailEvaluation,
  plan: CommitPlan,
  place: Place,
): Promise<Committed | Decision[]> {
  const copies = await copiesOf(evaluation.facts, plan, place)
  const full = copies.length > 0 ? await reserve(copies, evaluation.facts, place) : undefined
  if (full === undefined) return commit(evaluation, plan, copies, place)
  const { settle, planFor } = place.planner ?? SMTP_PLANNER
  const decisions = withoutRoom(place.policy, evaluation.decisions, plan, full).map(settle)
  // dropped recipients need no answer of their own
  const rest = decisions.filter(({ action }) => action !== 'drop')
  const anew = planFor(rest.length > 0 && rest.every(({ action }) => action === 'reject') ? rest : decisions)
  const needsDisk = anew.kind === 'commit' && anew.held.length + anew.bounces.length > 0
  if (anew.kind !== 'pass' && !needsDisk)
    return { evaluation: { ...evaluation, decisions, plan: anew }, added: new Map() }
  throw new Error('there is no room for the mail on disk, and its fallbacks need room too')
}

async function commit(
  evaluation: MailEvaluation,
  plan: CommitPlan,
  copies: readonly Copy[],
  place: Place,
): Promise<Committed | Decision[]> {
  const { store, policy, nowMs, forecast } = place
  const kept = copies.find(one => one.place === 'kept')
  const fromBefore = new Set<Copy>()
  for (const copy of copies) if (await store.has(copy.place, copy.name)) fromBefore.add(copy)
  try {
    const [first, ...others] = copies
    if (first !== undefined) await write(first, place, place.pipeRaw)
    // copies the first one, as Haraka's stream can be slow or end early
    for (const copy of others)
      await write(
        copy,
        place,
        to => void pipeline(store.read(first?.place ?? copy.place, first?.name ?? ''), to, () => undefined),
      )
    const requests = plan.bounces.map(({ request, decision }) =>
      kept !== undefined && !decision.deliver ? { ...request, kept: kept.name } : request,
    )
    const results = await submit(requests, await place.queue(), { nowMs, forecast, mustBeKept: true })
    const resultFor = new Map(results.map((result, index) => [plan.bounces[index]?.decision, result]))
    if (results.some(isRefused)) {
      // the fallbacks may need other files
      for (const copy of copies) if (!fromBefore.has(copy)) await giveUp(copy, place, true)
      return evaluation.decisions.map(decision => {
        const result = resultFor.get(decision)
        return result !== undefined && isRefused(result) ? fallBackFor(policy, decision, result) : decision
      })
    }
    const added: Committed['added'] = new Map()
    for (const [decision, { jobId, outcome }] of resultFor)
      if (decision && jobId !== undefined) added.set(decision, { jobId, outcome })
    const held = copies.find(one => one.place === 'quarantine')
    const quarantined = held && store.locationOf('quarantine', held.name)
    return { evaluation: { ...evaluation, plan }, added, ...(quarantined !== undefined && { quarantined }) }
  } catch (error) {
    for (const copy of copies) await giveUp(copy, place)
    throw error
  }
}

/** The copies that must be on disk before the answer. A copy that an earlier delivery left there isn't written again. */
async function copiesOf(facts: MailEvaluation['facts'], plan: CommitPlan, place: Place): Promise<Copy[]> {
  const held: CommitPlan['held'][number][] = []
  for (const one of plan.held) if (!(await isKept(one.decision, place.store))) held.push(one)
  const { sender, recipients, relayIp } = facts.envelope
  const record: QuarantineRecord = {
    quarantinedAt: new Date(place.nowMs).toISOString(),
    sender: facts.sender,
    envelope: { sender, recipients: recipients.map(({ address }) => address), relayIp },
    held: [],
    receipt: facts.receipt ?? null,
  }
  const copies: Copy[] = []
  if (held.length > 0) {
    const entries = held.map(({ decision, reason }) => ({
      recipient: decision.recipient.address,
      rule: decision.rule ?? '',
      reason,
      ...(decision.refusal && { refused: decision.refusal }),
    }))
    // the same mail and recipients, delivered again, replace their own file
    const identity = JSON.stringify([
      facts.receipt?.sesId ?? place.uuid,
      entries.map(({ recipient }) => recipient).toSorted(),
    ])
    copies.push(copyIn('quarantine', identity, { ...record, held: entries }))
  }
  // a mail that is also delivered isn't lost if its bounce fails
  const bounced = plan.bounces.filter(({ decision }) => !decision.deliver)
  if (place.settings.queue.keepsMail && bounced.length > 0) {
    const keys = bounced.map(({ request }) => addressKey(request.recipient.address)).toSorted()
    copies.push(copyIn('kept', JSON.stringify(['bounce', bounced[0]?.request.sesId, keys]), record))
  }
  return copies
}

function copyIn(place: MailPlace, identity: string, record: QuarantineRecord): Copy {
  return { place, name: nameOf(identity), record }
}

async function isKept({ fallback, keptAs }: Decision, store: MailStore): Promise<boolean> {
  if (fallback?.reason !== 'ended' || keptAs === undefined) return false
  // in the order in which a mail is moved, so that a mail on its way is found
  return (await store.has('kept', keptAs)) || (await store.has('quarantine', keptAs))
}

async function reserve(
  copies: readonly Copy[],
  facts: MailEvaluation['facts'],
  { queue, settings, nowMs }: Place,
): Promise<Full | undefined> {
  const bytes = facts.envelope.sizeBytes
  const files = copies.map(({ place, name }) => ({ place, name, bytes }))
  const { mail } = await queue()
  return mail.reserve(files, storageKey(facts.sender), settings.quarantine.limitBytes, nowMs)
}

function write({ place, name, record }: Copy, { store }: Place, pipeRaw: Place['pipeRaw']): Promise<void> {
  return store.write(place, name, record, pipeRaw)
}

/**
 * Deletes a mail without a job, which frees its room. If that fails, the dispatcher does it later. `mayGo`: also a mail
 * in the quarantine; otherwise it stays there, and the relay's next delivery replaces it.
 */
async function giveUp({ place, name }: Copy, { queue, store, nowMs }: Place, mayGo = false): Promise<void> {
  try {
    if (place === 'quarantine' && !mayGo && (await store.has('quarantine', name))) return
    const ledger = (await queue()).mail
    await removeUnused(ledger, [{ place, name }], () => store.remove(place, name), nowMs)
  } catch {
    // the caller throws the first fault
  }
}

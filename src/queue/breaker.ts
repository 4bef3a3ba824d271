// Pauses bounce senders and regions that SES refuses whatever the mail: decides when their jobs wait, which job is tried
// next, and when the mails were the reason after all. Pure: an engine gives a few facts, and writes the result.
// In doubt jobs wait until they expire.

import type { EpochMs } from '../units'
import { hasUnconfirmed, type Job } from './job'
import type { Effect, StateChange } from './store'
import { type Change, change } from './transitions'

/** After so many mails in a row with the same error, the mails aren't the reason. */
const IN_A_ROW = 5

/** The state of a region and a bounce sender. */
export interface SenderFacts {
  isRegionPaused: boolean
  /** `answer`: SES said so; `refusals`: one mail after the other was refused. Undefined: the sender isn't paused. */
  senderPausedBy?: 'answer' | 'refusals'
}

/** Facts for a refused call. The row: jobs refused with this error since SES made the last bounce. */
export interface RefusalFacts {
  /** The job was put back before. */
  wasPutBack: boolean
  /** Other mails in the row; those whose jobs were put back don't count. */
  othersInRow: number
  /** A job waits that wasn't put back and isn't part of the row. */
  waitsUntried: boolean
  /** The first due job among those that wait and were put back or are part of the row. */
  firstWaiting?: Turn
  /** The job with the soonest deadline among those that have failed and were put back or are part of the row. */
  firstFailed?: Omit<Turn, 'notBeforeMs'>
}

interface Turn {
  id: string
  notBeforeMs: EpochMs
  deadlineMs: EpochMs
  createdAtMs: EpochMs
}

/** The change of a region and a bounce sender. */
export interface SenderChange {
  ends: readonly Scope[]
  pause?: { scope: Scope; untilMs: EpochMs; by: 'answer' | 'refusals' }
  /**
   * `ended`: the row is forgotten, and jobs that were put back are due at once. Else the job is remembered: as one of
   * the row (jobs that were refused with another error are forgotten), or as put back.
   */
  row?: 'ended' | { error: string; isPutBack: boolean }
  /** The change for the failed jobs of the row, which are put back. */
  putBack?: Change
  /** Another job, which is tried next. */
  next?: Pick<Turn, 'id' | 'notBeforeMs'>
  /** The changes for the log. */
  said: StateChange[]
}

export type Scope = 'sender' | 'region'

/** SES has made a bounce. */
export function works(job: Job, facts: SenderFacts): SenderChange {
  return { ...end(job, facts, ['region', 'sender']), row: 'ended' }
}

/** SES's answer shows that it accepts nothing from the sender, or in the region. */
export function blocks(
  job: Job,
  facts: SenderFacts,
  scope: Scope,
  untilMs: EpochMs,
  detail: string,
): SenderChange {
  const ended = end(job, facts, scope === 'sender' ? ['region'] : [])
  return withPause(ended, job, facts, { scope, untilMs, by: 'answer' }, detail)
}

type Pauses = NonNullable<Extract<Effect, { state: 'failed' }>['pauses']>

/** SES has refused the call. `ownMs`: it isn't the mail, whose job is put back until then. */
export function refused(
  job: Job,
  facts: SenderFacts,
  refusal: RefusalFacts,
  pauses: Pauses,
  detail: string,
): SenderChange & { ownMs?: number } {
  const error = errorOf(job, detail)
  const isPaused = facts.senderPausedBy === 'refusals'
  if (hasUnconfirmed(job)) {
    // SES may not have had the recipient, which isn't a fault of the sender, and doesn't extend a pause
    const ended = end(job, facts, ['region'])
    if (!isPaused || refusal.wasPutBack) return ended
    return { ...ended, row: { error, isPutBack: true }, ownMs: pauses.ownUntilMs }
  }
  if (isPaused) {
    const ended = end(job, facts, ['region'])
    const { firstFailed: _staysFailed, ...others } = refusal
    return { ...putBack(ended, job, facts, others, pauses, detail), row: { error, isPutBack: true } }
  }
  const ended = end(job, facts, ['region', 'sender'])
  // a call with several recipients is split first; a job has the benefit of the doubt once
  if (job.recipients.length > 1 || refusal.wasPutBack) return ended
  const row = { error, isPutBack: false }
  if (refusal.othersInRow + 1 < IN_A_ROW) return { ...ended, row }
  const why = `SES refused ${IN_A_ROW} mails in a row: ${detail}`
  return {
    ...putBack(ended, job, { ...facts, senderPausedBy: undefined }, refusal, pauses, why),
    row,
    // the others of the row had failed already
    putBack: change(
      'dispatcher',
      'failed',
      'queued',
      { notBeforeMs: Math.round(pauses.ownUntilMs) },
      { what: 'put back', detail: "SES refused other mails with the same error: the cause isn't this mail" },
    ),
  }
}

/** The next attempt is another mail's. When all have had one, it is that of the mail whose attempt is the longest ago. */
function putBack(
  ended: SenderChange,
  job: Job,
  facts: PausedFacts,
  refusal: RefusalFacts,
  { untilMs, ownUntilMs }: Pauses,
  detail: string,
): SenderChange & { ownMs: number } {
  const paused = withPause(ended, job, facts, { scope: 'sender', untilMs, by: 'refusals' }, detail)
  if (refusal.waitsUntried) return { ...paused, ownMs: ownUntilMs }
  const { firstWaiting, firstFailed } = refusal
  const { id, deadlineMs, createdAtMs } = job
  const own = { id, notBeforeMs: ownUntilMs, deadlineMs, createdAtMs }
  const [next = own] = [firstWaiting, firstFailed && { ...firstFailed, notBeforeMs: ownUntilMs }, own]
    .filter(turn => turn !== undefined)
    .toSorted(
      (a, b) => a.notBeforeMs - b.notBeforeMs || a.deadlineMs - b.deadlineMs || a.createdAtMs - b.createdAtMs,
    )
  if (next === own) return { ...paused, ownMs: untilMs }
  return { ...paused, ownMs: ownUntilMs, next: { id: next.id, notBeforeMs: Math.round(untilMs) } }
}

type PausedFacts = { isRegionPaused: boolean; senderPausedBy?: SenderFacts['senderPausedBy'] | undefined }

function end(job: Job, facts: PausedFacts, scopes: readonly Scope[]): SenderChange {
  const ends = scopes.filter(scope => isPaused(facts, scope))
  return { ends, said: ends.map(scope => ({ ...placeOf(job, scope), isPaused: false })) }
}

function withPause(
  ended: SenderChange,
  job: Job,
  facts: PausedFacts,
  pause: NonNullable<SenderChange['pause']>,
  detail: string,
): SenderChange {
  const begins = { ...placeOf(job, pause.scope), isPaused: true, detail }
  const said = isPaused(facts, pause.scope) ? ended.said : [...ended.said, begins]
  return { ...ended, pause: { ...pause, untilMs: Math.round(pause.untilMs) }, said }
}

function isPaused({ isRegionPaused, senderPausedBy }: PausedFacts, scope: Scope): boolean {
  return scope === 'region' ? isRegionPaused : senderPausedBy !== undefined
}

function placeOf({ region, bounceSender }: Job, scope: Scope): { region: string; bounceSender?: string } {
  return scope === 'region' ? { region } : { region, bounceSender }
}

/** SES's text without its quotes from the mail. */
export function errorOf({ sesId, recipients }: Job, detail: string): string {
  const quoted = [sesId, ...recipients.map(({ address }) => address)].filter(text => text !== '')
  return quoted.reduce((text, part) => text.replaceAll(part, '...'), detail)
}

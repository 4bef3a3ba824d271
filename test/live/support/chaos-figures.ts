// The figures of a chaos test, in a line for the reader of the test run. Pure.

import type { ChaosResult } from './chaos'
import { gapsOf } from './chaos-verdict'

export function figuresOf({ evidence, struck, failedBoots }: ChaosResult): string {
  const { mails, calls, jobs } = evidence
  const attacks = counted(struck.map(({ attack, hit }) => `${attack.kind}${hit ? '' : ' (missed)'}`))
  const made = calls.filter(({ outcome }) => outcome.carriedOut)
  const bounced = new Set(made.flatMap(({ sesId, recipients }) => recipients.map(one => `${sesId} ${one}`)))
  const times = made.reduce((sum, { recipients }) => sum + recipients.length, 0)
  const [least] = gapsOf(calls).toSorted((one, other) => one.mostMs - other.mostMs)
  return [
    `${mails.length} mails, ${mails.reduce((sum, { replies }) => sum + replies.length, 0)} answers`,
    `${calls.length} calls, ${counted(calls.flatMap(({ outcome }) => outcome.fault ?? []))}`,
    `jobs: ${counted(jobs.map(({ state }) => state))}`,
    `attacks: ${attacks}`,
    `${failedBoots.length} boots failed`,
    `${times - bounced.size} of ${bounced.size} bounces twice`,
    `least gap ${least?.gapMs.toFixed(1)} ms as read, at most ${least?.mostMs.toFixed(1)} ms as sent`,
  ].join('; ')
}

function counted(names: readonly string[]): string {
  const unique = [...new Set(names)].toSorted()
  return unique.map(name => `${names.filter(one => one === name).length} ${name}`).join(', ')
}

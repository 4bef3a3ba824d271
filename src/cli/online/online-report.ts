// The lines of `check --online` after those of the files: AWS's answers, the needed permissions, and open questions.
// Pure. The caller escapes control characters.

import { parseLane } from '../../lane'
import { some } from '../check-report'
import { ENABLED_ACTION, QUOTA_ACTION, ROLE_ACTION } from './account-verdicts'
import { answersOf, type Ending, type Online, type OnlineAnswer, type RegionAnswers } from './online'
import { CALLER_ACTION, IDENTITIES_ACTION, SEND_ACTION } from './verdicts'

/** The most verified identities that are named, so that they fit on a line. */
const MOST_NAMES = 5

/** `strict`: an answer that isn't certain is an error. */
export function onlineReport(online: Online, strict: boolean): string[] {
  const { identity, notes, regions } = online
  const general = [...(identity ? [identity] : []), ...notes].map(answered => line(answered, strict))
  return [
    ...general,
    ...regions.flatMap(answers => regionLines(answers, strict).map(text => `${nameOf(answers)}: ${text}`)),
    ...closing(online, strict),
  ].map(text => `online: ${text}`)
}

/** `eu-west-1`, or `second in eu-west-1` */
function nameOf({ region, account }: RegionAnswers): string {
  return account === undefined ? region : `${account} in ${parseLane(region).region}`
}

function line({ result, message }: OnlineAnswer, strict: boolean): string {
  const mark: Record<Ending, string> = {
    fine: '',
    warning: strict ? 'error: ' : 'warning: ',
    error: 'error: ',
    // the message says so itself
    unestablished: strict ? 'error: ' : '',
  }
  return mark[result] + message
}

function regionLines(answers: RegionAnswers, strict: boolean): string[] {
  const { role, senders, sendBounce, quota = [] } = answers
  const fine = senders.filter(({ result }) => result === 'fine')
  const names = [...new Set(fine.flatMap(({ identity }) => identity ?? []))]
  const verified = names.length === 0 ? [] : [`verified: ${shortened(names)}`]
  const others = distinct([
    ...senders.filter(({ result }) => result !== 'fine'),
    ...(sendBounce ? [sendBounce] : []),
    ...quota,
  ])
  return [
    ...(role ? [line(role, strict)] : []),
    ...verified,
    ...others.map(answered => line(answered, strict)),
  ]
}

function shortened(names: readonly string[]): string {
  const more = names.length - MOST_NAMES
  const shown = names.slice(0, MOST_NAMES).join(', ')
  return more > 0 ? `${shown} and ${more} more` : shown
}

function closing(online: Online, strict: boolean): string[] {
  const { identity, regions } = online
  if (identity === undefined) return []
  const isCalled = regions.some(({ sendBounce }) => sendBounce?.sender !== undefined)
  const open = openActions(online)
  const rest = [
    ...(identity.result === 'error' ? ['; nothing further was asked'] : []),
    ...(open.length === 0 ? [] : [`; could not be established: ${open.join(', ')}`]),
  ]
  const takes = regions.some(({ role }) => role) ? TAKES_WITH_ACCOUNTS : TAKES
  return [takes + rest.join(''), ...(isCalled ? [CALLED] : []), ...sum(online, strict)]
}

/** STS API: GetCallerIdentity can't be denied. */
const TAKES = `this needs ${CALLER_ACTION} (always permitted), ${IDENTITIES_ACTION} and ${SEND_ACTION}`
const TAKES_WITH_ACCOUNTS = `this needs ${CALLER_ACTION} (always permitted) and ${ROLE_ACTION}, and of each role ${IDENTITIES_ACTION}, ${SEND_ACTION}, ${QUOTA_ACTION} and ${ENABLED_ACTION}`
const CALLED = `SendBounce was called once a region, for no mail that there is: nothing was bounced; a running dispatcher may be throttled once`

function openActions({ identity, regions }: Online): string[] {
  const open = ({ result, action }: OnlineAnswer) => (result === 'unestablished' && action ? [action] : [])
  const ofRegions = regions.flatMap(answers =>
    answersOf(answers)
      .flatMap(open)
      .map(action => `${action} in ${answers.region}`),
  )
  return [...new Set([...(identity ? open(identity) : []), ...ofRegions])]
}

/** An answer of a region that is the same for all senders counts once. */
function sum({ identity, notes, regions }: Online, strict: boolean): string[] {
  const answers = [
    ...(identity ? [identity] : []),
    ...notes,
    ...regions.flatMap(answers => distinct(answersOf(answers))),
  ]
  const number = (...results: Ending[]) => answers.filter(({ result }) => results.includes(result)).length
  const counts = strict
    ? some(number('error', 'warning', 'unestablished'), 'error')
    : [
        ...some(number('error'), 'error'),
        ...some(number('warning'), 'warning'),
        ...some(number('unestablished'), 'open question'),
      ]
  return counts.length === 0 ? [] : [counts.join(', ')]
}

function distinct(answers: readonly OnlineAnswer[]): OnlineAnswer[] {
  return [...new Map(answers.map(answered => [answered.message, answered])).values()]
}

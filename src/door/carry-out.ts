// Makes a plan come true before Haraka answers 250: first the quarantine, then the queue in one transaction.
// Whatever throws or rejects here has consumed nothing; the relay comes again, and nothing is taken twice.

import type { Writable } from 'node:stream'
import type { Decision } from '../policy/decision'
import { keepMail } from '../quarantine/keep'
import type { Forecast } from '../queue/admission'
import type { Added } from '../queue/job'
import type { WorkerQueue } from '../queue/store'
import type { Judgement } from './judge'
import type { CommitPlan } from './plan'

export interface Place {
  quarantineFolder: string
  queue: () => WorkerQueue
  /** Of the SMTP transaction, for mail without an id of SES. */
  uuid: string
  nowMs: number
  forecast: Forecast
  pipeRaw: (to: Writable) => void
}

export interface CarriedOut {
  /** What the queue took, by the decision for it. */
  added: Map<Decision, Added>
  /** The .eml file of what was held back. */
  quarantined?: string
}

export async function carryOut({ facts }: Judgement, plan: CommitPlan, place: Place): Promise<CarriedOut> {
  const quarantined = plan.held.length > 0 ? await hold(facts, plan, place) : undefined
  const requests = plan.bounces.map(({ request }) => request)
  const taken = requests.length > 0 ? place.queue().add(requests, place.nowMs, place.forecast) : []
  const added = new Map(
    taken.flatMap((one, index) => {
      const decision = plan.bounces[index]?.decision
      return decision ? [[decision, one]] : []
    }),
  )
  return { added, ...(quarantined !== undefined && { quarantined }) }
}

function hold(facts: Judgement['facts'], plan: CommitPlan, place: Place): Promise<string> {
  const held = plan.held.map(({ decision, reason }) => ({
    recipient: decision.recipient.address,
    rule: decision.rule ?? '',
    reason,
  }))
  // the same mail and recipients, delivered again, replace their own file
  const identity = JSON.stringify([
    facts.receipt?.sesId ?? place.uuid,
    held.map(({ recipient }) => recipient).toSorted(),
  ])
  const { sender, recipients, relayIp } = facts.envelope
  return keepMail(
    place.quarantineFolder,
    identity,
    {
      quarantinedAt: new Date(place.nowMs).toISOString(),
      envelope: { sender, recipients: recipients.map(({ address }) => address), relayIp },
      held,
      receipt: facts.receipt ?? null,
    },
    place.pipeRaw,
  )
}

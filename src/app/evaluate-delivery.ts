// A delivery behind Haraka that failed: rules, guards and queue decide what its sender learns. SMTP was answered long ago, so
// each recipient gets what was decided for it. `reject` leaves it to Haraka's own DSN, where that is no backscatter.

import type { EnvelopeRecipient } from '../mail/facts'
import { asksDelivery } from '../policy/asks-delivery'
import type { Decision } from '../policy/decision'
import { ownDsnFault } from '../policy/own-dsn'
import type { ActiveConfig } from './active-config'
import { askQueue, evaluatePolicyParsed, type IncomingMail, type MailEvaluation } from './evaluate-mail'
import { bouncesIn, type Plan, type Planner, reasonOf } from './plan'

export interface FailedDelivery extends IncomingMail {
  /** Delivered outbound by this plugin's own wish: [delivery] split. */
  isSplit: boolean
  /** The recipients for whom it failed; their refusals are in the envelope. */
  isAsked: (recipient: EnvelopeRecipient) => boolean
  /** The refusal is no policy about this mail. */
  stands: (recipient: EnvelopeRecipient) => boolean
}

/** `moment`: Haraka has given up on the recipients, or would try them again. */
export async function evaluateDelivery(
  mail: FailedDelivery,
  moment: 'given up' | 'deferred',
  activeConfig: ActiveConfig,
  queue: Parameters<typeof askQueue>[3],
): Promise<{ evaluation: MailEvaluation; planner: Planner }> {
  // Haraka's own DSN has guards too, which read the header
  const { facts, decisions: asked } = await evaluatePolicyParsed(mail, activeConfig)
  const decided = asked.map(decision =>
    mail.stands(decision.recipient.envelope) ? standing(decision) : decision,
  )
  const planner = moment === 'deferred' ? ALL_BOUNCED : plannerFor(facts, activeConfig)
  if (deliveryMode(activeConfig, mail) === 'observe') {
    const plan: Plan = { kind: 'pass' }
    return { evaluation: { facts, decisions: decided, known: new Map(), plan }, planner }
  }
  const { decisions: answered, known } = await askQueue(facts, decided, activeConfig, queue, mail)
  const decisions = answered.map(planner.settle)
  return { evaluation: { facts, decisions, known, plan: planner.planFor(decisions) }, planner }
}

/** `observe`: the plugin only observes, or no enforced rule is about deliveries. Haraka does as without the plugin then. */
export function deliveryMode(
  { settings, policy }: ActiveConfig,
  { isSplit }: Pick<FailedDelivery, 'isSplit'>,
): 'enforce' | 'observe' {
  return isSplit || asksDelivery(policy).enforced ? settings.main.mode : 'observe'
}

/** The rules were asked, but it isn't theirs to decide. */
function standing({ recipient }: Decision): Decision {
  const [refusal] = recipient.envelope.refusals ?? []
  return {
    recipient,
    wanted: 'reject',
    action: 'reject',
    deliver: false,
    observed: [],
    ...(refusal && { refusal }),
  }
}

function plannerFor(facts: MailEvaluation['facts'], { policy, settings }: ActiveConfig): Planner {
  return {
    settle(decision) {
      const { action } = decision
      if (action !== 'reject' && action !== 'accept') return decision
      const fault = settings.delivery.ownDsn === 'guarded' && ownDsnFault(policy, settings, facts, decision)
      if (!fault) return { ...decision, action: 'reject' }
      const { reply: _reply, ...rest } = decision
      // there is no room in the quarantine: there may be some when Haraka tries again
      if (decision.fallback?.reason === 'full') return { ...rest, action: 'defer' }
      return { ...rest, action: 'quarantine', fallback: fault }
    },
    planFor,
  }
}

/** Haraka would try all of them again: where one isn't bounced, nothing is done about any. */
const ALL_BOUNCED: Planner = {
  settle: decision => decision,
  planFor: decisions => (decisions.every(({ action }) => action === 'bounce') ? planFor(decisions) : AGAIN),
}

const AGAIN: Plan = { kind: 'refuse', temporary: true, reply: { status: '4.7.1', text: 'Try again later' } }

function planFor(decisions: readonly Decision[]): Plan {
  if (decisions.some(({ action }) => action === 'defer')) return AGAIN
  if (decisions.every(({ action }) => action === 'reject'))
    return { kind: 'refuse', temporary: false, reply: { status: '5.7.1', text: 'Refused' } }
  return {
    kind: 'commit',
    bounces: bouncesIn(decisions),
    held: decisions
      .filter(({ action }) => action === 'quarantine')
      .map(decision => ({ decision, reason: reasonOf(decision) })),
    consumed: decisions.filter(({ action }) => action !== 'reject'),
    swallowedRejects: [],
  }
}

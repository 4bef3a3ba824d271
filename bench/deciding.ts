// Decisions as work to be measured, with another mail each time. Rejects if the policy decides wrongly.
// The values that patterns compare are made anew for each decision, as for a new mail.

import type { ActiveConfig } from '../src/app/active-config'
import type { MailFacts } from '../src/mail/facts'
import { readFacts } from '../src/mail/read-facts'
import { decide } from '../src/policy/decide'
import { MatchBudget } from '../src/policy/match-budget'
import type { WorkerThreads } from '../src/worker-thread/worker-threads'
import type { Work } from './measure'
import { asIncoming, NOW_MS, type Sample } from './samples'

/** Longer than a real mail's budget, for slow machines. */
const BUDGET_MS = 60_000

/** Facts with the header parsed, the subject decoded and the body read. */
export async function readyFacts(samples: readonly Sample[]): Promise<MailFacts[]> {
  const all: MailFacts[] = []
  for (const sample of samples) {
    const content = { texts: [sample.body], attachments: [], isCut: false }
    const search = () => Promise.reject(new Error('the header is searched by nobody'))
    const mail = asIncoming(sample, { content: async () => content, search })
    const facts = await readFacts({
      ...mail,
      receivesFor: isOurs,
      isOfOwnOrganisation: isOurs,
      relayRecipients: 'auto',
    })
    facts.headers.values('subject')
    all.push(facts)
  }
  return all
}

export function decideInTurn(
  { policy }: ActiveConfig,
  facts: readonly MailFacts[],
  workerThreads: WorkerThreads,
  ...expected: readonly string[]
): Work {
  return inTurn(facts, async mail => {
    const budget = new MatchBudget({ search: workerThreads.search, budgetMs: BUDGET_MS })
    const [decision] = await decide(policy, mail, NOW_MS, budget)
    if (!expected.includes(decision?.rule ?? ''))
      throw new Error(`${decision?.rule ?? 'no rule'} decides instead of ${expected.join(' or ')}`)
  })
}

/** Uses the inputs in turn, and continues where the last call stopped. */
export function inTurn<T>(inputs: readonly T[], act: (input: T) => void | Promise<void>): Work {
  let at = 0
  return async times => {
    for (let done = 0; done < times; done++) {
      const acting = act(inputs[at] as T)
      if (acting !== undefined) await acting
      at = (at + 1) % inputs.length
    }
  }
}

function isOurs(domain: string): boolean {
  return domain === 'example.com'
}

// The latest decisions on the first page, each with its outcome: the state of its job, a duplicate, or the action.
// Pure. Texts from a mail and names of rules are shown only with the token.

import type { DecisionNote } from '../queue/counters'
import type { JobInState, MailRecipient } from '../queue/operator'
import { type Html, html, type Part } from './html'
import { clamped, cut, cutAddress, cutId } from './page-cut'
import { ago, type View } from './page-layout'
import { badge, MOST_OF_NAME, searchLink } from './page-sections'
import { table } from './page-table'
import { ROOT } from './router'

/** `job`: that of the recipient, of this decision or of an earlier one about the same mail. */
export interface ShownDecision extends DecisionNote {
  job?: JobInState
}

/** A recipient that may have a job. */
export function recipientOf({ sesId, recipient }: DecisionNote): MailRecipient | undefined {
  return sesId === undefined ? undefined : { sesId, address: recipient }
}

const DONE = {
  accept: 'accepted',
  bounce: 'bounce',
  reject: 'rejected',
  defer: 'deferred',
  quarantine: 'quarantined',
  drop: 'dropped',
} as const

export function decisions(view: View, notes: readonly ShownDecision[]): Html {
  return html`<section id="decisions" data-live aria-labelledby="decisions-title">
<h2 id="decisions-title">Recent decisions</h2>
${table(
  view,
  [
    { name: 'When', kind: 'nowrap' },
    { name: 'Outcome', kind: 'nowrap' },
    { name: 'Recipient', isPrivate: true },
    { name: 'Sender', isPrivate: true },
    { name: 'Rule', isPrivate: true },
    { name: 'Reason', kind: 'words' },
    { name: 'Mail', isPrivate: true },
  ],
  notes.map(note => {
    const { atMs, rule, recipient, sender, reason, detail, sesId, job } = note
    return [
      ago(atMs, view.nowMs),
      outcome(view, note),
      cut(recipient),
      sender !== undefined && cutAddress(sender),
      rule === undefined ? html`<span class="soft">none</span>` : cut(rule, MOST_OF_NAME),
      clamped([reason, ...(view.isTrusted ? [detail] : [])].filter(word => word !== undefined).join(': ')),
      // a search without a job would find nothing
      sesId !== undefined && (job === undefined ? cutId(sesId) : searchLink(sesId, cutId(sesId))),
    ]
  }),
  'None yet.',
  { fewOnPhone: 'decisions' },
)}
</section>`
}

function outcome({ isTrusted }: View, { action, isDuplicate, isObserved, job }: ShownDecision): Part {
  if (isObserved) return [badge(action), html`<div class="soft">observed</div>`]
  if (action !== 'bounce') return badge(DONE[action])
  if (isDuplicate) return linked(isTrusted, job, badge('duplicate'))
  return job === undefined ? badge(DONE.bounce) : linked(isTrusted, job, badge(job.state))
}

function linked(isTrusted: boolean, job: JobInState | undefined, part: Html): Html {
  return job !== undefined && isTrusted
    ? html`<a href="${ROOT}/jobs/${encodeURIComponent(job.id)}">${part}</a>`
    : part
}

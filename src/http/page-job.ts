// A job's page, with all that is on record of it, and the results of a search. Shown only with the token.
// Pure. The words of SES, of rules and of the mail are text there, never markup.

import { sendBounceInput } from '../dispatch/send-bounce'
import { statesFor } from '../queue/by-hand'
import type { Job, JobEvent } from '../queue/job'
import { JOB_ACTIONS, type JobAction } from '../queue/operator'
import { type Html, html, lines, type Part } from './html'
import { confirmed, cut, REASON } from './page-cut'
import { left, timeTag, type View } from './page-layout'
import { badge, isWaiting, searchLink } from './page-sections'
import { table } from './page-table'
import { ROOT } from './router'

/** The page has room for nearly all. */
const MOST_OF_ADDRESS = 64

export interface JobRecord {
  history: readonly JobEvent[]
  /** The files that hold the raw mail. */
  mails: readonly string[]
}

/** `said`: why the job was not changed. */
export function jobMain(view: View, job: Job, { history, mails }: JobRecord, said?: string): Html {
  return html`${said !== undefined && html`<section class="status bad" role="alert"><p class="bad">Not changed: ${said}.</p></section>`}
<section id="job" data-live aria-labelledby="job-title">
<h1 id="job-title">Job ${job.id} ${badge(job.state)}</h1>
<dl class="facts">${facts(view, job, mails).map(([what, part]) => html`<dt>${what}</dt><dd>${part}</dd>`)}</dl>
${view.mayOperate && html`<div class="actions">${JOB_ACTIONS.filter(word => statesFor(word).includes(job.state)).map(word => actionOn(job, word))}</div>`}
</section>
<section id="recipients" data-live aria-labelledby="recipients-title">
<h2 id="recipients-title">Recipients</h2>
${table(
  view,
  [
    { name: 'Address', kind: 'head' },
    { name: 'Rule' },
    { name: 'Type' },
    { name: 'Status' },
    { name: 'Diagnostic', kind: 'words' },
    { name: 'Added' },
  ],
  job.recipients.map(({ address, isUnconfirmed, rule, bounceType, status, diagnostic, addedAtMs }) => [
    html`${cut(address, MOST_OF_ADDRESS)}${isUnconfirmed && html` <span class="soft">unconfirmed</span>`}`,
    rule,
    bounceType,
    status,
    diagnostic,
    timeTag(addedAtMs),
  ]),
  'None.',
)}
</section>
<section id="history" data-live aria-labelledby="history-title">
<h2 id="history-title">History</h2>
${table(
  view,
  [
    { name: 'When', kind: 'nowrap' },
    { name: 'What', kind: 'nowrap' },
    { name: 'Detail', kind: 'words' },
  ],
  history.map(({ atMs, what, detail }) => [timeTag(atMs), what, detail]),
  'No events yet.',
)}
</section>
<section id="call" data-live aria-labelledby="call-title">
<h2 id="call-title">SendBounce, as it ${job.tries > 0 ? 'was' : 'would be'} called</h2>
<pre tabindex="0">${lines(JSON.stringify(sendBounceInput(job), null, 2).split('\n'))}</pre>
</section>`
}

function facts(view: View, job: Job, mails: readonly string[]): [string, Part][] {
  const { reason, sesId, region, sender, bounceSender, bounceSenderArn, messageId, notBeforeMs } = job
  const isOpen = isWaiting(job.state)
  const isLater = job.state === 'queued' && notBeforeMs > view.nowMs
  return [
    ...(reason === undefined ? [] : [['Reason', reason] satisfies [string, Part]]),
    ['Mail', html`${searchLink(sesId)}, received ${timeTag(job.receivedAtMs)} in ${region}`],
    ['Sender', sender === '' ? '<>' : searchLink(sender)],
    ['Bounce sender', html`${bounceSender}${bounceSenderArn !== undefined && `, by ${bounceSenderArn}`}`],
    ['Deadline', isOpen ? left(job.deadlineMs, view.nowMs) : timeTag(job.deadlineMs)],
    ['Attempts', `${job.tries}, ${job.unknownTries} with unknown outcome, ${job.interruptions} interrupted`],
    ...(isLater ? [['Next attempt', html`not before ${timeTag(notBeforeMs)}`] satisfies [string, Part]] : []),
    ...(messageId === undefined ? [] : [['Bounce', messageId] satisfies [string, Part]]),
    ...mails.map((file): [string, Part] => ['Raw mail', file]),
  ]
}

const WORDS: Readonly<Record<JobAction, string>> = { retry: 'Retry', cancel: 'Cancel', hold: 'Hold' }

/** An action that can't be undone, or may make a second bounce, asks for confirmation. */
function actionOn({ id, state }: Job, word: JobAction): Html {
  const form = (text: string, asked?: Html) =>
    html`<form action="${ROOT}/jobs/${encodeURIComponent(id)}/${word}" method="post">${asked}<button>${text}</button></form>`
  if (word === 'cancel')
    return confirmed(WORDS.cancel, 'Its recipients get no bounce.', form('Cancel this job', REASON))
  if (word === 'retry' && state === 'held')
    return confirmed(
      WORDS.retry,
      'SES may have made the bounce already: its sender may get two.',
      form('Retry this job', REASON),
    )
  return form(WORDS[word])
}

// Requests to the pages and the API about a queue in use, above all the expensive ones.

import { toCursor } from '../../src/http/listing'
import { JOB_STATES } from '../../src/queue/job'
import { openOperatorQueue } from '../../src/queue/sqlite/open'
import { REGION } from './jobs'
import { OFTEN, OTHER_REGION } from './lived-queue'
import type { Question } from './poller'

/** Requests by kind. */
export type Kinds = Record<'job' | 'search' | 'list' | 'metrics', readonly Question[]>

/** `jobs`: the number of jobs. */
export function questionsAbout(file: string, jobs: number): Kinds {
  const operator = openOperatorQueue(file)
  const [job] = operator.page({ limit: 1, before: Math.ceil(jobs / 2) }).jobs
  operator.close()
  if (job === undefined) throw new Error('there is no job to ask about')
  const [recipient] = job.recipients
  const sought = [job.id, job.sesId, job.sender, recipient?.address ?? '', OFTEN.sender, OFTEN.recipient]
  const hosts = [job.sender, OFTEN.sender].map(address => address.slice(address.indexOf('@')))
  const nothing = ['nobody@example.com', '@nowhere.example', 'nothing']
  return {
    job: [{ path: `/jobs/${job.id}` }, { path: `/v1/bounces/${job.id}` }],
    search: [
      ...[...sought, ...hosts, ...nothing].map(text => ({ path: `/search?q=${encodeURIComponent(text)}` })),
      ...JOB_STATES.map(state => ({ path: `/search?state=${state}` })),
    ],
    list: listings(job.sesId, jobs).map(query => ({ path: `/v1/bounces?limit=200&${query}` })),
    metrics: [{ path: '/metrics' }],
  }
}

/** Every filter with a frequent and with an unknown value, combinations of two and three, on the first and on far pages. */
function listings(sesId: string, jobs: number): string[] {
  const often = {
    state: 'queued',
    region: REGION,
    sender: OFTEN.sender,
    recipient: OFTEN.recipient,
    rule: 'rule-1',
    ses_id: sesId,
  }
  const none = { ...often, state: 'held', region: 'nowhere-1', sender: '@nowhere.example', rule: 'none' }
  const names = Object.keys(often) as (keyof typeof often)[]
  const filters: Record<string, string>[] = [
    {},
    { state: 'sent' },
    { region: OTHER_REGION, state: 'failed' },
    { sender: OFTEN.sender.slice(OFTEN.sender.indexOf('@')) },
    ...names.flatMap(one => [{ [one]: often[one] }, { [one]: none[one] }]),
    ...names.flatMap(one =>
      names.filter(name => name > one).map(other => ({ [one]: often[one], [other]: none[other] })),
    ),
    { sender: OFTEN.sender, recipient: OFTEN.recipient, state: 'queued' },
    { sender: OFTEN.sender, rule: 'rule-1', region: 'nowhere-1' },
  ]
  const cursors = ['', ...[2, 10].map(part => `&cursor=${toCursor(Math.ceil(jobs / part))}`)]
  return filters.flatMap(filter => cursors.map(cursor => new URLSearchParams(filter).toString() + cursor))
}

/** A valid submission; each is for another mail and sender. */
export function orderOf(number: number, nowMs: number): Question {
  return {
    path: '/v1/bounces',
    body: {
      original_message_id: `ordered-${nowMs}-${number}`,
      region: REGION,
      received_at: new Date(nowMs - 60_000).toISOString(),
      sender: `writer@ordered${nowMs}x${number}.example`,
      recipients: [{ address: `box${number}@example.com`, type: 'DoesNotExist' }],
      authenticated: true,
    },
  }
}

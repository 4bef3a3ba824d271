import assert from 'node:assert/strict'
import path from 'node:path'
import fc from 'fast-check'
import type { BounceRequest } from '../../src/policy/decision'
import { jobsFor } from '../../src/queue/calls'
import type { Job } from '../../src/queue/job'
import { openQueueReader, openWorkerQueue } from '../../src/queue/sqlite/open'
import { request, temporaryFolder } from './support'

const NOW_MS = 1_740_056_284_000

describe('the calls that come of bounces', () => {
  let file: string
  let remove: () => void
  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
  })
  afterEach(() => remove())

  it('are those that the queue makes of them, whatever they have in common', () => {
    const queue = openWorkerQueue(file, { create: true })
    let mails = 0
    try {
      fc.assert(
        fc.property(fc.array(requests, { minLength: 1, maxLength: 12 }), some => {
          const sesId = `mail${++mails}`
          const all = some.map(one => ({ ...one, sesId }))
          queue.add(all, NOW_MS)
          assert.deepEqual(comparable(jobsFor(all, NOW_MS)), comparable(queued(sesId)))
        }),
        { numRuns: 50 },
      )
    } finally {
      queue.close()
    }
  })

  it('are none without a bounce', () => {
    assert.deepEqual(jobsFor([], NOW_MS), [])
  })

  function queued(sesId: string): Job[] {
    const reader = openQueueReader(file)
    try {
      return [...reader.jobs({ sesId })]
    } finally {
      reader.close()
    }
  }
})

/** Few values, so that many agree. */
const requests: fc.Arbitrary<BounceRequest> = fc
  .record({
    region: fc.constantFrom('eu-west-1', 'us-east-1'),
    bounceSender: fc.constantFrom('a@yours.example', 'b@yours.example'),
    bounceSenderArn: fc.constantFrom(undefined, 'arn:aws:ses:eu-west-1:123456789012:identity/yours.example'),
    explanation: fc.constantFrom(undefined, 'No.', 'no.'),
    address: fc.constantFrom(
      'b@x.example',
      'B@x.example',
      'a@x.example',
      '"a"@x.example',
      '_@x.example',
      'é@x.example',
    ),
    isUnconfirmed: fc.constantFrom(false, false, true),
  })
  .map(({ address, isUnconfirmed, bounceSenderArn, explanation, ...once }) =>
    request({
      ...once,
      ...(bounceSenderArn !== undefined && { bounceSenderArn }),
      ...(explanation !== undefined && { explanation }),
      recipient: { address, ...(isUnconfirmed && { isUnconfirmed }) },
    }),
  )

/** Without what the queue makes up: its ids, and the order of jobs of the same moment. */
function comparable(jobs: readonly Job[]): unknown[] {
  return jobs
    .map(job => ({ ...job, id: '' }))
    .map(job => JSON.stringify(job, Object.keys(job).toSorted().concat(RECIPIENT_KEYS)))
    .toSorted()
}

const RECIPIENT_KEYS = ['address', 'isUnconfirmed', 'bounceType', 'status', 'diagnostic', 'rule', 'addedAtMs']

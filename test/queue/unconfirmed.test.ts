// Recipients that nothing in a mail confirms: SES may refuse their bounces, which says nothing about anybody else's.

import assert from 'node:assert/strict'
import path from 'node:path'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import { relayWarning } from '../../src/queue/relay-signs'
import {
  openCounterStore,
  openDispatcherQueue,
  openOperatorQueue,
  openQueueReader,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import type { Effect } from '../../src/queue/store'
import { request, takeLead, temporaryFolder } from './support'

const SPACING = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: 600_000 }
const PACE = { spacingMs: 1000, forecastMs: 1000, marginMs: 60_000 }
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

describe('an unconfirmed recipient', () => {
  let file: string
  let worker: SqliteWorkerQueue
  let queue: SqliteDispatcherQueue
  let remove: () => void
  let nowMs = 0

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'queue.sqlite')
    worker = openWorkerQueue(file, { create: true })
    queue = openDispatcherQueue(file)
    takeLead(queue)
    nowMs = 1_000_000
  })
  afterEach(() => {
    worker.close()
    queue.close()
    remove()
  })

  function add(sesId: string, address: string, isUnconfirmed: boolean): string {
    const [added] = worker.add(
      [request({ sesId, recipient: { address, ...(isUnconfirmed && { isUnconfirmed }) } })],
      nowMs,
    )
    return added?.jobId ?? ''
  }

  /** The next call, which ends so. */
  function call(effect: Effect) {
    nowMs += MINUTE_MS
    const now = { ms: nowMs, monoMs: nowMs }
    const claim = queue.claim('eu-west-1', now, SPACING)
    if (claim === undefined) return undefined
    queue.begin(claim, now)
    return { id: claim.job.id, ...queue.settle(claim, effect, { ms: nowMs, seenMonoMs: nowMs }) }
  }

  const refused = (): Effect => ({
    state: 'failed',
    detail: '400 MessageRejected: no such recipient',
    pauses: { untilMs: nowMs + MINUTE_MS, ownUntilMs: nowMs + 10 * MINUTE_MS },
  })
  const sent: Effect = { state: 'sent', messageId: 'm', detail: '' }

  function jobs() {
    const reader = openQueueReader(file)
    try {
      return [...reader.jobs()]
    } finally {
      reader.close()
    }
  }

  function signsAt(atMs: number) {
    const reader = openQueueReader(file)
    try {
      return reader.relaySigns(atMs)
    } finally {
      reader.close()
    }
  }

  it('has a call of its own, whichever recipient of the mail comes first', () => {
    add('one', 'a@yours.example', true)
    add('one', 'b@yours.example', false)
    add('one', 'c@yours.example', true)
    add('one', 'd@yours.example', false)
    assert.deepEqual(
      jobs().map(({ recipients }) =>
        recipients.map(({ address, isUnconfirmed }) => [address, isUnconfirmed]),
      ),
      [
        [['a@yours.example', true]],
        [
          ['b@yours.example', undefined],
          ['d@yours.example', undefined],
        ],
        [['c@yours.example', true]],
      ],
    )
  })

  it('counts for no pause when SES refuses its bounce', () => {
    for (let at = 0; at < 8; at++) add(`mail${at}`, 'a@yours.example', true)
    for (const { id } of jobs()) assert.deepEqual(call(refused()), { id, state: 'failed', changes: [] })
  })

  it('ends no row of refusals of others', () => {
    for (let at = 0; at < 4; at++) {
      add(`mail${at}`, 'a@yours.example', false)
      add(`mail${at}`, 'b@yours.example', true)
    }
    for (let at = 0; at < 8; at++) assert.deepEqual(call(refused())?.changes, [])
    add('fifth', 'a@yours.example', false)
    assert.equal(call(refused())?.changes[0]?.isPaused, true)
  })

  it('waits once when SES refuses it while its sender is paused, and makes the pause no longer', () => {
    for (let at = 0; at < 5; at++) add(`mail${at}`, 'a@yours.example', false)
    for (let at = 0; at < 4; at++) call(refused())
    const own = [add('other', 'b@yours.example', true), add('another', 'c@yours.example', true)]
    assert.equal(call(refused())?.changes[0]?.isPaused, true)
    const endOfPause = () => {
      const reader = openQueueReader(file)
      try {
        return reader.stats({ ms: 0, monoMs: 0 }, PACE).blocked[0]?.nextTryMs
      } finally {
        reader.close()
      }
    }
    const outcomes: Record<string, string[]> = {}
    for (let at = 0; at < 40; at++) {
      const before = endOfPause()
      const outcome = call(refused())
      if (outcome === undefined || !own.includes(outcome.id)) continue
      ;(outcomes[outcome.id] ??= []).push(outcome.state)
      assert.equal(endOfPause(), before)
    }
    assert.deepEqual(
      own.map(id => outcomes[id]),
      [
        ['queued', 'failed'],
        ['queued', 'failed'],
      ],
    )
  })

  it('is a sign of a relay that rewrites recipients once SES has refused three', () => {
    const signs = () => signsAt(nowMs)
    for (let at = 0; at < 4; at++) add(`mail${at}`, 'a@yours.example', true)
    add('sure', 'a@yours.example', false)
    call(refused())
    call(refused())
    assert.equal(relayWarning(signs()), undefined)
    call(sent)
    assert.deepEqual(signs(), { refused: 2, mails: 0, besideFor: 0 })
    call(refused())
    assert.deepEqual(signs().refused, 3)
    assert.match(
      relayWarning(signs()) ?? '',
      /^the relay seems to rewrite recipients; set \[relay\] recipients .*: SES refused/,
    )
    // the confirmed one is none
    call(refused())
    assert.equal(signs().refused, 3)
    // what SES has bounced after all is none any more
    const operator = openOperatorQueue(file)
    const [failed] = jobs().filter(
      ({ state, recipients }) => state === 'failed' && recipients[0]?.isUnconfirmed,
    )
    assert.ok('value' in operator.retry(failed?.id ?? '', nowMs, PACE))
    operator.close()
    call(sent)
    assert.equal(signs().refused, 2)
  })

  it('is a sign when most mails with one recipient in a day name another one of SES', () => {
    const store = openCounterStore(file)
    const hand = (besideFor: number, others: number, atMs: number) => {
      const metricsBuffer = new MetricsBuffer()
      for (let at = 0; at < besideFor; at++) metricsBuffer.onlyRecipient(atMs, true)
      for (let at = 0; at < others; at++) metricsBuffer.onlyRecipient(atMs, false)
      metricsBuffer.flushTo(counted => store.add(counted))
    }
    const warned = (atMs: number) => relayWarning(signsAt(atMs)) !== undefined
    const start = 100 * HOUR_MS
    hand(2, 0, start)
    assert.equal(warned(start), false, 'two may be chance')
    hand(1, 0, start + HOUR_MS)
    assert.equal(warned(start + HOUR_MS), true)
    hand(0, 3, start + HOUR_MS)
    assert.equal(warned(start + HOUR_MS), false, 'half of them is not most')
    hand(9, 0, start + 2 * HOUR_MS)
    assert.equal(warned(start + 2 * HOUR_MS), true)
    assert.equal(warned(start + 27 * HOUR_MS), false, 'a day later it is forgotten')
    for (let hour = 0; hour < 100; hour++) hand(1, 1, start + hour * HOUR_MS)
    store.close()
    assert.deepEqual(signsAt(start + 99 * HOUR_MS).mails, 48)
  })
})

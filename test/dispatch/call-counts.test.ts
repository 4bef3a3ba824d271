// The dispatcher's counts of its calls, on a queue of its own and a machine whose time is made.

import assert from 'node:assert/strict'
import path from 'node:path'
import { loadSettings, parseSettings } from '../../src/config/load'
import { CallCounts } from '../../src/dispatch/call-counts'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import type { Ses } from '../../src/dispatch/ses'
import { COUNTED, type Sum } from '../../src/queue/counters'
import type { Outcome } from '../../src/queue/effects'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import { openDispatcherQueue, openWorkerQueue } from '../../src/queue/sqlite/open'
import { request, temporaryFolder } from '../queue/support'
import { World } from './world'

const CALL_MS = 120

describe('the dispatcher counts', () => {
  it('calls by outcome, their duration, and the ends of jobs, also without a call', async () => {
    const { folder, remove } = temporaryFolder()
    const file = path.join(folder, 'queue.sqlite')
    const world = new World()
    const worker = openWorkerQueue(file, { create: true })
    const queue = openDispatcherQueue(file)
    const metricsBuffer = new MetricsBuffer()
    const answers: Outcome[] = [
      { kind: 'throttled', detail: 'slower' },
      { kind: 'sent', messageId: 'bounce1' },
      { kind: 'refused', detail: 'no' },
    ]
    const ses: Ses = {
      prepare: () => undefined,
      sendBounce: async () => {
        await world.waitUntil(world.monoMs() + CALL_MS)
        const outcome = answers.shift() ?? { kind: 'sent', messageId: 'more' }
        return { outcome, seenMonoMs: world.monoMs() }
      },
      warmUp: () => Promise.resolve(),
      close: () => undefined,
    }
    const { settings } = loadSettings(parseSettings(''), {})
    const dispatcher = new Dispatcher({
      queue,
      ses,
      clock: world,
      settings: () => settings,
      log: () => undefined,
      counts: new CallCounts(metricsBuffer),
    })
    const deadlineMs = world.nowMs() + 3_600_000
    worker.add(
      [request({ deadlineMs }), request({ deadlineMs }), request({ deadlineMs: world.nowMs() + 1000 })],
      world.nowMs(),
    )
    const running = dispatcher.run()
    let isOver = false
    try {
      assert.ok(await world.run(() => answers.length === 0, 60_000))
      await world.run(() => false, 1000)
    } finally {
      dispatcher.stop()
      void running.finally(() => void (isOver = true))
      await world.run(() => isOver, 60_000)
      queue.close()
      worker.close()
      remove()
    }
    let sums: readonly Sum[] = []
    metricsBuffer.flushTo(counted => void (sums = counted.sums))
    const of = (name: string) =>
      Object.fromEntries(
        sums
          .filter(sum => sum.name === name)
          .map(({ labels, value }) => [labels['outcome'] ?? labels['state'] ?? labels['le'] ?? '', value]),
      )
    assert.deepEqual(of(COUNTED.calls), { throttled: 1, sent: 1, refused: 1 })
    assert.deepEqual(of(COUNTED.ended), { expired: 1, sent: 1, failed: 1 })
    assert.deepEqual(of(COUNTED.callBuckets), { '0.25': 3 })
    assert.equal(of(COUNTED.callSum)['']?.toFixed(3), ((3 * CALL_MS) / 1000).toFixed(3))
  })
})

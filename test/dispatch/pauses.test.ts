// The dispatcher at a pause: one line for each change, and jobs that expire all the same.

import assert from 'node:assert/strict'
import path from 'node:path'
import { loadSettings, parseSettings } from '../../src/config/load'
import type { Clock } from '../../src/dispatch/clock'
import { Pauses } from '../../src/dispatch/pauses'
import type { RegionSenderParts } from '../../src/dispatch/region-sender'
import { openDispatcherQueue, openOperatorQueue, openWorkerQueue } from '../../src/queue/sqlite/open'
import { HOUR_MS, request, takeLead, temporaryFolder } from '../queue/support'

describe('a pause by hand', () => {
  const { folder, remove } = temporaryFolder()
  const file = path.join(folder, 'queue.sqlite')
  const worker = openWorkerQueue(file, { create: true })
  const queue = openDispatcherQueue(file)
  const operator = openOperatorQueue(file)
  const { settings } = loadSettings(parseSettings(''), {})
  const lines: string[] = []
  let nowMs = 0
  const clock: Clock = { nowMs: () => nowMs, monoMs: () => nowMs, waitUntil: () => Promise.resolve() }
  const parts: RegionSenderParts = {
    queue,
    clock,
    settings: () => settings,
    log: (level, message) => void lines.push(`${level} ${message}`),
    ses: {
      prepare: () => undefined,
      sendBounce: () => assert.fail('SES was called'),
      warmUp: () => Promise.resolve(),
      close: () => undefined,
    },
  }
  const pauses = new Pauses(parts)

  /** How many jobs have expired. */
  function look(): Promise<number> {
    const plan = queue.plan({ nowMs, longestPauseMs: 0 })
    assert.ok(plan)
    return pauses.look(plan)
  }

  async function said(): Promise<string[]> {
    await look()
    return lines.splice(0)
  }

  before(() => takeLead(queue))
  after(() => {
    for (const one of [worker, queue, operator]) one.close()
    remove()
  })

  it('is said once when it begins and once when it ends', async () => {
    assert.deepEqual(await said(), [])
    operator.pause('eu-west-1', 1000)
    assert.deepEqual(await said(), [
      'warn paused by hand in eu-west-1, since 1970-01-01T00:00:01.000Z; jobs wait',
    ])
    assert.deepEqual(await said(), [])
    operator.pause(undefined, 2000)
    assert.deepEqual(await said(), [
      'warn paused by hand in every region, since 1970-01-01T00:00:02.000Z; jobs wait',
    ])
    operator.resume(undefined)
    assert.deepEqual((await said()).toSorted(), [
      'notice resumed by hand in eu-west-1',
      'notice resumed by hand in every region',
    ])
    assert.deepEqual(await said(), [])
  })

  it('lets the jobs of its region expire at their deadline, and says so', async () => {
    const [added] = worker.add([request({ deadlineMs: HOUR_MS })], 0)
    worker.add([request({ deadlineMs: HOUR_MS, region: 'us-east-1' })], 0)
    operator.pause('eu-west-1', 1000)
    await said()
    assert.equal(await look(), 0)
    nowMs = HOUR_MS
    assert.equal(await look(), 1)
    assert.match(
      lines.splice(0).join('\n'),
      /^error job=\w+ region=eu-west-1 .* expired: The deadline passed before it could be sent/,
    )
    assert.equal(operator.job(added?.jobId ?? '')?.state, 'expired')
    assert.equal(operator.countByState().queued, 1)
  })

  it('of every region lets the jobs of all expire', async () => {
    operator.pause(undefined, 1000)
    assert.equal(await look(), 1)
    assert.equal(operator.countByState().expired, 2)
  })
})

// Counting in memory, and handing over to a store that fails as it likes.

import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { COUNTED, type Counted, MOST_SETS, RECENT_DECISIONS } from '../../src/queue/counters'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import { startMetricsFlush } from '../../src/queue/metrics-flush'
import { until } from '../live/support/wait'

const NEVER_MS = 1e8

/** A store that fails as long as it is told to. */
function store() {
  const taken: Counted[] = []
  const state = { isDown: false, opened: 0, closed: 0 }
  const open = () => {
    state.opened += 1
    return {
      add: (counted: Counted) => {
        if (state.isDown) throw new Error('the disk is full')
        taken.push(structuredClone(counted))
      },
      close: () => void (state.closed += 1),
    }
  }
  return { taken, state, open }
}

function metricsFlush(everyMs = NEVER_MS, when = () => true) {
  const { taken, state, open } = store()
  const metricsBuffer = new MetricsBuffer()
  const lines: string[] = []
  const log = (level: string, message: string) => void lines.push(`${level} ${message}`)
  return {
    taken,
    state,
    metricsBuffer,
    lines,
    over: startMetricsFlush({ metricsBuffer, open, when, log, everyMs }),
  }
}

describe('counts in memory', () => {
  it('are summed up by name and labels, in whatever order these stand', () => {
    const { metricsBuffer, over, taken } = metricsFlush()
    metricsBuffer.count(COUNTED.decisions, { rule: 'one', action: 'drop' })
    metricsBuffer.count(COUNTED.decisions, { action: 'drop', rule: 'one' }, 2)
    metricsBuffer.count(COUNTED.inspected)
    void over.flush()
    assert.deepEqual(taken[0]?.sums, [
      { name: COUNTED.decisions, labels: { rule: 'one', action: 'drop' }, value: 3 },
      { name: COUNTED.inspected, labels: {}, value: 1 },
    ])
    void over.close()
  })

  it('are of bounded size: what is too much counts as other, and the oldest decisions go', () => {
    const { metricsBuffer, over, taken } = metricsFlush()
    for (let n = 0; n < MOST_SETS + 50; n++) {
      metricsBuffer.count(COUNTED.decisions, { rule: `rule ${n}`, action: 'drop' })
      metricsBuffer.hit(`rule ${n}`, n)
    }
    for (let n = 0; n < RECENT_DECISIONS + 7; n++) {
      metricsBuffer.decided({ atMs: n, recipient: 'user@yours.example', action: 'drop', isObserved: false })
    }
    void over.flush()
    const [counted] = taken
    assert.equal(counted?.sums.length, MOST_SETS + 1)
    assert.deepEqual(counted?.sums.at(-1), {
      name: COUNTED.decisions,
      labels: { rule: 'other', action: 'drop' },
      value: 50,
    })
    assert.deepEqual(counted?.hits.at(-1), { rule: 'other', hits: 50, lastMs: MOST_SETS + 49 })
    assert.equal(counted?.decisions.length, RECENT_DECISIONS)
    assert.equal(counted?.decisions[0]?.atMs, 7)
    void over.close()
  })

  it('are flushed when there are any, and only then', () => {
    const { metricsBuffer, over, state, taken } = metricsFlush()
    void over.flush()
    assert.equal(state.opened, 0)
    metricsBuffer.count(COUNTED.inspected)
    void over.flush()
    void over.flush()
    assert.deepEqual([state.opened, taken.length], [1, 1])
    void over.close()
  })

  it('wait as long as the store is not to be opened, and nobody is told', () => {
    let isThere = false
    const { metricsBuffer, over, state, taken, lines } = metricsFlush(NEVER_MS, () => isThere)
    metricsBuffer.count(COUNTED.inspected)
    for (let n = 0; n < 50; n++) void over.flush()
    assert.deepEqual([state.opened, lines], [0, []])
    isThere = true
    void over.close()
    assert.equal(taken.length, 1)
  })

  it('stay when the store fails, and go with the next ones, by a handle that is new', () => {
    const { metricsBuffer, over, state, taken, lines } = metricsFlush()
    state.isDown = true
    metricsBuffer.count(COUNTED.inspected)
    for (let n = 0; n < 3; n++) void over.flush()
    metricsBuffer.count(COUNTED.inspected)
    state.isDown = false
    void over.flush()
    assert.deepEqual(
      taken.map(({ sums }) => sums),
      [[{ name: COUNTED.inspected, labels: {}, value: 2 }]],
    )
    assert.deepEqual([state.opened, state.closed], [4, 3])
    assert.deepEqual(lines, [], "what passes is nobody's concern")
    void over.close()
  })

  it('that can not be flushed for long are logged once, and so is the end of that', () => {
    const { metricsBuffer, over, state, lines } = metricsFlush()
    state.isDown = true
    metricsBuffer.count(COUNTED.inspected)
    for (let n = 0; n < 50; n++) void over.flush()
    state.isDown = false
    void over.flush()
    assert.deepEqual(lines, [
      "warn counts for the metrics can't be written, and wait in memory: the disk is full",
      'notice counts for the metrics are written again',
    ])
    void over.close()
  })

  it('that come while a slow store takes others stay, and go with those that it refuses', async () => {
    const metricsBuffer = new MetricsBuffer()
    const taken: Counted[] = []
    let refuses = true
    const add = async (counted: Counted) => {
      taken.push(counted)
      await setImmediate()
      if (refuses) throw new Error('the network is cut')
    }
    const over = startMetricsFlush({
      metricsBuffer,
      open: () => Promise.resolve({ add, close: () => undefined }),
      log: () => undefined,
      everyMs: NEVER_MS,
    })
    const note = (atMs: number) =>
      metricsBuffer.decided({ atMs, recipient: 'user@yours.example', action: 'drop', isObserved: false })
    metricsBuffer.count(COUNTED.inspected)
    metricsBuffer.hit('one', 5)
    metricsBuffer.onlyRecipient(5, true, false)
    note(5)
    const flushed = over.flush()
    assert.equal(over.flush(), flushed, 'one flush at a time')
    metricsBuffer.count(COUNTED.inspected, {}, 2)
    metricsBuffer.hit('one', 7)
    metricsBuffer.onlyRecipient(7, false, false)
    note(7)
    await flushed
    assert.deepEqual([taken.length, taken[0]?.sums[0]?.value], [1, 1])
    refuses = false
    await over.close()
    assert.deepEqual(taken[1], {
      sums: [{ name: COUNTED.inspected, labels: {}, value: 3 }],
      hits: [{ rule: 'one', hits: 2, lastMs: 7 }],
      decisions: [5, 7].map(atMs => ({
        atMs,
        recipient: 'user@yours.example',
        action: 'drop',
        isObserved: false,
      })),
      reloads: [],
      onlyRecipients: [{ hourMs: 0, mails: 2, besideFor: 1, notifyNever: 0 }],
    })
    assert.equal(taken.length, 2)
  })

  it('that come during the last flush are flushed too', async () => {
    const metricsBuffer = new MetricsBuffer()
    const values: number[] = []
    const add = async ({ sums }: Counted) => {
      values.push(...sums.map(({ value }) => value))
      await setImmediate()
    }
    const open = () => Promise.resolve({ add, close: () => undefined })
    const over = startMetricsFlush({ metricsBuffer, open, log: () => undefined, everyMs: NEVER_MS })
    metricsBuffer.count(COUNTED.inspected)
    void over.flush()
    metricsBuffer.count(COUNTED.inspected, {}, 2)
    await over.close()
    assert.deepEqual(values, [1, 2])
  })

  it('are flushed regularly, and a last time at the end', async () => {
    const { metricsBuffer, over, taken } = metricsFlush(5)
    metricsBuffer.count(COUNTED.inspected)
    await until(() => taken.length === 1, { what: 'the first handing over' })
    metricsBuffer.count(COUNTED.inspected)
    void over.close()
    assert.equal(taken.length, 2)
  })
})

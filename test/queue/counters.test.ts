// Counts in the queue file: of several processes, in bounds, and all or nothing.

import assert from 'node:assert/strict'
import {
  COUNTED,
  type Counted,
  type CounterStore,
  type DecisionNote,
  MOST_SETS,
  RECENT_DECISIONS,
} from '../../src/queue/counters'
import type { QueueReader } from '../../src/queue/operator'
import { forEachEngine, type Store } from './engines'

const NOTHING: Counted = { sums: [], hits: [], decisions: [], reloads: [], onlyRecipients: [] }

forEachEngine('counts', makeStore => {
  let store: Store
  let one: CounterStore
  let other: CounterStore
  let reader: QueueReader

  beforeEach(async () => {
    store = await makeStore()
    one = await store.counters()
    other = await store.counters()
    reader = await store.reader()
  })
  afterEach(() => store.remove())

  const sums = () => reader.sums()
  const reload = async () =>
    (await reader.stats({ ms: 0, monoMs: 0 }, { spacingMs: 1, forecastMs: 1, marginMs: 0 })).reload

  it('of several processes add up, to the last fraction', async () => {
    const labels = { region: 'eu-west-1' }
    await one.add({ ...NOTHING, sums: [{ name: COUNTED.callSum, labels, value: 0.25 }] })
    await other.add({ ...NOTHING, sums: [{ name: COUNTED.callSum, labels, value: 1.5 }] })
    assert.deepEqual(await sums(), [{ name: COUNTED.callSum, labels, value: 1.75 }])
  })

  it('have so many sets of labels a name: rules and regions beyond count as other', async () => {
    for (let n = 0; n < MOST_SETS + 30; n += 103) {
      const sums = Array.from({ length: 103 }, (_, k) => ({
        name: COUNTED.decisions,
        labels: { action: 'drop', rule: `rule ${n + k}` },
        value: 1,
      }))
      const hits = sums.map(({ labels }) => ({ rule: labels.rule, hits: 2, lastMs: n }))
      await one.add({ ...NOTHING, sums, hits })
    }
    assert.equal((await sums()).length, MOST_SETS + 1)
    assert.equal((await sums()).find(({ labels }) => labels['rule'] === 'other')?.value, 30)
    assert.equal((await sums()).find(({ labels }) => labels['rule'] === 'rule 7')?.value, 1)
    assert.equal((await reader.ruleHits()).length, MOST_SETS + 1)
    assert.deepEqual((await reader.ruleHits())[0], { rule: 'other', hits: 60, lastMs: 927 })
  })

  it('know the hits of a rule and the latest of them, in any order of flushes', async () => {
    await one.add({ ...NOTHING, hits: [{ rule: 'programs', hits: 2, lastMs: 900 }] })
    await other.add({ ...NOTHING, hits: [{ rule: 'programs', hits: 1, lastMs: 500 }] })
    assert.deepEqual(await reader.ruleHits(), [{ rule: 'programs', hits: 3, lastMs: 900 }])
  })

  it('keep the latest decisions, the latest first, and none of them endless', async () => {
    const note = (atMs: number, more: Partial<DecisionNote> = {}): DecisionNote => ({
      atMs,
      recipient: 'user@yours.example',
      action: 'accept',
      isObserved: false,
      ...more,
    })
    const many = (fromMs: number) => Array.from({ length: 150 }, (_, n) => note(fromMs + n))
    await one.add({ ...NOTHING, decisions: many(0) })
    const endless = 'x'.repeat(9000)
    const whole: DecisionNote = {
      atMs: 5000,
      sesId: 'mail1',
      sender: '',
      recipient: 'anna@yours.example',
      rule: 'programs',
      action: 'quarantine',
      reason: 'unsafe',
      detail: 'null sender',
      isObserved: true,
    }
    await other.add({
      ...NOTHING,
      decisions: [...many(1000), whole, note(6000, { recipient: endless, sender: endless, detail: endless })],
    })
    const [last] = await reader.decisions()
    for (const text of [last?.recipient, last?.sender, last?.detail]) assert.equal(text?.length, 512)
    const found = await reader.decisions()
    assert.equal(found.length, RECENT_DECISIONS)
    assert.deepEqual(found[1], whole)
    assert.deepEqual(found[2], note(1149))
  })

  it('know whether the last reload was refused and why, and keep that when it is fixed', async () => {
    assert.deepEqual(await reload(), { isRefused: false })
    const refused = { atMs: 200, errors: ['ses-bounce-rules.ini:2: no'] }
    const first = { atMs: 100, state: 'first', errors: [] }
    const broken = { ...refused, state: 'broken' }
    await one.add({ ...NOTHING, reloads: [first, broken] })
    assert.deepEqual(await reload(), { takenMs: 100, refused, isRefused: true })
    await one.add({ ...NOTHING, reloads: [{ atMs: 300, state: 'mended', errors: [] }] })
    assert.deepEqual(await reload(), { takenMs: 300, refused, isRefused: false })
    // a process that is late with what it has read
    await other.add({ ...NOTHING, reloads: [first, broken].map(reload => ({ ...reload, atMs: 400 })) })
    await other.add({ ...NOTHING, reloads: [{ atMs: 9000, state: 'mended', errors: [] }] })
    assert.deepEqual(await reload(), { takenMs: 300, refused, isRefused: false })
    assert.deepEqual(
      (await sums()).map(({ name, labels, value }) => [name, labels, value]),
      [
        [COUNTED.reloads, { result: 'refused' }, 1],
        [COUNTED.reloads, { result: 'taken' }, 2],
      ],
    )
  })

  it('know that a reload is refused whose files were like that before, and that they are again as they were', async () => {
    const without = { state: 'without the list', errors: ['ses-bounce-rules.ini:2: no'] }
    const good = { state: 'as at the start', errors: [] }
    const states = [good, without, good, without, good]
    for (const [index, read] of states.entries()) {
      // all workers say it, one after the other
      for (const [store, lateMs] of [
        [one, 0],
        [other, 900],
      ] as const)
        await store.add({ ...NOTHING, reloads: [{ ...read, atMs: index * 10_000 + lateMs }] })
      assert.equal((await reload()).isRefused, read === without, `${index}`)
    }
    assert.deepEqual(
      (await sums()).map(({ labels, value }) => [labels['result'], value]),
      [
        ['refused', 2],
        ['taken', 3],
      ],
    )
  })
})

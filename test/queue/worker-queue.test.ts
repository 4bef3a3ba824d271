import assert from 'node:assert/strict'
import type { Cap } from '../../src/policy/decision'
import type { Submitted } from '../../src/queue/job'
import type { WorkerQueue } from '../../src/queue/store'
import { ahead, allOf, counted, inTurn, known, silentMs, takeLead } from './any-engine'
import { forEachEngine, type Store } from './engines'
import { HOUR_MS, request } from './support'

forEachEngine('the side of workers', makeStore => {
  let store: Store
  let queue: WorkerQueue

  beforeEach(async () => {
    store = await makeStore()
    queue = await store.worker()
  })
  afterEach(() => store.remove())

  async function jobs() {
    return allOf((await store.reader()).jobs())
  }

  it('keeps what was added, with its history, for another process to read', async () => {
    const [added] = await queue.add([request({ sesId: 'a', explanation: 'No.' })], 5)
    assert.equal(added?.outcome, 'added')
    const [job] = await jobs()
    assert.equal(job?.id, added?.jobId)
    assert.equal(job?.state, 'queued')
    assert.equal(job?.explanation, 'No.')
    assert.equal(job?.createdAtMs, 5)
    assert.deepEqual(
      job?.recipients.map(recipient => recipient.address),
      ['user@yours.example'],
    )
    const reader = await store.reader()
    assert.deepEqual(
      (await reader.history(job?.id ?? '')).map(event => event.what),
      ['queued'],
    )
    await reader.close()
  })

  it('puts recipients of one mail into one job while region, bounce sender and explanation agree', async () => {
    const first = request({ sesId: 'a' })
    await queue.add([first], 0)
    const outcomes = [
      await queue.add([request({ sesId: 'a', recipient: { address: 'other@yours.example' } })], 1),
      await queue.add(
        [request({ sesId: 'a', explanation: 'Why', recipient: { address: 'third@yours.example' } })],
        2,
      ),
      await queue.add(
        [request({ sesId: 'a', bounceSender: 'x@yours.example', recipient: { address: '4@yours.example' } })],
        3,
      ),
      await queue.add(
        [request({ sesId: 'a', region: 'us-east-1', recipient: { address: '5@yours.example' } })],
        4,
      ),
      await queue.add([request({ sesId: 'b', recipient: { address: 'other@yours.example' } })], 5),
    ].map(([added]) => added?.outcome)
    assert.deepEqual(outcomes, ['joined', 'added', 'added', 'added', 'added'])
    assert.equal(
      (await jobs()).find(job => job.recipients.length === 2)?.recipients[1]?.address,
      'other@yours.example',
    )
  })

  it('never adds the same recipient of a mail twice, however its address is written', async () => {
    const [added] = await queue.add(
      [request({ sesId: 'a', recipient: { address: 'User@Yours.Example' } })],
      0,
    )
    const [again] = await queue.add(
      [request({ sesId: 'a', recipient: { address: '"user"@yours.example' } })],
      1,
    )
    assert.deepEqual(again, {
      address: '"user"@yours.example',
      jobId: added?.jobId,
      outcome: 'known',
      state: 'queued',
      rule: 'unknown-mailbox',
      createdAtMs: 0,
    })
    assert.equal((await known(queue, 'a')).get('user@yours.example')?.jobId, added?.jobId)
    assert.equal((await jobs()).length, 1)
  })

  it('adds nothing of a mail when the bounce of a recipient has ended meanwhile', async () => {
    await queue.add([request({ sesId: 'a', deadlineMs: 10 })], 0)
    const dispatcher = await store.dispatcher()
    await takeLead(dispatcher)
    assert.equal((await dispatcher.expire('eu-west-1', 1000, 0)).length, 1)
    await dispatcher.close()
    assert.equal((await known(queue, 'a')).get('user@yours.example')?.state, 'expired')
    const fresh = request({ sesId: 'a', recipient: { address: 'new@yours.example' } })
    const results = await queue.add([fresh, request({ sesId: 'a' })], 2000)
    assert.deepEqual(
      results.map(({ outcome, jobId, state }) => [outcome, jobId !== undefined, state]),
      [
        ['added', false, undefined],
        ['ended', true, 'expired'],
      ],
    )
    assert.equal((await jobs()).length, 1)
  })

  describe('with a cap', () => {
    const DAY_MS = 24 * HOUR_MS
    const perSender = (count: number): Cap => ({
      by: 'sender',
      key: 'sender@origin.example',
      rate: { count, perMs: DAY_MS },
    })
    const outcomes = (results: readonly Submitted[]) => results.map(({ outcome }) => outcome)

    it('counts jobs of a sender and a domain and recipients of a rule, over a window that slides', async () => {
      const rate = { count: 10, perMs: DAY_MS }
      const counts = (nowMs: number) =>
        inTurn(
          [
            ['sender', 'sender@origin.example'],
            ['domain', 'origin.example'],
            ['rule', 'unknown-mailbox'],
          ] as const,
          ([by, key]) => counted(queue, { by, key, rate }, nowMs),
        )
      await queue.add(
        [request({ sesId: 'a' }), request({ sesId: 'a', recipient: { address: 'second@yours.example' } })],
        1000,
      )
      await queue.add([request({ sender: 'prvs=0123=sender@origin.example' })], 2000)
      await queue.add([request({ sender: 'other@origin.example', rule: 'other' })], 3000)
      assert.deepEqual(await counts(4000), [2, 3, 3])
      assert.deepEqual(await counts(1000 + DAY_MS), [1, 2, 1])
      assert.deepEqual(await counts(3000 + DAY_MS), [0, 0, 0])
      assert.equal(await counted(queue, perSender(1), 4000), 1, 'not further than the cap')
    })

    it('adds nothing of a mail over a cap, whichever worker was faster', async () => {
      const other = await store.worker()
      await queue.add([request({ caps: [perSender(2)] })], 0)
      await other.add([request({ caps: [perSender(2)] })], 0)
      assert.deepEqual(outcomes(await queue.add([request({ caps: [perSender(2)] })], 1)), ['capped'])
      await other.close()
      assert.equal((await jobs()).length, 2)
      assert.equal((await queue.add([request({ caps: [perSender(2)] })], DAY_MS))[0]?.outcome, 'added')
    })

    it('lets recipients join a call that is counted, and counts each for the rule', async () => {
      const cap: Cap = { by: 'rule', key: 'unknown-mailbox', rate: { count: 2, perMs: DAY_MS } }
      const to = (address: string, caps: Cap[]) => request({ sesId: 'a', recipient: { address }, caps })
      await queue.add(
        [to('a@yours.example', [perSender(1), cap]), to('b@yours.example', [perSender(1), cap])],
        0,
      )
      assert.deepEqual(outcomes(await queue.add([to('c@yours.example', [cap])], 0)), ['capped'])
      assert.equal((await jobs())[0]?.recipients.length, 2)
    })
  })

  it('counts the jobs that go before a deadline, per region, and knows when its last call starts', async () => {
    for (const hours of [1, 2, 3]) await queue.add([request({ deadlineMs: hours * HOUR_MS })], 0)
    await queue.add([request({ region: 'us-east-1' })], 0)
    assert.deepEqual(await ahead(queue, 'eu-west-1', 2 * HOUR_MS, 7), {
      jobs: 2,
      laterMs: 3 * HOUR_MS,
      spacingMs: 0,
      sinceLastStartMs: Infinity,
    })
    assert.equal((await ahead(queue, 'us-east-1', 2 * HOUR_MS, 7)).jobs, 0)
    const dispatcher = await store.dispatcher()
    await takeLead(dispatcher)
    await dispatcher.claim(
      'eu-west-1',
      { ms: 50, monoMs: 50 },
      { spacingMs: 9, notBeforeMonoMs: 60, longestPauseMs: 0 },
    )
    await dispatcher.close()
    assert.deepEqual(await ahead(queue, 'eu-west-1', 2 * HOUR_MS, 7), {
      jobs: 1,
      laterMs: 3 * HOUR_MS,
      spacingMs: 0,
      sinceLastStartMs: -53,
    })
  })

  it('knows for how long there was no dispatcher heartbeat, also after its end', async () => {
    assert.equal(await silentMs(queue, 99), Infinity)
    const dispatcher = await store.dispatcher()
    await takeLead(dispatcher, 5)
    await dispatcher.heartbeat(70)
    await dispatcher.giveUpLead()
    await dispatcher.close()
    assert.equal(await silentMs(queue, 99), 29)
  })
})

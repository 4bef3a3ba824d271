import assert from 'node:assert/strict'
import { takeLead } from './any-engine'
import { forEachEngine, type Store } from './engines'
import { request } from './support'

const SPACING = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: 60_000 }

forEachEngine('a view of the queue', makeStore => {
  let store: Store
  beforeEach(async () => {
    store = await makeStore()
  })
  afterEach(() => store.remove())

  async function regions(): Promise<string[]> {
    return (await store.reader()).regions()
  }

  it('names the regions of jobs and of calls, once each, in the order of their names', async () => {
    const worker = await store.worker()
    assert.deepEqual(await regions(), [])
    const queue = await store.dispatcher()
    try {
      await takeLead(queue)
      await worker.add([request({ region: 'us-east-1' }), request({ region: 'eu-west-1' })], 0)
      assert.deepEqual(await regions(), ['eu-west-1', 'us-east-1'])
      const claim = await queue.claim('us-east-1', { ms: 1, monoMs: 1 }, SPACING)
      assert.ok(claim)
      await queue.begin(claim, { ms: 2, monoMs: 2 })
      await queue.settle(claim, { state: 'sent', messageId: 'm', detail: 'd' }, { ms: 3, seenMonoMs: 3 })
      assert.equal(await queue.prune(1000), 1)
      assert.deepEqual(await regions(), ['eu-west-1', 'us-east-1'])
    } finally {
      await queue.close()
      await worker.close()
    }
  })
})

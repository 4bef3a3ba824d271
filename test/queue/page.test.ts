// Pages of a long queue: what they hold, that they stay in step while jobs come and go, and that they look at few jobs.

import assert from 'node:assert/strict'
import { JOB_STATES } from '../../src/queue/job'
import type { JobQuery, OperatorQueue } from '../../src/queue/operator'
import { allOf } from './any-engine'
import { forEachEngine, type Store } from './engines'
import type { PlainJob } from './store'
import { request } from './support'

const JOBS = 12_000
/** No engine looks at more jobs than these for a page. */
const MOST_LOOKED_AT = 5000

forEachEngine('pages of the queue', makeStore => {
  let store: Store
  let operator: OperatorQueue
  let stored: PlainJob[]
  before(async () => {
    stored = Array.from({ length: JOBS }, (_, index) => jobAt(index + 1))
    store = await makeStore()
    await store.put(stored)
    operator = await store.operator()
  })
  after(() => store.remove())

  /** All that a filter finds, page by page; the pages too. */
  async function all(filter: JobQuery, limit = 100): Promise<{ ids: string[]; pages: number }> {
    const ids: string[] = []
    let before: number | undefined
    for (let pages = 1; ; pages++) {
      const page = { ...filter, limit, ...(before !== undefined && { before }) }
      const { jobs, next } = await operator.page(page)
      assert.ok(jobs.length <= limit)
      ids.push(...jobs.map(({ id }) => id))
      if (next === undefined) return { ids, pages }
      assert.ok(before === undefined || next < before, 'a page ends before the one before it')
      before = next
    }
  }

  it('hold each job once, newest first, and nothing else than what is asked for', async () => {
    const cases: [filter: JobQuery, isMeant: (job: PlainJob, n: number) => boolean][] = [
      [{}, () => true],
      [{ states: ['held'] }, ({ state }) => state === 'held'],
      [{ region: 'eu-west-1' }, ({ region }) => region === 'eu-west-1'],
      [
        { region: 'us-east-1', states: ['sent'] },
        ({ region, state }) => region === 'us-east-1' && state === 'sent',
      ],
      [{ region: 'nowhere-1' }, () => false],
      [{ sesId: 'mail777' }, ({ sesId }) => sesId === 'mail777'],
      [{ sesId: 'mail777', states: ['held'] }, ({ sesId, state }) => sesId === 'mail777' && state === 'held'],
      [{ recipient: 'USER777@yours.example' }, ({ sesId }) => sesId === 'mail777'],
      [{ sender: 'Rare@origin.example' }, ({ sender }) => sender === 'rare@origin.example'],
      [{ sender: 'rare+tag@origin.example' }, () => false],
      [{ sender: 'often@origin.example' }, ({ sender }) => sender === 'often@origin.example'],
      [{ sender: '@Elsewhere.example' }, ({ sender }) => sender === 'split@elsewhere.example'],
      [{ sender: 'split@elsewhere.example' }, ({ sender }) => sender === 'split@elsewhere.example'],
      [{ sender: 'bounces@provider.example' }, ({ sender }) => sender === 'bounces@provider.example'],
      [{ sender: 'bounces@provider.example', sesId: 'mail3' }, (_, n) => n === 3],
      [{ sender: 'bounces@provider.exampl' }, () => false],
      [{ rule: 'seldom' }, (_, n) => n % 5000 === 0],
      [
        { rule: 'seldom', sender: 'often@origin.example', states: ['sent', 'held'] },
        (_, n) => n % 5000 === 0,
      ],
      [{ rule: 'seldom', sender: 'rare@origin.example' }, () => false],
    ]
    for (const [filter, isMeant] of cases) {
      const expected = stored.filter((job, index) => isMeant(job, index + 1)).map(({ id }) => id)
      assert.deepEqual((await all(filter, 200)).ids, expected.toReversed(), JSON.stringify(filter))
    }
  })

  it('are few if an index fits the filter, and as many as needed if not', async () => {
    const few: JobQuery[] = [
      { states: ['cancelled'] },
      { sesId: 'mail777' },
      { recipient: 'user777@yours.example' },
      { sender: 'rare@origin.example' },
      { sender: 'bounces@provider.example' },
    ]
    for (const filter of few) assert.equal((await all(filter)).pages, 1, JSON.stringify(filter))
    const { ids, pages } = await all({ region: 'nowhere-1' })
    assert.equal(ids.length, 0)
    assert.ok(pages >= Math.floor(JOBS / MOST_LOOKED_AT) + 1, `${pages} pages`)
  })

  it('a list by rule and sender takes about as long as a list of all jobs', async () => {
    const cpuMsOf = async (query: JobQuery) => {
      const start = process.cpuUsage()
      const { length } = await allOf(operator.jobs({ ...query, limit: 1 }))
      const { user, system } = process.cpuUsage(start)
      return { length, ms: (user + system) / 1000 }
    }
    await cpuMsOf({})
    const plain = await cpuMsOf({})
    for (const query of [{ rule: 'usual' }, { rule: 'usual', sender: '@origin.example' }]) {
      const { length, ms } = await cpuMsOf(query)
      assert.equal(length, 1)
      // a second index that holds nearly all jobs, read for each of them, takes hundreds of times as long
      assert.ok(ms < 20 * Math.max(plain.ms, 10), `${ms} ms, and ${plain.ms} ms for all`)
    }
  })

  it('go on where they were, whatever comes and goes meanwhile', async () => {
    const first = await operator.page({ limit: 3 })
    const last = first.jobs.at(-1)
    const worker = await store.worker()
    const [came] = await worker.add([request({ sesId: 'came-meanwhile' })], 0)
    await store.drop(last?.id ?? '')
    const second = await operator.page({
      limit: 3,
      ...(first.next !== undefined && { before: first.next }),
    })
    assert.deepEqual(
      second.jobs.map(({ id }) => id),
      [3, 4, 5].map(back => `job${JOBS - back}`),
    )
    await store.drop(came?.jobId ?? '')
  })
})

/** Two regions, all states, senders that are rare, frequent, a provider of many firms, and (as of a split) don't count. */
function jobAt(n: number): PlainJob {
  const [sender, senderKey] = SENDERS[n % 4000] ?? ['often@origin.example', 'often@origin.example']
  return {
    id: `job${n}`,
    state: (n % 97 === 0 && JOB_STATES[n % JOB_STATES.length]) || 'sent',
    region: n % 3 === 0 ? 'us-east-1' : 'eu-west-1',
    sesId: `mail${n}`,
    sender,
    senderKey: senderKey.replace('#', String(n)),
    recipient: `user${n}@yours.example`,
    rule: n % 5000 === 0 ? 'seldom' : 'usual',
  }
}

/** Sender and key, by the number's rest. */
const SENDERS: Readonly<Record<number, [sender: string, key: string]>> = {
  1: ['rare@origin.example', 'rare@origin.example'],
  2: ['split@elsewhere.example', ''],
  3: ['bounces@provider.example', 'bounces@provider.example firm#.example'],
  4: ['bounces@provider.example', 'bounces@provider.example'],
}

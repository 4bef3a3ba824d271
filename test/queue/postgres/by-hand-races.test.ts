// Operators on several hosts who change the same queue by hand at the same time.

import assert from 'node:assert/strict'
import type { PostgresConnection } from '../../../src/queue/postgres/connection'
import { operatorQueueOf } from '../../../src/queue/postgres/operator-queue'
import { byHand } from '../by-hand-calls'
import { request } from '../support'
import { insertJobs, preparedSchema, type TestSchema } from './support'

const HOSTS = 8
const PACE = { spacingMs: 1000, forecastMs: 1000, marginMs: 0 }
const NOW_MS = 1_000_000

describe('changes by hand from several hosts at once', () => {
  let queue: TestSchema
  let first: PostgresConnection
  let connections: PostgresConnection[]

  beforeEach(async () => {
    queue = await preparedSchema()
    first = queue.connect()
    connections = [first, ...Array.from({ length: HOSTS - 1 }, () => queue.connect())]
  })
  afterEach(async () => {
    for (const one of connections) await one.close()
    await queue.remove()
  })

  const operators = () =>
    connections.map(one => operatorQueueOf(one, { home: '', host: 'web' }, undefined as never))

  it('change a job once, and the others are told what it is already', async () => {
    const [id = ''] = await insertJobs(first, [request({ deadlineMs: NOW_MS + 60_000 })])
    const answers = await Promise.all(operators().map(async one => byHand(one).hold(id, NOW_MS)))
    const done = answers.filter(answer => 'value' in answer)
    assert.equal(done.length, 1)
    for (const answer of answers) if ('fault' in answer) assert.equal(answer.fault, 'it is held already')
    const history = await operators()[0]?.history(id)
    assert.deepEqual(
      history?.map(({ what }) => what),
      ['by hand'],
    )
  })

  it('queue no more jobs again than can start in time', async () => {
    const room = 3
    const jobs = Array.from({ length: HOSTS }, () => request({ deadlineMs: NOW_MS + room * 1000 - 1000 }))
    const ids = await insertJobs(first, jobs)
    const [one] = operators()
    assert.ok(one)
    for (const id of ids) await byHand(one).hold(id, NOW_MS)
    const answers = await Promise.all(
      operators().map(async (one, index) => byHand(one).retry(ids[index] ?? '', NOW_MS, PACE)),
    )
    assert.equal(answers.filter(answer => 'value' in answer).length, room)
    for (const answer of answers)
      if ('fault' in answer) assert.match(answer.fault, /it can't start in time: 3 go before it/)
  })
})

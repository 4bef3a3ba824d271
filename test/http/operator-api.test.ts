// The audit and the flush in the API.

import assert from 'node:assert/strict'
import { MOST_CHANGED } from '../../src/queue/operator'
import { Database } from '../../src/queue/sqlite/database'
import { addJob, HOUR_MS, request } from '../queue/support'
import { type Api, NOW_MS, startApi, submission } from './api-support'

const OPS = 'token-of-the-operators'
const READS = 'token-that-may-only-read'
const as = (token: string) => ({ Authorization: `Bearer ${token}` })

describe('the API for those who operate', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
    api.configure('', undefined, undefined, `token.ops = ${OPS}\nrole.ops = operate\ntoken.reads = ${READS}`)
  })
  afterEach(() => api.close())

  /** Its call was made, and it waits an hour for the next one. */
  function waits(region = 'eu-west-1'): string {
    const times = { receivedAtMs: NOW_MS, deadlineMs: NOW_MS + 10 * HOUR_MS }
    const id = addJob(api.queue, request({ region, ...times }), NOW_MS).jobId
    const now = { ms: NOW_MS, monoMs: api.clock.monoMs }
    const spacing = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 2 * HOUR_MS }
    const claim = api.dispatcher.claim(region, now, spacing)
    assert.equal(claim?.job.id, id)
    api.dispatcher.begin(claim, now)
    const effect = { state: 'queued', what: 'retry', detail: '503', notBeforeMs: NOW_MS + HOUR_MS } as const
    api.dispatcher.settle(claim, effect, { ms: NOW_MS, seenMonoMs: now.monoMs })
    return id
  }

  const flush = (body: unknown, token = OPS) => api.ask('POST', '/v1/flush', body, as(token))
  const audit = async (query = '') => {
    const { status, data } = await api.ask('GET', `/v1/audit${query}`, undefined, as(READS))
    assert.equal(status, 200)
    return data as { entries: Record<string, unknown>[]; next_cursor: string | null }
  }

  it('has jobs tried now, in one region or in all, and wakes the dispatcher', async () => {
    const [eu, us] = [waits(), waits('us-east-1')]
    const reason = 'SES <b>is</b> back'
    const first = await flush({ region: 'us-east-1', reason })
    assert.deepEqual([first.status, first.data], [200, { jobs: 1, refused: 0, is_done: true }])
    assert.deepEqual([api.operator.job(us)?.notBeforeMs, api.wakes], [0, 1])
    assert.equal((await flush({})).data['jobs'], 1)
    assert.equal(api.operator.job(eu)?.notBeforeMs, 0)
    assert.equal((await flush({})).data['jobs'], 0)
    assert.equal(api.wakes, 2)
    const { entries } = await audit('?action=flush')
    assert.deepEqual(
      entries.map(({ who, via, target, reason: why, count }) => [who, via, target, why, count]),
      [
        ['ops', 'api', 'every region', undefined, 1],
        ['ops', 'api', 'us-east-1', reason, 1],
      ],
    )
    assert.ok(
      api.log.some(line => line.includes('flushed="every region" jobs=1 by=ops')),
      api.log.join('\n'),
    )
  })

  it('says that more jobs wait than one request may change', async () => {
    const all = MOST_CHANGED * 20 + 1
    const times = { receivedAtMs: NOW_MS, deadlineMs: NOW_MS + 10 * HOUR_MS }
    api.operator.flush(undefined, NOW_MS)
    for (let n = 0; n < all; n++) api.queue.add([request({ ...times })], NOW_MS)
    const database = new Database(api.file, { busyMs: 0, create: false })
    database.run('UPDATE job SET not_before_ms = ?', NOW_MS + HOUR_MS)
    database.close()
    assert.deepEqual((await flush({})).data, { jobs: all - 1, refused: 0, is_done: false })
    assert.deepEqual((await flush({})).data, { jobs: 1, refused: 0, is_done: true })
  })

  it('refuses a flush that is wrong, and one with a token that may only read', async () => {
    waits()
    assert.deepEqual((await flush({ region: 'nowhere' })).details, [
      'region: there is no such region in the queue',
    ])
    assert.match((await flush({ regoin: 'eu-west-1' })).details[0] ?? '', /did you mean "region"/)
    assert.equal((await flush({}, READS)).status, 403)
    assert.equal((await api.ask('GET', '/v1/flush', undefined, as(OPS))).status, 405)
    assert.equal((await audit()).entries.length, 0)
  })

  it('shows what was done by hand a page at a time, by action, name, way and time', async () => {
    const ids = [waits(), waits(), waits()]
    for (const id of ids) {
      api.clock.ms += 1000
      assert.equal((await api.ask('DELETE', `/v1/bounces/${id}`, undefined, as(OPS))).status, 200)
    }
    const targets = (page: Awaited<ReturnType<typeof audit>>) => page.entries.map(({ target }) => target)
    const first = await audit('?limit=2')
    assert.deepEqual(targets(first), [`job ${ids[2]}`, `job ${ids[1]}`])
    const second = await audit(`?limit=2&cursor=${first.next_cursor}`)
    assert.deepEqual([targets(second), second.next_cursor], [[`job ${ids[0]}`], null])
    assert.deepEqual(first.entries[0], {
      id: first.entries[0]?.['id'],
      at: '2025-01-01T12:00:03Z',
      who: 'ops',
      via: 'api',
      host: first.entries[0]?.['host'],
      action: 'cancel',
      target: `job ${ids[2]}`,
      count: 1,
    })
    assert.equal((await audit('?who=OP&action=cancel&via=api')).entries.length, 3)
    assert.equal((await audit('?who=anna')).entries.length, 0)
    assert.equal((await audit('?since=2025-01-01T12:00:02Z&until=2025-01-01T12:00:03Z')).entries.length, 1)
    const wrong = await api.ask('GET', '/v1/audit?action=look&since=now&limt=1', undefined, as(READS))
    assert.equal(wrong.status, 400)
    assert.equal(wrong.details.length, 3)
  })

  it('lists bounces by their reason and the time of their last change', async () => {
    const id = waits()
    const found = async (query: string) =>
      ((await api.ask('GET', `/v1/bounces?${query}`)).data['bounces'] as { id: string }[]).map(one => one.id)
    assert.deepEqual(await found('reason=503'), [id])
    assert.deepEqual(await found('reason=504'), [])
    assert.deepEqual(await found('since=2025-01-01T12:00:00Z'), [id])
    assert.deepEqual(await found('until=2025-01-01T12:00:00Z'), [])
  })

  it('notes a submission in the audit, with the number of its recipients', async () => {
    const order = submission()
    assert.equal((await api.ask('POST', '/v1/bounces', order, as(OPS))).status, 202)
    assert.equal((await api.ask('POST', '/v1/bounces', order, as(OPS))).status, 200)
    assert.deepEqual(
      (await audit()).entries.map(({ who, action, target, count }) => [who, action, target, count]),
      [['ops', 'submit', `mail ${String(order['original_message_id'])}`, 1]],
    )
  })
})

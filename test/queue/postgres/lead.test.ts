import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { QueueError } from '../../../src/errors'
import { type LeaseOwner, thisProcess } from '../../../src/queue/lease-owner'
import type { PostgresConnection } from '../../../src/queue/postgres/connection'
import type { PostgresDispatcherQueue } from '../../../src/queue/postgres/dispatcher-queue'
import type { Claim } from '../../../src/queue/store'
import { until } from '../../live/support/wait'
import { HOUR_MS, LEAD, request } from '../support'
import { insertJobs, preparedSchema, type TestSchema } from './support'

const SPACING = { spacingMs: 1005, notBeforeMonoMs: 0, longestPauseMs: 600_000 }
const REGION = 'eu-west-1'
const { staleMs: STALE_MS } = LEAD
const SENT = { state: 'sent', messageId: 'm', detail: 'made' } as const

const at = (ms: number) => ({ ms, monoMs: ms })

async function faultOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (error instanceof QueueError) return `${error.code} ${error.message}`
    throw error
  }
  return 'no error'
}

describe('the lead among hosts', () => {
  let schema: TestSchema
  let connection: PostgresConnection
  let first: PostgresDispatcherQueue
  let second: PostgresDispatcherQueue

  beforeEach(async () => {
    schema = await preparedSchema()
    connection = schema.connect()
    first = schema.dispatcher({ host: 'web-1' })
    second = schema.dispatcher({ host: 'web-2' })
  })
  afterEach(async () => {
    await Promise.all([first, second, connection].map(one => one.close()))
    await schema.remove()
  })

  const takes = async (queue: PostgresDispatcherQueue, ms: number, limits: object = {}) =>
    queue.takeLead(() => at(ms), { ...LEAD, ...limits })
  const jobRow = async (id: string) =>
    (await connection.rows(`SELECT * FROM ${connection.schema}.job WHERE id = $1`, [id]))[0] ?? {}
  const history = async (id: string) =>
    (
      await connection.rows(
        `SELECT what FROM ${connection.schema}.event JOIN ${connection.schema}.job ON seq = job WHERE id = $1 ORDER BY number`,
        [id],
      )
    ).map(row => row['what'])
  const add = async (changes: Parameters<typeof request>[0] = {}) =>
    (await insertJobs(connection, [request(changes)]))[0] ?? ''

  async function called(queue: PostgresDispatcherQueue, ms: number): Promise<Claim> {
    const claim = await queue.claim(REGION, at(ms), SPACING)
    assert.ok(claim)
    await queue.begin(claim, at(ms))
    return claim
  }

  it('is taken by one dispatcher, and the others are told its host', async () => {
    assert.equal((await takes(first, 0))?.term, 1)
    assert.equal(await takes(second, 0), undefined)
    const { host, term, askAgainMs = 0 } = second.leaderElsewhere() ?? {}
    assert.deepEqual({ host, term }, { host: 'web-1', term: 1 })
    assert.ok(askAgainMs >= 800 && askAgainMs <= 1200, `${askAgainMs} ms`)
  })

  it('is taken at once when it was given up', async () => {
    await takes(first, 0)
    await first.giveUpLead()
    assert.equal((await takes(second, 1))?.term, 2)
    assert.equal(await faultOf(first.heartbeat(2)), 'QUEUE_LOCK_LOST lost the lead: term 2 is of web-2')
  })

  it('goes to one of those that find it silent at the same time', async () => {
    await takes(first, 0)
    const others = Array.from({ length: 5 }, () => schema.dispatcher())
    for (const ms of [0, STALE_MS - 1])
      for (const one of others) assert.equal(await takes(one, ms), undefined)
    const terms = await Promise.all(others.map(async one => (await takes(one, STALE_MS))?.term))
    assert.deepEqual(
      terms.filter(term => term !== undefined),
      [2],
    )
    for (const [n, one] of others.entries())
      assert.equal(one.leaderElsewhere()?.term, terms[n] === undefined ? 2 : undefined)
    await Promise.all(others.map(one => one.close()))
  })

  it('is lost by silence alone, counted from the answer that showed the last heartbeat first', async () => {
    await takes(first, 0)
    // whatever their clocks say
    const ahead = 3_600_000
    assert.equal(await takes(second, ahead), undefined)
    await first.heartbeat(1000)
    assert.equal(await takes(second, ahead + STALE_MS), undefined)
    assert.equal(await takes(second, ahead + 2 * STALE_MS - 1), undefined)
    assert.ok((second.leaderElsewhere()?.askAgainMs ?? 0) <= 1, 'it looks when the time is over')
    assert.equal((await takes(second, ahead + 2 * STALE_MS))?.term, 2)
  })

  it('is lost by a dead process of this machine at once', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    await once(child, 'spawn')
    const pid = child.pid ?? 0
    const pidStart = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? ''
    const owner: LeaseOwner = { ...thisProcess(), pid, pidStart }
    const [dies, here, elsewhere] = [
      schema.dispatcher({ owner }),
      schema.dispatcher({ owner: thisProcess() }),
      schema.dispatcher({ owner: { ...thisProcess(), bootId: 'another machine' } }),
    ]
    await takes(dies, 0)
    assert.equal(await takes(here, 1), undefined)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(await takes(elsewhere, 2), undefined)
    assert.equal((await takes(here, 2))?.term, 2)
    await Promise.all([dies, here, elsewhere].map(one => one.close()))
  })

  it('a dispatcher without it changes nothing', async () => {
    const id = await add()
    await takes(first, 0)
    const claim = await first.claim(REGION, at(1), SPACING)
    assert.ok(claim)
    await first.giveUpLead()
    await takes(second, 2)
    const lost = 'QUEUE_LOCK_LOST lost the lead: term 2 is of web-2'
    await add({ deadlineMs: 1 })
    for (const work of [
      () => first.heartbeat(3),
      () => first.claim(REGION, at(3), SPACING),
      () => first.begin(claim, at(3)),
      () => first.release(claim, 3),
      () => first.expire(REGION, 3, 0),
      () => first.prune(HOUR_MS),
      () => first.plan({ nowMs: 3, longestPauseMs: 1, forecast: { spacingMs: 99 } }),
    ])
      assert.equal(await faultOf(work()), lost)
    assert.equal((await jobRow(id))['state'], 'queued')
  })

  it('nobody takes it between the begin of a call and its record', async () => {
    const id = await add()
    await takes(first, 0)
    const claim = await first.claim(REGION, at(1), SPACING)
    assert.ok(claim)
    assert.equal(await takes(second, 0), undefined)
    await first.begin(claim, at(2))
    // the begin was a heartbeat
    assert.equal(await takes(second, STALE_MS), undefined)
    assert.equal((await takes(second, 2 * STALE_MS))?.found[0]?.id, id)
  })

  it('a job whose call had begun is tried again a minute later, and sooner if its deadline asks for it', async () => {
    const pause = { pauseMs: 60_000, marginMs: 1000 }
    for (const [deadlineMs, notBeforeMs] of [
      [HOUR_MS, 60_002],
      [41_002, 20_002],
      [900, 2],
    ] as const) {
      const id = await add({ deadlineMs })
      await takes(first, 0)
      await called(first, 1)
      await first.giveUpLead()
      const lead = await takes(second, 2, { pause })
      assert.deepEqual(
        lead?.found.map(job => [job.id, job.state, job.notBeforeMs, job.interruptions]),
        [[id, 'queued', notBeforeMs, 1]],
      )
      assert.deepEqual(await history(id), ['claimed', 'interrupted', 'retry'])
      await second.giveUpLead()
      await connection.rows(`DELETE FROM ${connection.schema}.job`)
    }
  })

  it('a job that was claimed and not called waits as before', async () => {
    const id = await add()
    await takes(first, 0)
    await first.claim(REGION, at(1), SPACING)
    await first.giveUpLead()
    const lead = await takes(second, 2, { pause: { pauseMs: 60_000, marginMs: 0 } })
    assert.deepEqual(
      lead?.found.map(job => [job.id, job.state, job.notBeforeMs, job.tries]),
      [[id, 'queued', 0, 0]],
    )
  })

  it('a dispatcher that has lost it still records what came of its call, until the job is claimed again', async () => {
    for (const isHeld of [false, true]) {
      const id = await add()
      await takes(first, 0)
      const claim = await called(first, 1)
      await first.giveUpLead()
      await takes(second, 2, { unknownTries: isHeld ? 1 : 3 })
      assert.equal((await jobRow(id))['state'], isHeld ? 'held' : 'queued')
      const settled = await first.settle(claim, SENT, { ms: 3, seenMonoMs: 3 })
      assert.equal(settled.state, 'sent')
      const { state, tries, interruptions } = await jobRow(id)
      assert.deepEqual({ state, tries, interruptions }, { state: 'sent', tries: 1, interruptions: 1 })
      await second.giveUpLead()
    }
    const id = await add()
    await takes(first, 0)
    const claim = await called(first, 1)
    await first.giveUpLead()
    await takes(second, 2)
    await called(second, 5000)
    assert.equal(
      await faultOf(first.settle(claim, SENT, { ms: 6000, seenMonoMs: 3 })),
      `QUEUE_LOCK_LOST job ${id} is no longer ours`,
    )
    assert.equal((await jobRow(id))['state'], 'sending')
  })

  it('what an operator has done to an interrupted job stays', async () => {
    const id = await add()
    await takes(first, 0)
    const claim = await called(first, 1)
    await first.giveUpLead()
    await takes(second, 2)
    const { schema: name } = connection
    await connection.rows(`UPDATE ${name}.job SET state = 'held' WHERE id = $1`, [id])
    await connection.rows(
      `INSERT INTO ${name}.event (job, at_ms, what, detail) SELECT seq, 3, 'by hand', '' FROM ${name}.job WHERE id = $1`,
      [id],
    )
    assert.match(await faultOf(first.settle(claim, SENT, { ms: 3, seenMonoMs: 3 })), /no longer ours/)
    assert.equal((await jobRow(id))['state'], 'held')
  })

  it('its taking is a full spacing before the first call of a region that has had calls', async () => {
    for (let n = 0; n < 3; n++) await add()
    await add({ region: 'us-east-1' })
    await takes(first, 0)
    await called(first, 10)
    await first.giveUpLead()
    // its monotonic clock began elsewhere
    await takes(second, 7_000_000)
    assert.equal((await second.claim(REGION, at(7_000_001), SPACING))?.startAtMonoMs, 7_001_005)
    assert.equal((await second.claim('us-east-1', at(7_000_001), SPACING))?.startAtMonoMs, 7_000_001)
  })

  it('a process that takes it again goes on with its own pace, if no other has led meanwhile', async () => {
    for (let n = 0; n < 3; n++) await add()
    await takes(first, 0)
    const claim = await called(first, 100)
    await first.settle(claim, SENT, { ms: 200, seenMonoMs: 200 })
    assert.equal((await takes(first, 900))?.term, 2)
    assert.equal((await first.claim(REGION, at(901), SPACING))?.startAtMonoMs, 1205)
  })

  it('the start of a call is on record in the time of the queue', async () => {
    await add()
    await takes(first, 0)
    const claim = await first.claim(REGION, { ms: 50_000, monoMs: 7 }, { ...SPACING, notBeforeMonoMs: 27 })
    assert.ok(claim)
    const starts = async () =>
      (await connection.rows(`SELECT last_start_ms FROM ${connection.schema}.region`))[0]?.['last_start_ms']
    assert.equal(await starts(), 50_020)
    await first.begin(claim, { ms: 50_021, monoMs: 28 })
    assert.equal(await starts(), 50_021)
    await first.settle(claim, SENT, { ms: 50_100, seenMonoMs: 60 })
    assert.equal(await starts(), 50_053)
  })

  it('a dispatcher whose time is far from that of the database goes on with the right one', async () => {
    const exact = schema.dispatcher({ mostSkewMs: 2000 })
    const wrong = { ms: Date.now() + HOUR_MS, monoMs: 0 }
    const id = await add({ deadlineMs: Date.now() + 24 * HOUR_MS })
    assert.equal((await exact.takeLead(() => wrong, LEAD))?.term, 1)
    const claim = await exact.claim(REGION, wrong, SPACING)
    assert.ok(claim)
    await exact.begin(claim, wrong)
    await exact.heartbeat(wrong.monoMs)
    const isNow = (value: unknown) => Math.abs(Number(value) - Date.now()) < 60_000
    assert.ok(isNow((await jobRow(id))['changed_ms']))
    const [leader] = await connection.rows(`SELECT beat_ms FROM ${connection.schema}.leader`)
    const [region] = await connection.rows(`SELECT last_start_ms FROM ${connection.schema}.region`)
    assert.ok(isNow(leader?.['beat_ms']) && isNow(region?.['last_start_ms']))
    await exact.close()
  })

  it('its dispatcher gets a new plan only if jobs or pauses have changed', async () => {
    await takes(first, 0)
    const question = { nowMs: 1, longestPauseMs: 1 }
    const planned = async (since: number) => (await first.plan({ ...question, since }))?.version
    const { version = -1 } = (await first.plan(question)) ?? {}
    assert.equal(await planned(version), undefined)
    await add()
    const withJob = await planned(version)
    assert.ok(withJob !== undefined && withJob !== version)
    assert.equal(await planned(withJob), undefined)
    await connection.call('set_pause_1', { region: REGION, isPaused: true, now_ms: 1 })
    const paused = await first.plan({ ...question, since: withJob })
    assert.deepEqual(paused?.pauses, [{ region: REGION, sinceMs: 1 }])
    assert.equal(paused.regions[0]?.dueMs, undefined)
    // it has another plan already
    assert.notEqual(await planned(withJob), undefined)
  })

  it('its heartbeats go on while another of its statements waits', async () => {
    await takes(first, 0)
    const id = await add()
    const claim = await called(first, 1)
    const holder = schema.connect()
    // a session that holds the turn for a while, as no part of the product does
    const held = holder.rows(
      `SELECT pg_sleep(4) FROM (SELECT 1 FROM ${holder.schema}.turn FOR UPDATE) AS turn`,
    )
    const sleeping =
      "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%turn FOR UPDATE%'"
    await until(async () => (await connection.rows(sleeping)).length > 0, { what: 'the turn to be held' })
    const order: string[] = []
    await Promise.all([
      held.then(() => order.push('the turn is free')),
      first.settle(claim, SENT, { ms: 2, seenMonoMs: 2 }).then(() => order.push('settled')),
      first.heartbeat(2).then(() => order.push('heartbeat')),
    ])
    assert.equal(order[0], 'heartbeat')
    assert.equal(order.at(-1), 'settled')
    assert.equal((await jobRow(id))['state'], 'sent')
    await holder.close()
  })
})

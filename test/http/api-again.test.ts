// Asking again with a key, and what is told of every bounce.

import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { nameOf } from '../../src/quarantine/names'
import { JOB_STATES } from '../../src/queue/job'
import { MAIL_PLACES } from '../../src/queue/mail-ledger'
import { Database } from '../../src/queue/sqlite/database'
import { request } from '../queue/support'
import { type Api, NOW_MS, startApi, submission } from './api-support'
import { bearer, TOKEN } from './support'

const HOUR_MS = 3_600_000

describe('an Idempotency-Key', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  const post = (body: unknown, key: string) =>
    api.ask('POST', '/v1/bounces', body, { 'Idempotency-Key': key })

  it('gets the first answer again, whatever has become of the bounce and the clock', async () => {
    const body = submission()
    const first = await post(body, 'one')
    await api.ask('DELETE', `/v1/bounces/${String(first.data['id'])}`)
    api.clock.ms += 30 * HOUR_MS
    const again = await post(body, 'one')
    assert.deepEqual([again.status, again.data], [first.status, first.data])
    assert.equal(again.headers.get('idempotency-replayed'), 'true')
    assert.equal(first.headers.get('idempotency-replayed'), null)
    assert.equal([...api.operator.jobs()].length, 1)
  })

  it('is refused with another body', async () => {
    await post(submission(), 'one')
    const answer = await post(submission(), 'one')
    assert.deepEqual([answer.status, answer.code], [409, 'IDEMPOTENCY_KEY_REUSED'])
  })

  it('keeps no answer that changed nothing, so that the submission can be corrected', async () => {
    assert.equal((await post(submission({ sender: '' }), 'one')).status, 400)
    assert.equal((await post(submission(), 'one')).status, 202)
  })

  it('must be one that a header can hold', async () => {
    for (const key of ['', 'a b', 'x'.repeat(256), 'ä']) {
      const answer = await post(submission(), key)
      assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'], key)
    }
  })

  it('that comes twice at once makes one bounce, with one answer', async () => {
    const body = submission()
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(body, 'one')))
    assert.equal(new Set(answers.map(({ data }) => JSON.stringify(data))).size, 1)
    assert.equal([...api.operator.jobs()].length, 1)
  })

  it('is forgotten with the ended jobs of its time, and not before', async () => {
    const body = submission()
    const { data } = await post(body, 'one')
    const recordOf = (idempotencyKey: string) => api.queue.look({ idempotencyKey, nowMs: NOW_MS }).record
    await api.ask('DELETE', `/v1/bounces/${String(data['id'])}`)
    api.dispatcher.prune(NOW_MS)
    assert.notEqual(recordOf('one'), undefined)
    api.dispatcher.prune(NOW_MS + 1)
    assert.equal(recordOf('one'), undefined)
    assert.deepEqual([...api.operator.jobs()], [])
  })
})

describe('the answer of the API about bounces', () => {
  let api: Api
  before(async () => {
    api = await startApi('[limit]\nper_sender =\n')
  })
  after(() => api.close())

  it('is all of one, with its history', async () => {
    const { data } = await api.ask('POST', '/v1/bounces', submission())
    const { status, data: job } = await api.ask('GET', `/v1/bounces/${String(data['id'])}`)
    assert.equal(status, 200)
    assert.deepEqual([job['id'], job['state'], job['created_at']], [data['id'], 'queued', data['created_at']])
    assert.deepEqual(job['history'], [
      { at: data['created_at'], what: 'queued', detail: 'user@yours.example, by rule [api]' },
    ])
  })

  it('says where the raw mail of a bounce lies, and which recipient is unconfirmed, as the page of the job does', async () => {
    const one = request({ kept: nameOf('a mail'), recipient: { isUnconfirmed: true } })
    const [{ jobId } = assert.fail()] = api.queue.add([one], NOW_MS)
    const name = nameOf('a mail')
    const files = MAIL_PLACES.map(place => api.mailStore.locationOf(place, name))
    for (const file of files) mkdirSync(path.dirname(file), { recursive: true })
    const page = async () => (await fetch(`${api.url}/jobs/${jobId}`, { headers: bearer })).text()
    for (const file of files) {
      writeFileSync(file, 'From: joe@origin.example\r\n\r\nHello\r\n')
      const { data } = await api.ask('GET', `/v1/bounces/${jobId}`)
      assert.deepEqual(data['mails'], [file])
      const [recipient] = data['recipients'] as Record<string, unknown>[]
      assert.equal(recipient?.['is_unconfirmed'], true)
      assert.match(await page(), new RegExp(`<dt>Raw mail</dt><dd>${file.replaceAll('/', '\\/')}</dd>`))
      assert.match(await page(), /user@yours\.example <span class="soft">unconfirmed<\/span>/)
      rmSync(file)
    }
    assert.equal((await api.ask('GET', `/v1/bounces/${jobId}`)).data['mails'], undefined)
    assert.doesNotMatch(await page(), /Raw mail/)
  })

  it('is that there is none of such an id, whatever the id is', async () => {
    for (const id of ['nothing', '%27%3B--', 'x'.repeat(2000), '%00', '..%2F..', '__proto__']) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await api.ask(method, `/v1/bounces/${id}`)
        assert.deepEqual([answer.status, answer.code], [404, 'NOT_FOUND'], id)
      }
    }
  })

  it('is that one is cancelled, which can be asked for again', async () => {
    const { data } = await api.ask('POST', '/v1/bounces', submission())
    const where = `/v1/bounces/${String(data['id'])}`
    const cancelled = await api.ask('DELETE', where)
    assert.deepEqual([cancelled.status, cancelled.data['state']], [200, 'cancelled'])
    assert.equal((cancelled.data['history'] as unknown[]).length, 2)
    const again = await api.ask('DELETE', where)
    assert.deepEqual([again.status, again.data], [200, cancelled.data])
  })

  it('is that a cancellation has its reason in the history and in the audit, and no other parameter', async () => {
    const { data } = await api.ask('POST', '/v1/bounces', submission())
    const where = `/v1/bounces/${String(data['id'])}`
    const wrong = await api.ask('DELETE', `${where}?reson=x`)
    assert.deepEqual([wrong.status, wrong.code], [400, 'VALIDATION_ERROR'])
    const cancelled = await api.ask('DELETE', `${where}?reason=${encodeURIComponent('<b>asked for</b>')}`)
    assert.equal(cancelled.data['reason'], 'it was cancelled by hand: <b>asked for</b>')
    const audit = await api.ask('GET', '/v1/audit?action=cancel&limit=1')
    const [entry] = audit.data['entries'] as Record<string, unknown>[]
    assert.deepEqual([entry?.['reason'], entry?.['count']], ['<b>asked for</b>', 1])
  })

  it('is that a parameter that is not known changes nothing', async () => {
    const before = (await api.ask('GET', '/v1/bounces')).data
    const submitted = await api.ask('POST', '/v1/bounces?dry_run=true', submission())
    assert.deepEqual([submitted.status, submitted.code], [400, 'VALIDATION_ERROR'])
    assert.deepEqual((await api.ask('GET', '/v1/bounces')).data, before)
    const flushed = await api.ask('POST', '/v1/flush?region=eu-west-1', {})
    assert.deepEqual([flushed.status, flushed.code], [400, 'VALIDATION_ERROR'])
  })

  it('is that one can not be cancelled any more while it is sent', async () => {
    const { data } = await api.ask('POST', '/v1/bounces', submission({ region: 'us-east-1' }))
    const now = { ms: api.clock.ms, monoMs: api.clock.monoMs }
    const spacing = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: HOUR_MS }
    const claim = api.dispatcher.claim('us-east-1', now, spacing)
    assert.equal(claim?.job.id, data['id'])
    const answer = await api.ask('DELETE', `/v1/bounces/${String(data['id'])}`)
    assert.deepEqual([answer.status, answer.code], [409, 'NOT_CANCELLABLE'])
    assert.match(String(answer.data['message']), /being sent/)
  })

  it('is for each state whether one can be cancelled, and if not in which state it is', async () => {
    const database = new Database(api.file, { busyMs: 0, create: false })
    try {
      for (const state of JOB_STATES) {
        const { data } = await api.ask('POST', '/v1/bounces', submission())
        database.run('UPDATE job SET state = ? WHERE id = ?', state, String(data['id']))
        const answer = await api.ask('DELETE', `/v1/bounces/${String(data['id'])}`)
        const can = ['queued', 'held', 'cancelled'].includes(state)
        assert.deepEqual(
          [answer.status, answer.code],
          can ? [200, undefined] : [409, 'NOT_CANCELLABLE'],
          state,
        )
        if (!can)
          assert.match(
            String(answer.data['message']),
            state === 'sending' ? /being sent/ : new RegExp(`is ${state};`),
          )
        const { data: now } = await api.ask('GET', `/v1/bounces/${String(data['id'])}`)
        assert.equal(now['state'], can ? 'cancelled' : state)
      }
    } finally {
      database.close()
    }
  })

  it('is hostile text as text, with nothing that could turn or break a line', async () => {
    const sender = '"<script>\u202e\u2028\u009b"@origin.example'
    const { data, status } = await api.ask('POST', '/v1/bounces', submission({ sender }))
    assert.equal(status, 202)
    const response = await fetch(`${api.url}/v1/bounces/${String(data['id'])}`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
    })
    const text = await response.text()
    assert.doesNotMatch(text, /[\u202e\u2028\u009b]/)
    assert.equal((JSON.parse(text) as { data: { sender: string } }).data.sender, sender)
    assert.doesNotMatch(api.log.join(''), /[\u202e\u2028\u009b]/)
  })
})

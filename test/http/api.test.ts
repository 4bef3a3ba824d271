// The API as its callers see it: the results of submissions.

import assert from 'node:assert/strict'
import { Database } from '../../src/queue/sqlite/database'
import { request } from '../queue/support'
import { type Api, NOW_MS, startApi, submission } from './api-support'

const HOUR_MS = 3_600_000

describe('POST /v1/bounces', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi('[limit]\nper_sender = 2/day\n')
  })
  afterEach(() => api.close())

  const post = (body: unknown, headers: Record<string, string> = {}) =>
    api.ask('POST', '/v1/bounces', body, headers)
  const jobs = () => [...api.operator.jobs()]

  it('with several AWS accounts puts each recipient in the lane of its domain, and refuses one in none', async () => {
    const section = (name: string, number: string, domains: string) =>
      `[account.${name}]\nrole = arn:aws:iam::${number}:role/bounce\ndomains = ${domains}\n`
    api.configure(
      `${section('one', '111111111111', 'yours.example')}${section('two', '222222222222', 'second.example')}`,
    )
    const to = (...addresses: string[]) =>
      submission({ recipients: addresses.map(address => ({ address, type: 'DoesNotExist' })) })
    const refused = await post(to('a@yours.example', 'b@elsewhere.example'))
    assert.deepEqual(
      [refused.status, refused.code, refused.details],
      [400, 'VALIDATION_ERROR', ['recipients[1].address: domain in no account']],
    )
    assert.deepEqual(jobs(), [])
    assert.equal((await post(to('a@yours.example', 'b@second.example'))).status, 202)
    assert.deepEqual(
      jobs()
        .map(({ region }) => region)
        .toSorted(),
      ['111111111111/eu-west-1', '222222222222/eu-west-1'],
    )
    const listed = await api.ask('GET', '/v1/bounces?region=222222222222/eu-west-1')
    const [job, ...more] = listed.data['bounces'] as { region: string }[]
    assert.deepEqual([job?.region, more], ['222222222222/eu-west-1', []])
  })

  it('accepts a submission: its job is in the queue, the dispatcher is woken, and the log has a line', async () => {
    const body = submission({
      sender: 'someone@origin.example',
      recipients: [
        { address: 'a@yours.example', type: 'ContentRejected', status: '5.7.1', diagnostic: '550 5.7.1 No' },
        { address: '<B@yours.example>' },
      ],
      explanation: 'We take\n no   prögrams {subject}',
      bounce_sender: 'bounces@yours.example',
    })
    const answer = await post(body)
    assert.equal(answer.status, 202)
    const [job, ...more] = jobs()
    assert.ok(job)
    assert.deepEqual(more, [])
    const created = '2025-01-01T12:00:00Z'
    assert.deepEqual(answer.data, {
      id: job.id,
      created_at: created,
      recipients: [
        { address: 'a@yours.example', id: job.id, created_at: created, outcome: 'added', state: 'queued' },
        { address: 'B@yours.example', id: job.id, created_at: created, outcome: 'joined', state: 'queued' },
      ],
    })
    const { id: _id, recipients, ...rest } = job
    assert.deepEqual(rest, {
      state: 'queued',
      region: 'eu-west-1',
      sesId: body['original_message_id'],
      sender: 'someone@origin.example',
      bounceSender: 'bounces@yours.example',
      reportingMta: 'dns; mx.yours.example',
      explanation: 'We take no pr?grams {subject}',
      receivedAtMs: NOW_MS - 60_000,
      deadlineMs: NOW_MS - 60_000 + 24 * HOUR_MS,
      createdAtMs: NOW_MS,
      changedAtMs: NOW_MS,
      notBeforeMs: 0,
      tries: 0,
      unknownTries: 0,
      interruptions: 0,
    })
    assert.deepEqual(
      recipients.map(({ addedAtMs: _at, ...recipient }) => recipient),
      [
        {
          address: 'B@yours.example',
          bounceType: 'Undefined',
          status: '5.0.0',
          diagnostic: 'smtp; 554 5.0.0 We take no pr?grams {subject}',
          rule: '[api]',
        },
        {
          address: 'a@yours.example',
          bounceType: 'ContentRejected',
          status: '5.7.1',
          diagnostic: 'smtp; 550 5.7.1 No',
          rule: '[api]',
        },
      ].toSorted((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1)),
    )
    assert.equal(api.wakes, 1)
    assert.deepEqual(
      api.submitted,
      ['a', 'B'].map(name => `[api] ${String(body['original_message_id'])} ${name}@yours.example`),
    )
    assert.match(api.log.join('\n'), /^notice: rule="\[api\]" recipient=a@yours\.example .* bounce=added$/m)
  })

  it('makes a bounce for each bounce sender that comes of the recipients', async () => {
    const recipients = [{ address: 'a@yours.example' }, { address: 'b@other.example' }]
    const { data } = await post(submission({ recipients }))
    assert.deepEqual(
      jobs()
        .map(({ bounceSender }) => bounceSender)
        .toSorted(),
      ['mailer-daemon@other.example', 'mailer-daemon@yours.example'],
    )
    assert.equal(new Set((data['recipients'] as { id: string }[]).map(({ id }) => id)).size, 2)
  })

  it('is refused by every guard that can be checked, each with its field', async () => {
    const cases: [changes: Record<string, unknown>, details: string[]][] = [
      [{ sender: '' }, ['sender: null sender']],
      [{ sender: '<>' }, ['sender: null sender']],
      [{ sender: 'a@yours.example' }, ['sender: sender is one of our own domains']],
      [{ sender: 'a@sub.yours.example' }, ['sender: sender is one of our own domains']],
      [{ authenticated: false }, ['authenticated: sender not authenticated']],
      [{ authenticated: undefined }, ['authenticated: sender not authenticated']],
      [
        { recipients: [{ address: 'a@yours.example' }, { address: 'Postmaster@yours.example' }] },
        ['recipients[1].address: role address'],
      ],
    ]
    const never: typeof cases = [
      [
        { recipients: [{ address: 'mailer-daemon@yours.example' }] },
        ['recipients[0].address: bounce sender'],
      ],
      [
        { bounce_sender: 'b@yours.example', recipients: [{ address: 'B+x@yours.example' }] },
        ['recipients[0].address: bounce sender'],
      ],
    ]
    cases.push([
      { recipients: [{ address: 'abuse+x@yours.example' }] },
      ['recipients[0].address: role address'],
    ])
    for (const [changes, details] of [...cases, ...never]) {
      const answer = await post(submission(changes))
      assert.deepEqual([answer.status, answer.code, answer.details], [400, 'UNSAFE', details])
    }
    assert.deepEqual(jobs(), [])
    api.configure('[guard]\nauthentication = none\nrole_addresses =\nown_domains = false\n')
    for (const [changes] of cases.slice(2)) assert.equal((await post(submission(changes))).status, 202)
    for (const [changes, details] of never)
      assert.deepEqual((await post(submission(changes))).details, details)
  })

  it('accepts no submission outside the window, and none in mode observe', async () => {
    const answer = await post(
      submission({ received_at: new Date(NOW_MS - 24 * HOUR_MS + 59_000).toISOString() }),
    )
    assert.deepEqual([answer.status, answer.code], [409, 'EXPIRED'])
    const future = await post(submission({ received_at: new Date(NOW_MS + 2 * HOUR_MS).toISOString() }))
    assert.deepEqual(future.details, ['received_at: lies in the future'])
    api.configure('[main]\nmode = observe\n')
    assert.equal((await post(submission())).code, 'OBSERVING')
    assert.deepEqual(jobs(), [])
  })

  it('adds a recipient of a mail once, and then answers with the state of its bounce', async () => {
    const body = submission()
    const first = await post(body)
    api.clock.ms += 25 * HOUR_MS
    const again = await post(body)
    assert.deepEqual([again.status, again.data['id']], [200, first.data['id']])
    assert.equal(again.data['created_at'], first.data['created_at'])
    assert.equal((again.data['recipients'] as { outcome: string }[])[0]?.outcome, 'known')
    assert.equal(api.wakes, 1)
    api.clock.ms = NOW_MS
    const [taken] = api.queue.add([request({ sesId: 'taken-by-a-rule' })], NOW_MS)
    const known = await post(submission({ original_message_id: 'taken-by-a-rule' }))
    assert.deepEqual([known.status, known.data['id']], [200, taken?.jobId])
    assert.equal(jobs().length, 2)
  })

  it('refuses a recipient whose bounce has ended', async () => {
    const body = submission()
    const { data } = await post(body)
    await api.ask('DELETE', `/v1/bounces/${String(data['id'])}`)
    const again = await post(body)
    assert.deepEqual([again.status, again.code], [409, 'ENDED'])
  })

  it('applies the caps of senders to all recipients of a submission or to none', async () => {
    const sender = 'often@origin.example'
    assert.equal((await post(submission({ sender }))).status, 202)
    assert.equal((await post(submission({ sender }))).status, 202)
    const answer = await post(submission({ sender }))
    assert.deepEqual([answer.status, answer.code], [429, 'CAPPED'])
    assert.match(String(answer.data['message']), /more than 2\/day for this sender/)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
    assert.equal(jobs().length, 2)
  })

  it('accepts no submission that could not start in time', async () => {
    const soon = { received_at: new Date(NOW_MS - 24 * HOUR_MS + 61_000).toISOString() }
    const taken = [await post(submission(soon)), await post(submission(soon))]
    assert.deepEqual(
      taken.map(({ status }) => status),
      [202, 503],
    )
    assert.equal(taken[1]?.code, 'OVERLOAD')
    assert.ok(Number(taken[1]?.headers.get('retry-after')) > 0)
  })

  it('accepts no submission while the plugin is idle', async () => {
    api.configure('', '')
    const answer = await post(submission())
    assert.deepEqual([answer.status, answer.code], [503, 'UNAVAILABLE'])
  })

  it('is a 503 while the queue is locked, and nothing is added', async () => {
    const other = new Database(api.file, { busyMs: 0, create: false })
    try {
      other.script('BEGIN IMMEDIATE')
      const answer = await post(submission())
      assert.deepEqual([answer.status, answer.code], [503, 'UNAVAILABLE'])
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
      other.script('ROLLBACK')
    } finally {
      other.close()
    }
    assert.deepEqual(jobs(), [])
  })

  it('requires JSON in UTF-8, of a reasonable size', async () => {
    const json = JSON.stringify(submission())
    const types = [
      'text/plain',
      '',
      'application/jsonp',
      'application/json; charset=latin1',
      'multipart/form-data',
    ]
    for (const type of types) assert.equal((await post(json, { 'Content-Type': type })).status, 415, type)
    assert.equal((await post(json, { 'Content-Encoding': 'gzip' })).status, 415)
    assert.equal((await post('{')).code, 'INVALID_JSON')
    assert.equal((await post('')).code, 'INVALID_JSON')
    assert.equal((await post('['.repeat(200_000))).code, 'INVALID_JSON')
    assert.equal((await post(' '.repeat(300_000))).status, 413)
    for (const type of ['application/json', 'APPLICATION/JSON; charset="UTF-8"'])
      assert.equal((await post(submission(), { 'Content-Type': type })).status, 202, type)
  })
})

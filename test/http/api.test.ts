// The API as its callers see it: what an order comes to.

import assert from 'node:assert/strict'
import { Database } from '../../src/queue/sqlite/database'
import { request } from '../queue/support'
import { type Api, NOW_MS, order, startApi } from './api-support'

const HOUR_MS = 3_600_000

describe('POST /v1/bounces', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi('[limit]\nper_sender = 2/day\n')
  })
  afterEach(() => api.close())

  const post = (body: unknown, headers: Record<string, string> = {}) =>
    api.ask('POST', '/v1/bounces', body, headers)
  const jobs = () => [...api.operator.list({})]

  it('takes an order: its job is in the queue, the dispatcher is woken, the log tells of it', async () => {
    const body = order({
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
      api.ordered,
      ['a', 'B'].map(name => `[api] ${String(body['original_message_id'])} ${name}@yours.example`),
    )
    assert.match(api.log.join('\n'), /^notice: rule="\[api\]" recipient=a@yours\.example .* bounce=added$/m)
  })

  it('makes a bounce for each bounce sender that comes of the recipients', async () => {
    const recipients = [{ address: 'a@yours.example' }, { address: 'b@other.example' }]
    const { data } = await post(order({ recipients }))
    assert.deepEqual(
      jobs()
        .map(({ bounceSender }) => bounceSender)
        .toSorted(),
      ['mailer-daemon@other.example', 'mailer-daemon@yours.example'],
    )
    assert.equal(new Set((data['recipients'] as { id: string }[]).map(({ id }) => id)).size, 2)
  })

  it('says all that is wrong with an order at once, each with its field, and takes nothing of it', async () => {
    const answer = await post({
      original_message_id: 'short',
      region: 'Europe',
      received_at: 'yesterday',
      sender: 'nobody',
      recipients: [
        { address: 'x', type: 'doesnotexist', status: '2.0.0', diagnostic: 'x'.repeat(300) },
        { adress: 'a@yours.example' },
        'a@yours.example',
      ],
      explanation: 'x'.repeat(501),
      bounce_sender: 'a b@yours.example',
      authenticated: 'yes',
      senders: 1,
    })
    assert.deepEqual([answer.status, answer.code], [400, 'VALIDATION_ERROR'])
    assert.deepEqual(answer.details, [
      'senders: there is no such field; did you mean "sender"?',
      'original_message_id: is no id that SES gives: 8 to 128 letters, digits and ._-',
      'region: is no AWS region, such as eu-west-1',
      'received_at: is no time of RFC 3339, such as 2025-01-01T00:00:00Z',
      'sender: is no address',
      'recipients[0].address: is no address that SES could be given',
      'recipients[0].type: must be one of DoesNotExist, MessageTooLarge, ExceededQuota, ContentRejected, Undefined, TemporaryFailure',
      'recipients[0].status: is no status of class 4 or 5, such as 5.1.1',
      'recipients[0].diagnostic: has 306 characters; 256 is the most',
      'recipients[1].adress: there is no such field; did you mean "address"?',
      'recipients[1].address: is missing',
      'recipients[2]: must be an object',
      'explanation: has 501 characters; 500 is the most',
      'bounce_sender: is no address of plain ASCII',
      'authenticated: must be true or false',
    ])
    assert.deepEqual((await post({})).details, [
      'original_message_id: is missing',
      'region: is missing',
      'received_at: is missing',
      'sender: is missing',
      'recipients: is missing',
    ])
    assert.deepEqual((await post([])).details, [': must be an object'])
    const twice = [{ address: 'a@yours.example' }, { address: 'A@YOURS.example' }]
    assert.deepEqual((await post(order({ recipients: twice }))).details, [
      'recipients[1].address: stands in recipients[0] already',
    ])
    assert.deepEqual([jobs(), api.wakes], [[], 0])
  })

  it('takes no time that no calendar has, and tells every time in whole seconds', async () => {
    api.clock.ms = NOW_MS + 789
    const days = ['2024-02-30', '2023-02-29', '2024-12-32', '2024-13-01', '2024-11-31']
    for (const at of [
      ...days.map(day => `${day}T00:00:00Z`),
      '2024-12-31T24:00:00Z',
      '2025-01-01T00:00:00+24:00',
    ]) {
      const { details } = await post(order({ received_at: at }))
      assert.deepEqual(details, ['received_at: is no time of RFC 3339, such as 2025-01-01T00:00:00Z'], at)
    }
    const { data } = await post(order({ received_at: '2025-01-01T12:59:59.999+01:00' }))
    const { data: job } = await api.ask('GET', `/v1/bounces/${String(data['id'])}`)
    const times = ['created_at', 'changed_at', 'received_at', 'deadline_at'].map(name => job[name])
    const now = '2025-01-01T12:00:00Z'
    assert.deepEqual(
      [data['created_at'], ...times],
      [now, now, now, '2025-01-01T11:59:59Z', '2025-01-02T11:59:59Z'],
    )
  })

  it('takes no address that is longer than it says, however it is written', async () => {
    const [local, soft] = ['a'.repeat(240), '\u00ad'.repeat(100)]
    for (const address of [`<${local}@yours.example>`, `ä@yours.example`, `a@${soft}${soft}ö${soft}.example`])
      assert.deepEqual((await post(order({ recipients: [{ address }] }))).details, [
        'recipients[0].address: is no address that SES could be given',
      ])
    for (const sender of [`<${'a'.repeat(306)}@origin.example>`, '"\ud800"@origin.example'])
      assert.deepEqual((await post(order({ sender }))).details, ['sender: is no address'])
    const recipients = [{ address: '"a b"@yours.example' }, { address: ' <user@bücher.example> ' }]
    const { data } = await post(order({ recipients, sender: 'ü"@"@origin.example' }))
    assert.deepEqual(
      (data['recipients'] as { address: string }[]).map(({ address }) => address),
      ['"a b"@yours.example', 'user@xn--bcher-kva.example'],
    )
  })

  it('says no more of what is wrong than somebody could mend', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, 1]))
    assert.equal((await post({ ...order(), ...many(20_000) })).details.length, 200)
    const recipients = Array.from({ length: 50 }, (_, n) => ({ address: `${n}@yours.example`, ...many(300) }))
    assert.equal((await post(order({ recipients }))).details.length, 200)
    const query = Object.keys(many(2000)).join('&')
    assert.equal((await api.ask('GET', `/v1/bounces?${query}`)).details.length, 200)
  })

  it('takes no region that is not in use', async () => {
    api.configure('[ses]\nregions = us-east-1\n')
    assert.deepEqual((await post(order())).details, ['region: is not in use: [ses] regions has us-east-1'])
    assert.equal((await post(order({ region: 'us-east-1' }))).status, 202)
  })

  it('is held back by every guard that can be judged, and says which field each is about', async () => {
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
    for (const [changes, details] of cases) {
      const answer = await post(order(changes))
      assert.deepEqual([answer.status, answer.code, answer.details], [400, 'UNSAFE', details])
    }
    assert.deepEqual(jobs(), [])
    api.configure('[guard]\nauthentication = none\nrole_addresses =\nown_domains = false\n')
    for (const [changes] of cases.slice(2)) assert.equal((await post(order(changes))).status, 202)
  })

  it('takes none outside the window, and none while everything is only observed', async () => {
    const answer = await post(order({ received_at: new Date(NOW_MS - 24 * HOUR_MS + 59_000).toISOString() }))
    assert.deepEqual([answer.status, answer.code], [409, 'EXPIRED'])
    const future = await post(order({ received_at: new Date(NOW_MS + 2 * HOUR_MS).toISOString() }))
    assert.deepEqual(future.details, ['received_at: lies in the future'])
    api.configure('[main]\nmode = observe\n')
    assert.equal((await post(order())).code, 'OBSERVING')
    assert.deepEqual(jobs(), [])
  })

  it('takes a recipient of a mail once, whoever took it, and says how it is with it', async () => {
    const body = order()
    const first = await post(body)
    api.clock.ms += 25 * HOUR_MS
    const again = await post(body)
    assert.deepEqual([again.status, again.data['id']], [200, first.data['id']])
    assert.equal(again.data['created_at'], first.data['created_at'])
    assert.equal((again.data['recipients'] as { outcome: string }[])[0]?.outcome, 'known')
    assert.equal(api.wakes, 1)
    api.clock.ms = NOW_MS
    const [taken] = api.queue.add([request({ sesId: 'taken-by-a-rule' })], NOW_MS)
    const known = await post(order({ original_message_id: 'taken-by-a-rule' }))
    assert.deepEqual([known.status, known.data['id']], [200, taken?.jobId])
    assert.equal(jobs().length, 2)
  })

  it('refuses a recipient whose bounce has ended', async () => {
    const body = order()
    const { data } = await post(body)
    await api.ask('DELETE', `/v1/bounces/${String(data['id'])}`)
    const again = await post(body)
    assert.deepEqual([again.status, again.code], [409, 'ENDED'])
  })

  it('keeps to the caps of senders, with all of an order or none', async () => {
    const sender = 'often@origin.example'
    assert.equal((await post(order({ sender }))).status, 202)
    assert.equal((await post(order({ sender }))).status, 202)
    const answer = await post(order({ sender }))
    assert.deepEqual([answer.status, answer.code], [429, 'CAPPED'])
    assert.match(String(answer.data['message']), /more than 2\/day for this sender/)
    assert.ok(Number(answer.headers.get('retry-after')) > 0)
    assert.equal(jobs().length, 2)
  })

  it('takes none that could not start in time', async () => {
    const soon = { received_at: new Date(NOW_MS - 24 * HOUR_MS + 61_000).toISOString() }
    const taken = [await post(order(soon)), await post(order(soon))]
    assert.deepEqual(
      taken.map(({ status }) => status),
      [202, 503],
    )
    assert.equal(taken[1]?.code, 'OVERLOAD')
    assert.ok(Number(taken[1]?.headers.get('retry-after')) > 0)
  })

  it('takes none while the plugin is idle', async () => {
    api.configure('', '')
    const answer = await post(order())
    assert.deepEqual([answer.status, answer.code], [503, 'UNAVAILABLE'])
  })

  it('is a 503 while the queue is locked, and nothing of it is taken', async () => {
    const other = new Database(api.file, { busyMs: 0, create: false })
    try {
      other.script('BEGIN IMMEDIATE')
      const answer = await post(order())
      assert.deepEqual([answer.status, answer.code], [503, 'UNAVAILABLE'])
      assert.ok(Number(answer.headers.get('retry-after')) > 0)
      other.script('ROLLBACK')
    } finally {
      other.close()
    }
    assert.deepEqual(jobs(), [])
  })

  it('wants JSON in UTF-8, of a reasonable size', async () => {
    const json = JSON.stringify(order())
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
      assert.equal((await post(order(), { 'Content-Type': type })).status, 202, type)
  })
})

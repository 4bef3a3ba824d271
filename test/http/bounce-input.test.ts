// The fields of a submission, and the errors for wrong ones.

import assert from 'node:assert/strict'
import { type Api, NOW_MS, startApi, submission } from './api-support'

describe('the fields of a submission', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  const post = (body: unknown) => api.ask('POST', '/v1/bounces', body)
  const jobs = () => [...api.operator.jobs()]

  it('report all errors of a submission at once, each with its field, and add nothing to the queue', async () => {
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
    assert.deepEqual((await post(submission({ recipients: twice }))).details, [
      'recipients[1].address: repeats recipients[0]',
    ])
    assert.deepEqual([jobs(), api.wakes], [[], 0])
  })

  it('accept no time that is not in the calendar, and give every time in whole seconds', async () => {
    api.clock.ms = NOW_MS + 789
    const days = ['2024-02-30', '2023-02-29', '2024-12-32', '2024-13-01', '2024-11-31']
    for (const at of [
      ...days.map(day => `${day}T00:00:00Z`),
      '2024-12-31T24:00:00Z',
      '2025-01-01T00:00:00+24:00',
    ]) {
      const { details } = await post(submission({ received_at: at }))
      assert.deepEqual(details, ['received_at: is no time of RFC 3339, such as 2025-01-01T00:00:00Z'], at)
    }
    const { data } = await post(submission({ received_at: '2025-01-01T12:59:59.999+01:00' }))
    const { data: job } = await api.ask('GET', `/v1/bounces/${String(data['id'])}`)
    const times = ['created_at', 'changed_at', 'received_at', 'deadline_at'].map(name => job[name])
    const now = '2025-01-01T12:00:00Z'
    assert.deepEqual(
      [data['created_at'], ...times],
      [now, now, now, '2025-01-01T11:59:59Z', '2025-01-02T11:59:59Z'],
    )
  })

  it('accept no address over the limit, however it is written', async () => {
    const [local, soft] = ['a'.repeat(240), '\u00ad'.repeat(100)]
    for (const address of [`<${local}@yours.example>`, `ä@yours.example`, `a@${soft}${soft}ö${soft}.example`])
      assert.deepEqual((await post(submission({ recipients: [{ address }] }))).details, [
        'recipients[0].address: is no address that SES could be given',
      ])
    for (const sender of [`<${'a'.repeat(306)}@origin.example>`, '"\ud800"@origin.example'])
      assert.deepEqual((await post(submission({ sender }))).details, ['sender: is no address'])
    const recipients = [{ address: '"a b"@yours.example' }, { address: ' <user@bücher.example> ' }]
    const { data } = await post(submission({ recipients, sender: 'ü"@"@origin.example' }))
    assert.deepEqual(
      (data['recipients'] as { address: string }[]).map(({ address }) => address),
      ['"a b"@yours.example', 'user@xn--bcher-kva.example'],
    )
  })

  it('give no more errors than a person could fix', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, 1]))
    assert.equal((await post({ ...submission(), ...many(20_000) })).details.length, 200)
    const recipients = Array.from({ length: 50 }, (_, n) => ({ address: `${n}@yours.example`, ...many(300) }))
    assert.equal((await post(submission({ recipients }))).details.length, 200)
    const query = Object.keys(many(2000)).join('&')
    assert.equal((await api.ask('GET', `/v1/bounces?${query}`)).details.length, 200)
  })

  it('accept no region that is not in use', async () => {
    api.configure('[ses]\nregions = us-east-1\n')
    assert.deepEqual((await post(submission())).details, [
      'region: is not in use: [ses] regions has us-east-1',
    ])
    assert.equal((await post(submission({ region: 'us-east-1' }))).status, 202)
  })
})

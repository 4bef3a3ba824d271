import assert from 'node:assert/strict'
import type { Refusal } from '../../src/mail/refusal'
import { refusalOf } from '../../src/mail/refusal-text'
import { standsAlways } from '../../src/mail/standing-refusals'

function stands(given: Partial<Refusal>): boolean {
  const refusal: Refusal = {
    by: 'access',
    stage: 'rcpt',
    code: 550,
    status: '5.7.1',
    reply: 'No',
    ...given,
  }
  return standsAlways(refusal) !== undefined
}

describe('a refusal that always stands', () => {
  it('is one by a plugin that checks the connection, its login or its pace', () => {
    for (const by of [
      'relay',
      'auth/flat_file',
      'auth-ldap',
      'tls',
      'limit',
      'early_talker',
      'toobusy',
      'tarpit',
      'greylist',
      'xclient',
      'delay_deny',
    ])
      assert.ok(stands({ by }), by)
    for (const by of ['rcpt-ldap', 'relays', 'my-limit', 'nobody', 'outbound', 'clamd'])
      assert.ok(!stands({ by }), by)
  })

  it('is a temporary one, but at delivery, where Haraka has given up', () => {
    assert.ok(stands({ code: 450, status: '4.7.1' }))
    assert.ok(!stands({ code: 450, status: '4.7.1', stage: 'delivery' }))
    assert.ok(stands({ code: 250, status: '2.1.5' }))
  })

  it('tells of a fault behind Haraka by its code, its status or its words', () => {
    for (const code of [500, 501, 502, 503, 504, 521, 530, 534, 535, 538])
      assert.ok(stands({ code }), `${code}`)
    for (const code of [550, 551, 552, 553, 554, 556]) assert.ok(!stands({ code }), `${code}`)
    for (const status of ['5.4.6', '5.5.0', '5.5.3', '5.7.54', '5.7.57', '5.7.606', '5.7.649'])
      assert.ok(stands({ status }), status)
    for (const status of ['5.4.1', '5.1.1', '5.7.5', '5.7.540', '5.7.605', '5.7.650', '5.7.1'])
      assert.ok(!stands({ status }), status)
    for (const reply of [
      'Unable to relay',
      'Relaying denied',
      'Client was not authenticated',
      'Service unavailable; blocked using zen.example',
      'banned sending IP',
    ])
      assert.ok(stands({ reply }), reply)
  })

  it('is found at every stage', () => {
    for (const stage of ['mail', 'rcpt', 'data', 'queue', 'delivery'] as const)
      assert.ok(stands({ stage, reply: 'Relay access denied' }), stage)
  })
})

describe('a refusal by the server behind Haraka', () => {
  const refused = (text: string, code = 550, status?: string) =>
    refusalOf({ by: 'outbound', stage: 'delivery', code, status, text })

  it('is for now where Haraka gave up without an answer of the server', () => {
    assert.deepEqual(refused('Tried all MXs example.com', 550, '5.1.2'), {
      by: 'outbound',
      stage: 'delivery',
      code: 450,
      status: '4.4.7',
      reply: 'Tried all MXs example.com',
    })
    assert.equal(refused('Too many failures (no answer)').status, '4.4.7')
  })

  it('keeps the code and the status that the server gave', () => {
    assert.deepEqual(refused('mailbox full', 452, '4.2.2'), {
      by: 'outbound',
      stage: 'delivery',
      code: 452,
      status: '4.2.2',
      reply: 'mailbox full',
    })
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { deny, denydisconnect, denysoft, denysoftdisconnect } from 'haraka-constants'
import DSN from 'haraka-dsn'
import {
  type HarakaRefusal,
  type RefusingHook,
  readRefusal,
  STAGE_OF_HOOK,
} from '../../src/haraka/read-refusal'
import { bounceTypeOf } from '../../src/policy/refusal-types'
import { cpuMs } from '../cpu-time'

function read(given: Partial<HarakaRefusal>) {
  return readRefusal({ plugin: 'access', hook: 'rcpt', retval: deny, message: undefined, ...given })
}

function shown(given: Partial<HarakaRefusal>): string {
  const { refusal, isTemporary } = read(given)
  const { code, status, reply } = refusal
  return `${isTemporary ? 'temporary ' : ''}${code} ${status} ${bounceTypeOf(refusal)} ${reply}`.trim()
}

describe('a refusal of another plugin', () => {
  it('has its code and its status from a DSN, whatever the answer was', () => {
    assert.equal(shown({ message: DSN.no_such_user('No Anna here') }), '550 5.1.1 DoesNotExist No Anna here')
    assert.equal(shown({ message: DSN.mbox_full('Full') }), 'temporary 450 4.2.2 TemporaryFailure Full')
    assert.equal(
      shown({ retval: denysoft, message: DSN.mbox_full('Full', 552) }),
      '552 5.2.2 ExceededQuota Full',
    )
    assert.equal(
      shown({ message: DSN.addr_null_mx('') }),
      '556 5.1.10 DoesNotExist Recipient address has null MX',
    )
    assert.equal(
      shown({ message: DSN.create('550', ['one', 'two'], 1, 1) }),
      '550 5.1.1 DoesNotExist one two',
    )
  })

  it('has a status of its own where the DSN says x.0.0, which says nothing', () => {
    assert.equal(shown({ message: DSN.unspecified('Go away', 550) }), '550 5.7.1 Undefined Go away')
    assert.equal(
      shown({ plugin: 'rcpt-ldap', message: DSN.unspecified('Go away', 550) }),
      '550 5.1.1 DoesNotExist Go away',
    )
    assert.equal(shown({ message: DSN.unspecified('Full (#5.2.2)', 550) }), '550 5.2.2 ExceededQuota Full')
  })

  it('is no refusal where the DSN says 250', () => {
    const { refusal, isTemporary } = read({ message: DSN.addr_rcpt_ok('fine') })
    assert.deepEqual([refusal.code, refusal.status, isTemporary], [250, '2.1.5', false])
  })

  it('has its code and its status from the beginning of a text', () => {
    assert.equal(shown({ message: '5.1.1 No such user' }), '550 5.1.1 DoesNotExist No such user')
    assert.equal(shown({ message: '#5.1.1 No such user' }), '550 5.1.1 DoesNotExist No such user')
    assert.equal(shown({ message: '552 5.2.2: over quota' }), '552 5.2.2 ExceededQuota over quota')
    assert.equal(shown({ message: '552 too big' }), '552 5.2.2 ExceededQuota too big')
    assert.equal(shown({ hook: 'data_post', message: '552 too big' }), '552 5.3.4 MessageTooLarge too big')
    assert.equal(shown({ message: 'no mailbox here. (#5.1.1)' }), '550 5.1.1 DoesNotExist no mailbox here.')
    assert.equal(
      shown({ message: '550-5.1.1 No such\n550 5.1.1 user' }),
      '550 5.1.1 DoesNotExist No such user',
    )
    assert.equal(shown({ message: '5.1.1.7 is blocked' }), '550 5.7.1 Undefined 5.1.1.7 is blocked')
    assert.equal(
      shown({ message: ['550-5.1.1 No such', '550 user', '5.1.1 here', '5.1.2 there'] }),
      '550 5.1.1 DoesNotExist No such user here 5.1.2 there',
    )
    assert.equal(shown({ message: '5.01.001 x' }), '550 5.1.1 DoesNotExist x')
  })

  it('has a status whose class fits the code', () => {
    assert.equal(shown({ message: '4.2.2 Full' }), '550 5.2.2 ExceededQuota Full')
    assert.equal(shown({ message: '554 4.7.1 no' }), '554 5.7.1 Undefined no')
  })

  it('is temporary where the answer or its own words say so', () => {
    assert.equal(shown({ retval: denysoft }), 'temporary 450 4.7.1 TemporaryFailure')
    assert.equal(shown({ retval: denysoftdisconnect, hook: 'data' }), 'temporary 451 4.7.1 TemporaryFailure')
    assert.equal(
      shown({ retval: denysoft, message: '550 5.1.1 No such user' }),
      'temporary 450 4.1.1 TemporaryFailure No such user',
    )
    assert.equal(
      shown({ message: '451 4.3.0 The directory is down' }),
      'temporary 451 4.3.0 TemporaryFailure The directory is down',
    )
  })

  it('without a status has one by the plugin and the stage', () => {
    assert.equal(shown({ plugin: 'rcpt_to.ldap' }), '550 5.1.1 DoesNotExist')
    assert.equal(shown({ plugin: 'nobody' }), '550 5.1.1 DoesNotExist')
    assert.equal(shown({ plugin: 'rcpt-ldap', hook: 'mail' }), '550 5.7.1 Undefined')
    assert.equal(shown({ retval: denydisconnect, message: '' }), '550 5.7.1 Undefined')
    assert.equal(shown({ hook: 'data' }), '554 5.7.1 ContentRejected')
    assert.equal(shown({ hook: 'data_post', message: 'Virus' }), '550 5.7.1 ContentRejected Virus')
    assert.equal(shown({ hook: 'queue', message: ['no', '', 'way'] }), '550 5.7.1 Undefined no way')
  })

  it('has the name under which Haraka loads the plugin', () => {
    assert.equal(read({ plugin: 'rcpt_to.ldap' }).refusal.by, 'rcpt-ldap')
    assert.equal(read({ plugin: 'haraka-plugin-rcpt-ldap' }).refusal.by, 'rcpt-ldap')
    assert.equal(read({ plugin: 'queue/smtp_forward' }).refusal.by, 'queue/smtp_forward')
  })

  it('is printable ASCII with a fitting status, whatever the plugin says', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string().map(rest => `550 5.1.1 ${rest}`),
      fc.constantFrom('5.7.1', '#4.0.0', '999 x', '552', '\u{1F600} '.repeat(3000), '250 2.0.0 ok'),
    )
    const hostile = fc.constantFrom<unknown>(
      Object.create(null),
      {
        toString: () => {
          throw new Error('no')
        },
      },
      { constructor: { name: 'DSN' } },
      { constructor: { name: 'DSN' }, code: '550 x', reply: {}, cls: 'a', sub: {}, det: Symbol('x') },
      {
        get constructor() {
          throw new Error('no')
        },
      },
      Symbol('x'),
      () => 1,
      [Object.create(null), Symbol('y')],
    )
    const dsn = fc
      .tuple(
        fc.oneof(fc.integer(), fc.string(), fc.constantFrom('550', '451', 250)),
        text,
        fc.nat(9),
        fc.nat(40),
      )
      .map(([code, message, subject, detail]) => DSN.create(code, message, subject, detail))
    const message = fc.oneof(text, fc.array(fc.oneof(text, fc.anything())), dsn, hostile, fc.anything())
    const hook = fc.constantFrom(...(Object.keys(STAGE_OF_HOOK) as RefusingHook[]))
    const retval = fc.constantFrom(deny, denysoft, denydisconnect, denysoftdisconnect)
    fc.assert(
      fc.property(message, hook, retval, text, (message, hook, retval, plugin) => {
        const { refusal, isTemporary } = readRefusal({ plugin, hook, retval, message })
        assert.match(refusal.reply, /^[ -~]{0,256}$/)
        assert.equal(refusal.reply, refusal.reply.trim())
        assert.match(refusal.by, /^[ -~]{0,256}$/)
        assert.match(String(refusal.code), /^[245]\d\d$/)
        assert.match(refusal.status, /^[245]\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/)
        assert.equal(refusal.status[0], String(refusal.code)[0])
        assert.equal(isTemporary, refusal.code >= 400 && refusal.code < 500)
        assert.ok(bounceTypeOf(refusal))
      }),
      { numRuns: 2000 },
    )
  })

  it('takes no time, however long its text is', () => {
    const messages = [
      ' '.repeat(5_000_000),
      '5.1.1 '.repeat(1_000_000),
      Array(100_000).fill('(#5.1.1 '.repeat(99)),
    ]
    const tookMs = cpuMs(100, () => {
      for (const message of messages) read({ message })
    })
    assert.ok(tookMs < 100, `${tookMs} ms`)
  })
})

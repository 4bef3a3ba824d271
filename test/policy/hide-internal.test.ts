import assert from 'node:assert/strict'
import fc from 'fast-check'
import { hideInternal } from '../../src/policy/hide-internal'
import { cpuMs } from '../cpu-time'

const hide = (reply: string) => hideInternal(reply, ['internal.example'])

describe('[refusals] hide', () => {
  it('hides nothing where it is empty', () => {
    const reply = 'store.internal.example[10.0.0.1] said no'
    assert.equal(hideInternal(reply, []), reply)
  })

  it('removes names of hosts under the domain, and private addresses', () => {
    assert.equal(hide('host store1.internal.example said no'), 'host [internal] said no')
    assert.equal(hide('a.b.INTERNAL.example: no'), '[internal]: no')
    assert.equal(hide('internal.example is down'), '[internal] is down')
    assert.equal(hide('refused by [10.1.2.3]:24'), 'refused by [internal]:24')
    assert.equal(hide('192.168.0.1, 172.31.255.1 and 127.0.0.1.'), '[internal], [internal] and [internal].')
    assert.equal(hide('[IPv6:fd00::1] and fe80::1 and ::1'), '[internal] and [internal] and [internal]')
    assert.equal(hide('user@store1.internal.example unknown'), 'user@[internal] unknown')
  })

  it('removes hosts whose names have no dot', () => {
    assert.equal(hide('<anna@mailstore>: unknown'), '<anna@[internal]>: unknown')
    assert.equal(hide('host mailstore said no'), 'host [internal] said no')
    assert.equal(hide('mailstore[10.0.0.1] said no'), '[internal][internal] said no')
  })

  it('leaves all else', () => {
    for (const reply of [
      'No such user',
      'anna@internal.example: no such user',
      'mx.example.com[192.0.2.1] said no',
      'notinternal.example and internal.example.org',
      '2001:db8::1 and 172.32.0.1 and 11.0.0.1',
      'at 12:30:45 it was full',
      'v1.2.3.4.5 of 10.0.0.1.2',
    ])
      assert.equal(hide(reply), reply)
  })

  it('leaves no name under the domain, whatever stands around it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.stringMatching(/^[a-z0-9]{1,8}$/), (before, after, label) => {
        const reply = hide(`${before} ${label}.internal.example ${after}`)
        assert.ok(!reply.includes(`${label}.internal.example `), reply)
      }),
    )
  })

  it('takes no time for a reply of 256 characters', () => {
    const replies = [
      '1.'.repeat(128),
      ':'.repeat(256),
      'a-'.repeat(128),
      'host '.repeat(51),
      '[10.'.repeat(64),
    ]
    const tookMs = cpuMs(100, () => {
      for (let i = 0; i < 20; i++) for (const reply of replies) hide(reply)
    })
    assert.ok(tookMs < 100, `${tookMs} ms`)
  })
})

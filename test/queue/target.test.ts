// Where the queue is, for this process and for its children.

import assert from 'node:assert/strict'
import { fromEnvironment, type QueuePlace, targetAt, toEnvironment } from '../../src/queue/target'

const POSTGRES: QueuePlace = {
  store: 'postgres',
  host: 'db.internal',
  port: 5432,
  user: 'bounces',
  database: 'mail',
  schema: 'ses_bounce',
  connections: 2,
  timeoutMs: 2000,
  migrates: 'boot',
  hostName: 'web-1',
}

describe('the place of a queue', () => {
  it('is handed to a child process as it is', () => {
    for (const place of [POSTGRES, { store: 'sqlite', file: '/var/q.sqlite' } as const])
      assert.deepEqual(fromEnvironment(toEnvironment(place)), place)
    assert.equal(fromEnvironment({}), undefined)
  })

  it('is handed over without the password', () => {
    const target = targetAt(POSTGRES, () => 'hunter2hunter2')
    assert.equal(target.store === 'postgres' && target.password, 'hunter2hunter2')
    assert.doesNotMatch(JSON.stringify(toEnvironment(POSTGRES)), /password|hunter/)
  })

  it('has the password that is set when it is asked for', () => {
    let password = 'first'
    const target = targetAt(POSTGRES, () => password)
    password = 'second'
    assert.equal(target.store === 'postgres' && target.password, 'second')
  })
})
